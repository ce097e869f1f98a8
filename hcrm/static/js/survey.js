// The patient's survey works without this script. With it, "none of these" and the other answers exclude each other
// on the spot, and a form is sent only once however often its button is pressed.

const ALONE = "none";

function excludeEachOther(group) {
  group.addEventListener("change", (event) => {
    const changed = event.target;
    if (!changed.checked) return;
    for (const other of group.querySelectorAll("input[type=checkbox]")) {
      if (other !== changed && (changed.value === ALONE || other.value === ALONE)) other.checked = false;
    }
  });
}

function sendOnce(form) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  // A page that comes back from the browser's memory may be sent again.
  window.addEventListener("pageshow", () => { sent = false; });
}

for (const group of document.querySelectorAll("[data-several]")) excludeEachOther(group);
for (const form of document.querySelectorAll("form[method=post]")) sendOnce(form);
const problem = document.querySelector("#problem");
if (problem) document.querySelector("main input:not([type=hidden]), main textarea")?.focus();
