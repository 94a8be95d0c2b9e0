// What every page with live regions or identifiers to copy does. Without it all of them still work, just not by themselves.
"use strict";

// A region is left alone while nobody looks, or while somebody is choosing rows in it: also by an answer under way.
const busy = (region) => region.querySelector && region.querySelector("input:checked, details[open] pre:hover");
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden || busy(event.target)) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (busy(event.detail.target)) event.detail.shouldSwap = false;
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

const chooseAll = (all) => {
  for (const box of document.querySelectorAll("input[name=id]")) box.checked = all.checked;
};
document.addEventListener("change", (event) => {
  if (event.target.id === "all") chooseAll(event.target);
});
// Somebody may have been quicker than this script.
const all = document.getElementById("all");
if (all && all.checked) chooseAll(all);
