// <time datetime="…" data-relative> says how long ago it was, and goes on being true while the page is open.
const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const units = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

function describe(seconds) {
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return "just now";
}

function refresh() {
  for (const element of document.querySelectorAll("time[data-relative]")) {
    const text = describe((Date.parse(element.dateTime) - Date.now()) / 1000);
    if (element.textContent !== text) element.textContent = text;
  }
}

refresh();
setInterval(refresh, 20000);
document.addEventListener("htmx:after:swap", refresh);
