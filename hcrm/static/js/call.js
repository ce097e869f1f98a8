// The call screen by keyboard: number keys answer, letters say how the call ended, each answer is saved at once, a red
// flag stays on screen with the words to say, and the result is proposed as it is chosen. Who is speaking is confirmed
// in place, so that one call is one page. In a text Enter goes on and Shift Enter begins a line. Without this script the same forms are sent as pages.

const token = document.querySelector("meta[name=csrf-token]")?.content ?? "";
let panel = null;
let outcome = null;
let busy = false;

const typing = (target) => target.matches("textarea, select, [contenteditable], input:not([type=radio]):not([type=checkbox])");
const form = () => panel?.querySelector("[data-question-form]");

function problem(text) {
  const place = panel.querySelector("[data-problem]");
  if (!place) return;
  place.textContent = text;
  place.hidden = !text;
}

async function ask(address, options = {}) {
  const answer = await fetch(address, {
    ...options,
    headers: { Accept: "application/json", "X-CSRFToken": token, ...options.headers },
    credentials: "same-origin",
  });
  if (answer.status === 401) window.location.assign(window.location.href);
  return [answer.ok, await answer.json()];
}

// Put the next state of the questions in place; the focus goes to the question, so that it is read out.
function show(html, focusOn) {
  panel.innerHTML = html;
  offerSaving();
  const field = panel.querySelector("textarea") ?? panel.querySelector("[data-key]:checked") ?? panel.querySelector("[data-key]");
  const alert = panel.querySelector(".question [role=alert]:not([hidden])");
  if (focusOn === "next" || alert) panel.querySelector("[data-next]")?.focus();
  else (field ?? panel.querySelector("#question"))?.focus({ preventScroll: true });
  panel.querySelector("#question")?.scrollIntoView({ block: "nearest" });
}

// The one filled button is the next question, and when all are asked the one that saves the call.
function offerSaving() {
  const button = outcome?.querySelector("[data-save-next]");
  button?.classList.toggle("btn-primary", !form());
  button?.classList.toggle("btn-plain", Boolean(form()));
}

async function save(stay) {
  const current = form();
  if (!current || busy) return false;
  const data = new FormData(current);
  if (stay) data.append("stay", "1");
  busy = true;
  panel.setAttribute("aria-busy", "true");
  try {
    const [ok, body] = await ask(current.action, { method: "POST", body: data });
    if (!ok) { problem(body.error ?? ""); return false; }
    show(body.panel, stay ? "next" : "");
    return true;
  } catch {
    problem(document.documentElement.lang.startsWith("zh")
      ? "没有网络连接，这个答案尚未保存。请恢复连接后再按一次。"
      : "Your answer was not saved: no connection. Press again when it is back.");
    return false;
  } finally {
    busy = false;
    panel.removeAttribute("aria-busy");
  }
}

async function go(parameters) {
  if (busy) return;
  busy = true;
  try {
    const address = `${window.location.pathname}/questions?${new URLSearchParams(parameters)}`;
    const [ok, body] = await ask(address);
    if (ok) show(body.panel);
  } finally {
    busy = false;
  }
}

// The answer that is saved already: pressing "next" then only moves on.
function unchanged(current) {
  const boxes = [...current.querySelectorAll("input[name=value]")];
  if (boxes.length) return boxes.some((box) => box.defaultChecked) && boxes.every((box) => box.checked === box.defaultChecked);
  const text = current.querySelector("textarea");
  return text ? text.value.trim() === text.defaultValue.trim() && text.value.trim() !== "" : false;
}

function empty(current) {
  const text = current.querySelector("textarea");
  return text ? text.value.trim() === "" : !current.querySelector("input[name=value]:checked");
}

async function next() {
  const current = form();
  if (!current) return;
  if (unchanged(current) || empty(current)) {
    const skip = current.querySelector("[data-skip]");
    if (empty(current) && !skip && !current.querySelector("textarea")) return;
    await go({ after: current.dataset.code, of: current.dataset.of });
  } else {
    await save(false);
  }
}

// Who is speaking is known: the parts of the page that change then are put in place of the old ones.
async function identify(identity, submitter) {
  if (busy) return;
  busy = true;
  const data = new FormData(identity);
  if (submitter?.name) data.append(submitter.name, submitter.value);
  try {
    const answer = await fetch(identity.action, { method: "POST", body: data, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const parts = ["header.callbar", "main"].map((part) => [document.querySelector(part), page.querySelector(part)]);
    if (parts.some(([old, fresh]) => !old || !fresh)) { window.location.assign(window.location.pathname); return; }
    for (const [old, fresh] of parts) old.replaceWith(document.adoptNode(fresh));
    window.history.replaceState(null, "", window.location.pathname);
    start();
  } catch {
    window.location.assign(window.location.pathname);
  } finally {
    busy = false;
  }
}

function submitted(event) {
  const identity = event.target.matches("[data-identity]");
  if (!identity && !event.target.matches("[data-question-form]")) return;
  event.preventDefault();
  if (identity) identify(event.target, event.submitter);
  else next();
}

function clicked(event) {
  const link = event.target.closest("[data-question], [data-skip], [data-part]");
  if (!link) return;
  event.preventDefault();
  const { question, skip, of } = link.dataset;
  if (question) go({ question, of });
  else go(skip ? { after: skip, of } : { of });
}

// One answer of several is saved and the next question comes; where more than one may apply, the question stays.
function changed(event) {
  const current = form();
  if (!current || event.target.name !== "value") return;
  if (current.dataset.kind === "multi") {
    const alone = event.target.matches("[data-alone]");
    for (const box of current.querySelectorAll("input[name=value]")) {
      if (box !== event.target && event.target.checked && (alone || box.matches("[data-alone]"))) box.checked = false;
    }
    save(!(alone && event.target.checked));
  } else if (current.dataset.kind !== "text") {
    save(false);
  }
}

// A letter chooses the result, also one that is folded away.
function conclude(key) {
  const choice = [...(outcome?.querySelectorAll("[data-outcome-key]") ?? [])].find((each) => each.dataset.outcomeKey === key);
  if (!choice || choice.closest("[hidden]")) return false;
  const folded = choice.closest("details");
  if (folded) folded.open = true;
  choice.focus();
  choice.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (event.target.matches("[data-question-form] textarea")) next();
    else outcome?.querySelector("[data-save-next]")?.click();
    return;
  }
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.matches("[data-question-form] textarea")) {
    event.preventDefault();
    next();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const key = event.key;
  const place = panel?.querySelector("form:not([hidden])");
  if (event.target.closest("[data-outcome]") && (key.length > 1 || key === " ")) return;
  if (key === "ArrowUp" && place?.querySelector("[data-back]")) place.querySelector("[data-back]").click();
  else if (key === "s" && place?.querySelector("[data-skip]")) place.querySelector("[data-skip]").click();
  else if (key === "Enter" && event.target.matches("[data-key]")) place.querySelector(".btn-primary")?.click();
  else {
    const answer = place?.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (answer && !answer.matches(":disabled")) {
      answer.focus();
      answer.click();
    } else if (!conclude(key)) {
      return;
    }
  }
  event.preventDefault();
});

// How long the call has lasted.
let ticking = 0;
function runClock() {
  const clock = document.querySelector("[data-clock]");
  window.clearInterval(ticking);
  if (!clock) return;
  const begun = Date.parse(clock.dataset.clock);
  const tick = () => {
    const seconds = Math.max(0, Math.floor((Date.now() - begun) / 1000));
    clock.textContent = seconds < 36000
      ? `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`
      : "";
  };
  tick();
  ticking = window.setInterval(tick, 1000);
}

// The number chosen on the left is the number of the result.
function tieNumbers() {
  for (const number of document.querySelectorAll("[data-number]")) {
    number.addEventListener("change", () => {
      const dialled = document.querySelector("[data-dialled]");
      if (dialled) dialled.value = number.value;
    });
  }
}

// What the rules propose, as the result is chosen; the time of a call-back is asked for only when one is wanted.
function tieOutcome() {
  const proposed = outcome.querySelector("[data-proposed]");
  const callback = outcome.querySelector("[data-callback]");
  const needed = outcome.querySelector("[data-language-needed]");
  const dispositions = outcome.querySelector("[data-dispositions]");
  const confirmed = !outcome.querySelector("[data-dialled]") && outcome.querySelector("[name=connection]:checked");
  const time = callback.querySelector("input");
  const update = async (event) => {
    const connection = outcome.querySelector("[name=connection]:checked")?.value ?? "";
    const disposition = outcome.querySelector("[name=disposition]:checked");
    dispositions.hidden = !confirmed && !connection.startsWith("answered");
    if (dispositions.hidden && disposition) disposition.checked = false;
    callback.hidden = dispositions.hidden || disposition?.value !== "callback_requested";
    needed.hidden = dispositions.hidden || disposition?.value !== "language_barrier";
    if (disposition?.value === "callback_requested" && !callback.hidden && event?.target === disposition) {
      (callback.querySelector("[data-at]") ?? time).focus();
    }
    if (!connection || (connection !== "answered_unknown" && connection.startsWith("answered") && !disposition)) return;
    const [ok, body] = await ask(outcome.dataset.proposal, { method: "POST", body: new FormData(outcome) });
    if (ok && body.text) proposed.textContent = body.text;
  };
  callback.querySelector("[data-callback-times]").hidden = false;
  callback.addEventListener("click", (event) => {
    if (!event.target.matches("[data-at]")) return;
    time.value = event.target.dataset.at;
    update();
  });
  outcome.addEventListener("change", update);
  update();
}

// A sign of life every minute, so that the task stays here while the screen is open and comes back when it is not.
// Only when something was pressed or typed since the last one does it say that somebody is there: the log-in ends as on
// any page that is left alone.
let beating = 0;
let touched = false;
for (const sign of ["keydown", "pointerdown"]) document.addEventListener(sign, () => { touched = true; });
function keep() {
  window.clearInterval(beating);
  if (!outcome) return;
  const address = outcome.dataset.keep;
  beating = window.setInterval(() => {
    const headers = touched ? {} : { "X-Background": "1" };
    touched = false;
    ask(address, { method: "POST", headers }).catch(() => {});
  }, 60000);
}

// A text to the patient is sent without leaving the call.
async function send(event) {
  event.preventDefault();
  const said = event.target.querySelector("[data-advice-said]");
  try {
    const [, body] = await ask(event.target.action, { method: "POST", body: new FormData(event.target) });
    said.textContent = body.text ?? body.error ?? "";
  } catch {
    event.target.submit();
  }
}

function start() {
  panel = document.querySelector("[data-panel]");
  outcome = document.querySelector("[data-outcome]");
  panel?.addEventListener("submit", submitted);
  panel?.addEventListener("click", clicked);
  panel?.addEventListener("change", changed);
  document.querySelector("[data-advice]")?.addEventListener("submit", send);
  runClock();
  keep();
  tieNumbers();
  if (outcome) tieOutcome();
  panel?.querySelector("#question")?.querySelector("[data-key]:checked, [data-key], textarea")?.focus({ preventScroll: true });
}

start();
