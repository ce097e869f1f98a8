// Ticks every task that can be given to somebody, or none.

const all = document.querySelector("[data-tick-all]");
const boxes = [...document.querySelectorAll("input[name=task]:not(:disabled)")];

if (all && boxes.length > 1) {
  all.hidden = false;
  all.addEventListener("click", () => {
    const on = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = on;
  });
}
