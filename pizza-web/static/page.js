// What pages need beside htmx. All of it works on pages that are whole without it.

(() => {
  // 1. Times in the zone of the browser. The server sends them in UTC.
  const shapes = {
    time: { hour: "2-digit", minute: "2-digit" },
    seconds: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
    datetime: { dateStyle: "medium", timeStyle: "short" },
  };
  const formats = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, new Intl.DateTimeFormat(undefined, shape)]),
  );

  // The same with the day before it, where that is not today.
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

  function inWords(at, shape) {
    const text = formats[shape.replace("day-", "")].format(at);
    if (!shape.startsWith("day-") || day.format(at) === day.format(new Date())) return text;
    return `${day.format(at)}, ${text}`;
  }

  function localize() {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      const text = inWords(at, time.dataset.shape || "time");
      if (time.textContent !== text) time.textContent = text;
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    localize();
    // Before the browser paints what a stream brought.
    new MutationObserver(localize).observe(document.body, {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });

  // 2. A hidden page has no stream. hx-sse ends those that are open when the page is hidden, but
  // would begin one on a page that is loaded in the background, or hidden while it connects.
  const isLive = (element) => element.hasAttribute("hx-sse:connect");

  document.addEventListener("htmx:before:request", (event) => {
    if (document.hidden && isLive(event.target)) event.preventDefault();
  });
  document.addEventListener("htmx:sse:after:connection", (event) => {
    if (document.hidden) event.detail.connection.abortController.abort();
  });

  // 3. Whether what a live region shows may be old.
  const reasons = new Map();

  function say(region, reason) {
    if (reason) reasons.set(region, reason);
    else reasons.delete(region);
    const text = [...reasons.values()].pop() || "";
    const notice = document.getElementById("connection");
    if (notice.textContent !== text) notice.textContent = text;
  }

  const lost = (event) => isLive(event.target) && say(event.target, "Connection lost, trying again.");
  const current = (event) => say(event.target, "");
  document.addEventListener("htmx:error", lost);
  document.addEventListener("htmx:response:error", lost);
  document.addEventListener("htmx:sse:error", lost);
  document.addEventListener("htmx:sse:after:connection", current);
  document.addEventListener("shop:current", current);
  document.addEventListener("shop:stale", (event) =>
    say(event.target, "Part of the shop does not answer. What is shown may be old."),
  );

  // 4. The page is not to be seen any more, or not by this person. Loaded again, it says why.
  const reload = () => setTimeout(() => location.reload(), 1000);
  document.addEventListener("shop:reload", reload);
  document.addEventListener("htmx:sse:error", (event) => {
    if ([403, 404].includes(event.detail.status)) reload();
  });
})();
