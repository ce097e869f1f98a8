// What every staff page can do beside what its HTML does alone.

const typing = (target) => target.matches("input, textarea, select, [contenteditable]");

// "/" goes to the search field.
const find = document.getElementById("find");
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !find) return;
  event.preventDefault();
  find.focus();
  find.select();
});

// A form that only filters sends itself when a choice is made; without scripts its button does it.
for (const form of document.querySelectorAll("form[data-filters]")) {
  form.querySelectorAll("[data-filters-button]").forEach((button) => { button.hidden = true; });
  form.addEventListener("change", () => form.requestSubmit());
}

// Filters are folded away on a phone until they are asked for.
const phone = window.matchMedia("(max-width: 48rem)");
const folds = document.querySelectorAll("details[data-fold]");
const fold = () => { for (const each of folds) each.open = !phone.matches; };
phone.addEventListener("change", fold);
fold();

// A second press of the same button sends nothing twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// After a form came back with errors, the first of them gets the focus.
document.querySelector("[aria-invalid=true]")?.focus();

// The chosen part of a bar that scrolls sideways is in view.
document.querySelector(".topbar nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
