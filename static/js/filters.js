// <form data-auto-submit> sends itself when a select, date or checkbox changes; empty fields stay out of the address.
// With hx-get on the form htmx takes over the sending. Search fields are sent by Enter or by their own hx-trigger.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form?.matches("[data-auto-submit]") || event.target.type === "search") return;
  form.requestSubmit();
});

document.addEventListener("formdata", (event) => {
  if (!event.target.matches("[data-auto-submit]")) return;
  for (const [name, value] of [...event.formData]) {
    if (value === "") event.formData.delete(name);
  }
});
