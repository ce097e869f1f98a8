// The patient's page: the questions about a relative show only when the number is a relative's.
for (const form of document.querySelectorAll("form:has([data-relative])")) {
  const relative = form.querySelector("[data-relative]");
  const show = () => {
    const chosen = form.querySelector("input[name=owner_kind]:checked");
    relative.hidden = !chosen || chosen.value !== "relative";
  };
  form.addEventListener("change", show);
  show();
}
