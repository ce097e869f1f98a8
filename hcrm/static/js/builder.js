// Questions of a draft can be dragged to another place. Without this script, and by keyboard, the arrows do the same;
// with it, Alt and an arrow key move the question that has the focus.

const list = document.querySelector("[data-sortable]");
const moving = document.querySelector("#moving");
let dragged = null;

function send(place, to) {
  moving.elements.place.value = place;
  moving.elements.to.value = to;
  moving.submit();
}

function clear() {
  for (const row of list.children) row.classList.remove("dragged", "drop-before", "drop-after");
}

function isAfter(event, row) {
  const box = row.getBoundingClientRect();
  return event.clientY > box.top + box.height / 2;
}

list?.addEventListener("dragstart", (event) => {
  dragged = event.target.closest("[data-place]");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.place);
  dragged.classList.add("dragged");
});

list?.addEventListener("dragover", (event) => {
  const row = event.target.closest("[data-place]");
  if (!dragged || !row) return;
  event.preventDefault();
  for (const other of list.children) other.classList.remove("drop-before", "drop-after");
  row.classList.add(isAfter(event, row) ? "drop-after" : "drop-before");
});

list?.addEventListener("drop", (event) => {
  const row = event.target.closest("[data-place]");
  if (!dragged || !row) return;
  event.preventDefault();
  const from = Number(dragged.dataset.place);
  let to = Number(row.dataset.place) + (isAfter(event, row) ? 1 : 0);
  if (to > from) to -= 1;
  if (to !== from) send(from, to);
});

list?.addEventListener("dragend", () => { dragged = null; clear(); });

list?.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const row = event.target.closest("[data-place]");
  if (!step || !event.altKey || !row) return;
  const to = Number(row.dataset.place) + step;
  if (to < 1 || to > list.children.length) return;
  event.preventDefault();
  send(row.dataset.place, to);
});

// After a move the question that was moved has the focus again, once the browser has scrolled to it.
const anchor = /^#q\d+$/.test(location.hash) ? document.querySelector(location.hash) : null;
if (anchor) window.addEventListener("load", () => setTimeout(() => anchor.querySelector("a")?.focus(), 0));
