// Home visits: the list is printed; the form is kept on the phone while it is filled in and, without a connection, until
// it could be sent. It is kept encrypted (AES-GCM): the key comes with the page, is of this user and this visit alone and
// is never stored, so what lies on the phone can be read only by who is logged in. What was sent, or is older than three
// days, is deleted; logging out deletes the drafts of the user (base.js).

const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

const form = document.querySelector("form[data-visit]");
const said = document.querySelector("[data-visit-said]");
const prefix = "visit:";
const days = 3;

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

for (const name of Object.keys(window.localStorage).filter((each) => each.startsWith(prefix))) {
  const kept = parsed(window.localStorage.getItem(name));
  if (!kept?.sealed || Date.now() - kept.at > days * 86400000) window.localStorage.removeItem(name);
}

const toText = (bytes) => window.btoa(String.fromCharCode(...new Uint8Array(bytes)));
const toBytes = (text) => Uint8Array.from(window.atob(text), (each) => each.charCodeAt(0));

if (form) {
  const name = prefix + form.dataset.visit;
  const safe = window.isSecureContext && window.crypto?.subtle;
  const key = safe ? window.crypto.subtle.importKey("raw", toBytes(form.dataset.key), "AES-GCM", false, ["encrypt", "decrypt"]) : null;
  delete form.dataset.key;
  let sending = false;
  let waiting = false;
  let last = Promise.resolve();
  let lies = Boolean(safe);

  const tell = (text) => {
    said.textContent = text;
    said.hidden = !text;
  };
  const fields = () => [...new FormData(form)].filter(([field]) => field !== "csrf_token");

  const seal = async () => {
    const iv = window.crypto.getRandomValues(new Uint8Array(12));
    const plain = new TextEncoder().encode(JSON.stringify(fields()));
    const sealed = await window.crypto.subtle.encrypt({ name: "AES-GCM", iv }, await key, plain);
    window.localStorage.setItem(name, JSON.stringify({ at: Date.now(), iv: toText(iv), sealed: toText(sealed) }));
  };
  // One after the other, so that the last state of the form is what stays.
  const keep = () => {
    if (safe) last = last.then(seal).then(() => { lies = true; }, () => { lies = false; tell(form.dataset.open); });
    return last;
  };

  const open = async ({ iv, sealed }) => {
    const plain = await window.crypto.subtle.decrypt({ name: "AES-GCM", iv: toBytes(iv) }, await key, toBytes(sealed));
    return JSON.parse(new TextDecoder().decode(plain));
  };

  const fill = (values) => {
    for (const [field, value] of values) {
      const control = form.querySelector(`[name="${CSS.escape(field)}"][value="${CSS.escape(value)}"]`);
      if (control?.matches("[type=radio], [type=checkbox]")) control.checked = true;
      else {
        const place = form.querySelector(`textarea[name="${CSS.escape(field)}"], input[name="${CSS.escape(field)}"][type=hidden]`);
        if (place) place.value = value;
      }
    }
  };

  const restore = async () => {
    const kept = parsed(window.localStorage.getItem(name));
    if (!kept) return;
    try {
      fill(await open(kept));
      tell(form.dataset.draft);
    } catch {
      window.localStorage.removeItem(name);
      tell(form.dataset.unreadable);
    }
  };

  const send = async () => {
    if (sending) return;
    sending = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, credentials: "same-origin" });
      const body = await answer.json().catch(() => ({}));
      if (answer.ok && body.saved) {
        await last;
        window.localStorage.removeItem(name);
        window.location.assign(body.next);
      } else {
        waiting = false;
        tell(answer.status === 401 || answer.status === 400 ? form.dataset.login : body.error ?? (lies ? form.dataset.kept : form.dataset.open));
      }
    } catch {
      waiting = true;
      tell(lies ? form.dataset.kept : form.dataset.open);
    } finally {
      sending = false;
    }
  };

  if (safe) last = restore();
  else tell(form.dataset.open);
  form.addEventListener("input", keep);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await keep();
    send();
  });
  window.addEventListener("online", () => { if (waiting) send(); });
  window.setInterval(() => { if (waiting) send(); }, 30000);
}
