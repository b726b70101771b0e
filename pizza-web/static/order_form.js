// What the order form needs beside htmx. All of it works without.

(() => {
  const form = document.getElementById("order");

  // 1. A button pressed while the answer to the one before is on its way waits for that answer, and
  // then has to send what the form is by then, not what it was when it was pressed.
  document.addEventListener("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    const button = ctx.sourceElement;
    if (!form.contains(button)) return;
    const body = new URLSearchParams(new FormData(form));
    if (button.name) body.append(button.name, button.value);
    ctx.request.body = body;
  });

  // 2. The time for later is in the zone of the browser: its offset is sent beside it.
  const input = form.elements.scheduled_for;
  const offset = form.elements.offset;

  function tell() {
    const minutes = input.value ? -new Date(input.value).getTimezoneOffset() : NaN;
    const two = (number) => String(Math.floor(number)).padStart(2, "0");
    const size = Math.abs(minutes);
    offset.value = Number.isNaN(minutes) ? "" : `${minutes < 0 ? "-" : "+"}${two(size / 60)}:${two(size % 60)}`;
  }

  for (const zone of document.querySelectorAll("[data-zone]")) zone.textContent = "your own zone";
  input.addEventListener("change", tell);
  form.addEventListener("submit", tell);
  tell();
})();
