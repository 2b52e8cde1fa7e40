// "/" goes to the search field, "j" and "k" walk the rows of a list, "?" shows what there is.
function typing(target) {
  return target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio]), textarea, select");
}

function walkRows(step) {
  const links = [...document.querySelectorAll(".row-link")];
  const next = links[links.indexOf(document.activeElement) + step];
  (next ?? (step > 0 ? links.at(-1) : links[0]))?.focus();
}

const actions = {
  "/": () => document.querySelector("main input[type=search]")?.focus(),
  "j": () => walkRows(1),
  "k": () => walkRows(-1),
  "?": () => document.getElementById("keyboard-help")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog[open]") || !Object.hasOwn(actions, event.key)) return;
  event.preventDefault();
  actions[event.key]();
});
