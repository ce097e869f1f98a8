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
