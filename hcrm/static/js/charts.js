// Draws each figure from its JSON block. The JSON is data, not script, so the page needs no inline script.
const still = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };
const narrow = window.matchMedia("(max-width: 36rem)");

// On a phone the words at the right end of a chart get less room and smaller letters, so that the chart keeps most of it.
function fitted(figure) {
  if (!narrow.matches) return figure;
  const layout = structuredClone(figure.layout);
  layout.font = { size: 11 };
  layout.margin = { ...layout.margin, l: Math.min(layout.margin.l, 84), r: Math.min(layout.margin.r, 84) };
  for (const note of layout.annotations ?? []) note.font = { ...note.font, size: 11 };
  return { data: figure.data, layout };
}

function draw() {
  for (const place of document.querySelectorAll("[data-figure]")) {
    const figure = fitted(JSON.parse(document.getElementById(place.dataset.figure).textContent));
    Plotly.react(place, figure.data, figure.layout, still);
  }
}

draw();
narrow.addEventListener("change", draw);

// Each chart can be kept as a picture, or as the numbers it is drawn from.
const quoted = (cell) => {
  const text = String(cell ?? "");
  const safe = /^[=+\-@]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
function interval(trace, place) {
  const error = trace.error_y ?? trace.error_x;
  if (!error) return ["", ""];
  const middle = trace.error_y ? trace.y[place] : trace.x[place];
  return [middle - error.arrayminus[place], middle + error.array[place]];
}
function numbers(figure) {
  const rows = [["series", "x", "y", "z", "text", "low", "high"]];
  figure.data.forEach((trace, at) => {
    const name = trace.name ?? `${trace.type} ${at + 1}`;
    if (trace.z) {
      trace.z.forEach((line, row) => line.forEach((value, column) => rows.push([name, trace.x[column], trace.y[row], value, ""])));
    } else {
      (trace.x ?? []).forEach((x, place) => rows.push([name, x, trace.y?.[place], "", trace.text?.[place], ...interval(trace, place)]));
    }
  });
  return `\ufeff${rows.map((row) => row.map(quoted).join(",")).join("\r\n")}\r\n`;
}
function save(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
// The picture is drawn from a data address: Plotly's own way uses one that the content security policy blocks.
async function keep(name, kind) {
  if (kind === "csv") {
    const figure = JSON.parse(document.getElementById(name).textContent);
    return save(new Blob([numbers(figure)], { type: "text/csv" }), `${name}.csv`);
  }
  const place = document.querySelector(`[data-figure="${name}"]`);
  const size = { width: 1200, height: Math.max(600, place.layout?.height ?? 0) };
  const address = await Plotly.toImage(place, { format: "svg", ...size });
  if (kind === "svg") return save(new Blob([decodeURIComponent(address.slice(address.indexOf(",") + 1))], { type: "image/svg+xml" }), `${name}.svg`);
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 2 * size.width;
  canvas.height = 2 * size.height;
  const paper = canvas.getContext("2d");
  paper.fillStyle = "#fff";
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toBlob((picture) => save(picture, `${name}.png`));
}
for (const line of document.querySelectorAll("[data-chart-out]")) {
  line.hidden = false;
  for (const button of line.querySelectorAll("[data-as]")) button.addEventListener("click", () => keep(line.dataset.chartOut, button.dataset.as));
}

// Printing opens the tables beside the charts and closes again those that were closed.
const tables = document.querySelectorAll("details.chart-table");
window.addEventListener("beforeprint", () => {
  for (const table of tables) { table.dataset.was = String(table.open); table.open = true; }
});
window.addEventListener("afterprint", () => {
  for (const table of tables) table.open = table.dataset.was === "true";
});
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
