// data-undo="id" moves that switch back; the switch saves itself.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-undo]");
  if (!button) return;
  const control = document.getElementById(button.dataset.undo);
  control.checked = !control.checked;
  control.dispatchEvent(new Event("change", { bubbles: true }));
  control.focus();
});
