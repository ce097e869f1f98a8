// j and k move through the list, Enter opens the text in focus, c takes the open one.

const links = [...document.querySelectorAll("[data-list] a.name")];
const claim = document.querySelector("form[data-claim]");
const typing = (target) => target.matches("input, textarea, select, [contenteditable]");

function move(step) {
  if (!links.length) return;
  const at = links.findIndex((link) => link === document.activeElement);
  const from = at >= 0 ? at : links.findIndex((link) => link.hasAttribute("aria-current"));
  links[Math.min(Math.max(from + step, 0), links.length - 1)].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "c" && claim) claim.requestSubmit();
});

// The text that is open stands at the end of its conversation.
document.querySelector(".this-one")?.scrollIntoView({ block: "nearest" });
