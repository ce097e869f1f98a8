// Home visits: the list is printed; the form is kept on the phone while it is filled in and, without a connection, until
// it could be sent. What was sent, or is older than three days, is deleted from the phone. Each user has drafts of their own.

const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

const form = document.querySelector("form[data-visit]");
const said = document.querySelector("[data-visit-said]");
const prefix = "visit:";
const days = 3;

for (const name of Object.keys(window.localStorage).filter((each) => each.startsWith(prefix))) {
  const { at } = JSON.parse(window.localStorage.getItem(name));
  if (Date.now() - at > days * 86400000) window.localStorage.removeItem(name);
}

if (form) {
  const name = prefix + form.dataset.visit;
  let sending = false;
  let waiting = false;

  const tell = (text) => {
    said.textContent = text;
    said.hidden = !text;
  };
  const fields = () => [...new FormData(form)].filter(([field]) => field !== "csrf_token");
  const keep = () => window.localStorage.setItem(name, JSON.stringify({ at: Date.now(), fields: fields() }));

  const restore = () => {
    const kept = window.localStorage.getItem(name);
    if (!kept) return;
    for (const [field, value] of JSON.parse(kept).fields) {
      const control = form.querySelector(`[name="${CSS.escape(field)}"][value="${CSS.escape(value)}"]`);
      if (control?.matches("[type=radio], [type=checkbox]")) control.checked = true;
      else {
        const place = form.querySelector(`textarea[name="${CSS.escape(field)}"], input[name="${CSS.escape(field)}"][type=hidden]`);
        if (place) place.value = value;
      }
    }
    tell(form.dataset.draft);
  };

  const send = async () => {
    if (sending) return;
    sending = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, credentials: "same-origin" });
      const body = await answer.json().catch(() => ({}));
      if (answer.ok && body.saved) {
        window.localStorage.removeItem(name);
        window.location.assign(body.next);
      } else {
        waiting = false;
        tell(answer.status === 401 || answer.status === 400 ? form.dataset.login : body.error ?? form.dataset.kept);
      }
    } catch {
      waiting = true;
      tell(form.dataset.kept);
    } finally {
      sending = false;
    }
  };

  restore();
  form.addEventListener("input", keep);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep();
    send();
  });
  window.addEventListener("online", () => { if (waiting) send(); });
  window.setInterval(() => { if (waiting) send(); }, 30000);
}
