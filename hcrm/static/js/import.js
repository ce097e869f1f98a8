// Imports: a file can be dropped anywhere on its panel; the page of a running import follows it by itself.

const zone = document.querySelector("[data-drop]");
const input = zone?.querySelector("input[type=file]");
if (zone && input) {
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.dataset.over = "1"; });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => { delete zone.dataset.over; });
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.focus();
  });
}

const running = document.querySelector("[data-progress]");
if (running) {
  const bar = running.querySelector("progress");
  const text = running.querySelector("[data-progress-text]");
  const follow = async () => {
    try {
      const answer = await fetch(running.dataset.progress, { headers: { Accept: "application/json" } });
      if (!answer.ok) { location.reload(); return; }
      const state = await answer.json();
      if (!state.waiting) { location.reload(); return; }
      bar.value = state.share;
      if (text.textContent !== state.text) text.textContent = state.text;
    } catch { /* The network is away for a moment: try again. */ }
    setTimeout(follow, 1000);
  };
  setTimeout(follow, 1000);
}
