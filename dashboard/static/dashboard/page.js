// What every page with live regions or identifiers to copy does. Without it all of them still work, just not by themselves.
"use strict";

// A region is left alone while nobody looks, or while somebody is choosing rows in it.
document.addEventListener("htmx:beforeRequest", (event) => {
  const busy = event.target.querySelector && event.target.querySelector("input:checked, details[open] pre:hover");
  if (document.hidden || busy) event.preventDefault();
});
document.addEventListener("htmx:afterSwap", () => {
  const place = document.getElementById("announce");
  if (place) place.textContent = place.dataset.text;
});
// A region whose server is away keeps what it shows, and says so.
const lost = (yes) => {
  const note = document.getElementById("connection");
  if (note) note.hidden = !yes;
};
document.addEventListener("htmx:sendError", () => lost(true));
document.addEventListener("htmx:responseError", () => lost(true));
document.addEventListener("htmx:afterOnLoad", () => lost(false));

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  const before = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = before; }, 2000);
});

document.addEventListener("change", (event) => {
  if (event.target.id !== "all") return;
  for (const box of document.querySelectorAll("input[name=id]")) box.checked = event.target.checked;
});
