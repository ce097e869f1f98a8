// Alerts by keyboard: j and k move along the rows, Enter opens the selected one, a acknowledges the open one.

const rows = [...document.querySelectorAll("[data-worklist] [data-row]")];
let at = Math.max(0, rows.findIndex((row) => row.hasAttribute("aria-selected")));

function move(step) {
  if (!rows.length) return;
  rows[at].removeAttribute("aria-selected");
  at = Math.max(0, Math.min(at + step, rows.length - 1));
  rows[at].setAttribute("aria-selected", "true");
  rows[at].querySelector("[data-open]").focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, textarea, select, [contenteditable]")) return;
  if (event.key === "j" || event.key === "ArrowDown") move(1);
  else if (event.key === "k" || event.key === "ArrowUp") move(-1);
  else if (event.key === "a") document.querySelector("[data-acknowledge] button")?.click();
  else return;
  event.preventDefault();
});

// Urgent alerts are shown by the browser too, once the person has asked for it.
const notify = document.querySelector("[data-notify]");
if (notify && window.Notification && window.Notification.permission === "default") {
  notify.hidden = false;
  notify.addEventListener("click", async () => {
    await window.Notification.requestPermission();
    notify.hidden = true;
  });
}
