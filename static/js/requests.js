// Says in one corner of the page when a part of it could not be loaded; the page itself stays as it was.
const texts = {
  offline: "Touchline does not answer. Check your connection; we try again by ourselves.",
  failed: "That did not work. Please try again; if it happens again, tell your admin.",
  away: "You are logged out. Reload the page to log in again.",
};
let shown = "";

function toast(kind) {
  if (shown === kind) return;
  shown = kind;
  const template = document.getElementById("toast-template");
  const alert = template.content.cloneNode(true);
  alert.querySelector("[data-text]").textContent = texts[kind];
  document.getElementById("toasts").replaceChildren(alert);
}

document.addEventListener("htmx:response:error", (event) => {
  const status = event.detail.ctx.response.status;
  if (status !== 422) toast(status === 401 || status === 403 ? "away" : "failed");
});
document.addEventListener("htmx:error", () => toast("offline"));
document.addEventListener("htmx:after:swap", () => {
  if (shown !== "offline") return;
  shown = "";
  document.getElementById("toasts").replaceChildren();
});
