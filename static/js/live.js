// A list with [data-live] asks the server every few seconds what is new. It stands still while the tab is hidden.
// While somebody reads (has scrolled down, a menu or dialog is open, text is selected, the focus or the moving pointer
// is in it) rows change in place but none is inserted: a button says how many there are and shows them.
const READING_MS = 4000;
let pointerAt = 0;

document.addEventListener("pointermove", (event) => {
  if (event.target.closest?.("[data-live]")) pointerAt = Date.now();
});

function isBusy(list) {
  const selection = getSelection();
  return (
    list.getBoundingClientRect().top < 0 ||
    Date.now() - pointerAt < READING_MS ||
    document.querySelector("dialog[open]") !== null ||
    list.querySelector("details[open]") !== null ||
    list.contains(document.activeElement) ||
    (!selection.isCollapsed && list.contains(selection.anchorNode))
  );
}

function changeInPlace(list, incoming) {
  let unseen = 0;
  for (const row of incoming.querySelectorAll("[data-version]")) {
    const shown = document.getElementById(row.id);
    if (!shown) unseen += 1;
    else if (shown.dataset.version !== row.dataset.version && !shown.contains(document.activeElement)) {
      shown.replaceWith(document.importNode(row, true));
    }
  }
  return unseen;
}

function announce(list, unseen) {
  const button = document.querySelector(`[data-live-show="${list.id}"]`);
  if (!button) return;
  button.hidden = unseen === 0;
  button.textContent = unseen === 1 ? "1 new activity" : `${unseen} new activities`;
}

document.addEventListener("htmx:before:request", (event) => {
  if (document.hidden && event.target.matches?.("[data-live]")) event.preventDefault();
});

document.addEventListener("htmx:before:swap", (event) => {
  const list = event.target;
  if (!list.matches?.("[data-live]") || list.dataset.live === "now") return;
  if (!isBusy(list)) {
    announce(list, 0);
    return;
  }
  event.preventDefault();
  const incoming = new DOMParser().parseFromString(event.detail.ctx.text, "text/html");
  announce(list, changeInPlace(list, incoming));
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-live-show]");
  if (!button) return;
  const list = document.getElementById(button.dataset.liveShow);
  button.hidden = true;
  list.dataset.live = "now";
  list.scrollIntoView({ block: "start" });
  list.dispatchEvent(new Event("live:refresh"));
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const list of document.querySelectorAll("[data-live]")) list.dispatchEvent(new Event("live:refresh"));
});
