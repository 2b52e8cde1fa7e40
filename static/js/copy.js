// data-copy="id" copies the text or value of that element and says so on the button and to screen readers.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const label = button.querySelector("[data-copy-label]") ?? button;
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    label.textContent = "Copied";
  } catch {
    label.textContent = "Press Ctrl+C";
    selectText(source);
  }
  setTimeout(() => (label.textContent = before), 2000);
});

function selectText(element) {
  if (element.select) element.select();
  else getSelection().selectAllChildren(element);
}
