// data-open-dialog="id" opens a <dialog>; data-close-dialog inside it closes it, and so does a click beside it.
// data-dismiss removes the nearest .alert.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.openDialog)?.showModal();
    return;
  }
  if (event.target.closest("[data-close-dialog]") || event.target.matches("dialog.dialog")) {
    event.target.closest("dialog").close();
  }
  if (event.target.closest("[data-dismiss]")) event.target.closest(".alert").remove();
});
