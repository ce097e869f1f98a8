// Today by keyboard: j and k move along the rows, Enter opens the selected one, ? shows the keys.

const rows = [...document.querySelectorAll("[data-worklist] [data-row]")];
const keys = document.querySelector("[data-keys]");
const print = document.querySelector("[data-print]");
let at = -1;

if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

// The selected row has the one filled button of the screen, with the key that presses it.
function select(index, scroll = true) {
  if (!rows.length) return;
  rows[at]?.removeAttribute("aria-selected");
  const old = rows[at]?.querySelector("[data-open]");
  old?.classList.replace("btn-primary", "btn-plain");
  old?.querySelector("kbd")?.remove();
  at = Math.max(0, Math.min(index, rows.length - 1));
  const row = rows[at];
  row.setAttribute("aria-selected", "true");
  const button = row.querySelector("[data-open]");
  if (button) {
    button.classList.replace("btn-plain", "btn-primary");
    const key = document.createElement("kbd");
    key.textContent = "Enter";
    key.setAttribute("aria-hidden", "true");
    button.append(" ", key);
  }
  if (scroll) {
    row.scrollIntoView({ block: "nearest" });
    (button ?? row.querySelector("a"))?.focus({ preventScroll: true });
  }
}

function typing(target) {
  return target.matches("input, textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "j" || event.key === "ArrowDown") select(at + 1);
  else if (event.key === "k" || event.key === "ArrowUp") select(at - 1);
  else if (event.key === "?" && keys) keys.showModal();
  else if (event.key === "Enter" && event.target === document.body) rows[at]?.querySelector("[data-open]")?.click();
  else return;
  event.preventDefault();
});

// A focus by Tab or a click selects its row too.
for (const [index, row] of rows.entries()) {
  row.addEventListener("focusin", () => { if (index !== at) select(index, false); });
}

select(0, false);
