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

// Logging out deletes what a user's home visits keep on this phone; what is not sent yet is said before.
document.querySelector("form[data-drafts]")?.addEventListener("submit", (event) => {
  const { drafts, draftsText } = event.target.dataset;
  const kept = Object.keys(window.localStorage).filter((name) => name.startsWith(drafts));
  if (kept.length && !window.confirm(draftsText)) event.preventDefault();
  else for (const name of kept) window.localStorage.removeItem(name);
});

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

// The count of alerts stays live on every page: asked for again and again, more slowly while nobody looks. A lost
// connection is said, and the count comes back by itself. A new urgent alert is shown by the browser where the person
// asked for that. The numbers of alerts are remembered, nothing about patients.
const bar = document.querySelector("nav[data-live]");
if (bar) {
  const soon = 20000;
  const place = bar.querySelector(`a[href="${bar.dataset.livePlace}"]`);
  const lost = document.querySelector("[data-lost]");
  const known = "alerts-newest";
  let timer = 0;
  let since = "";
  let wait = soon;

  const show = ({ total, urgent }) => {
    let pill = place?.querySelector(".pill");
    if (!place || (!pill && !total)) return;
    if (!pill) {
      pill = document.createElement("span");
      pill.className = "pill";
      place.append(" ", pill);
    }
    const words = pill.querySelector("[data-words]");
    pill.textContent = total ? String(total) : "";
    if (words && total) pill.append(words);
    pill.hidden = !total;
    pill.classList.toggle("pill-urgent", urgent > 0);
  };

  const tell = (newest) => {
    const before = Number(window.localStorage.getItem(known) ?? 0);
    if (newest <= before) return;
    window.localStorage.setItem(known, String(newest));
    if (window.Notification?.permission !== "granted") return;
    const note = new window.Notification(bar.dataset.liveTitle, { body: bar.dataset.liveText, tag: `alert-${newest}`, requireInteraction: true });
    note.onclick = () => { window.focus(); window.location.assign(bar.dataset.livePlace); };
  };

  const look = async () => {
    window.clearTimeout(timer);
    try {
      const answer = await fetch(bar.dataset.live, { headers: { Accept: "application/json", "X-Background": "1" }, credentials: "same-origin" });
      if (answer.status === 401) return;
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await answer.json();
      show(found);
      tell(found.newest);
      wait = soon;
      since = "";
      if (lost) lost.hidden = true;
    } catch {
      since ||= new Date().toTimeString().slice(0, 5);
      if (lost) {
        lost.textContent = bar.dataset.liveLost.replace("{}", since);
        lost.hidden = false;
      }
      wait = Math.min(wait * 2, 120000);
    }
    timer = window.setTimeout(look, document.hidden ? Math.max(wait, 60000) : wait);
  };

  window.addEventListener("online", look);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  timer = window.setTimeout(look, wait);
  if (window.localStorage.getItem(known) === null) window.localStorage.setItem(known, "0");
}
