// Fields that the administration's own pages leave without a name get it from what stands beside them, for screen readers.
"use strict";

const words = (element) => element?.textContent.trim().replace(/[:?]$/, "") ?? "";
const call = (field, name) => {
  if (name && !field.hasAttribute("aria-label")) field.setAttribute("aria-label", name);
};

const callAll = () => {
  // Cells of tables, by the head of their column.
  for (const cell of document.querySelectorAll(".inline-group td")) {
    const head = cell.closest("table").querySelectorAll("thead th")[cell.cellIndex];
    for (const field of cell.querySelectorAll("select, input:not([type=hidden]), textarea")) call(field, words(head));
  }
  // The two halves of a moment.
  for (const field of document.querySelectorAll(".datetime input")) {
    const row = field.closest(".form-row");
    call(field, `${words(row?.querySelector("label, legend"))} ${words(field.previousSibling)}`.trim());
  }
  // Lists with a search of their own.
  for (const field of document.querySelectorAll(".select2-selection, .select2-selection__rendered")) {
    const select = field.closest(".select2")?.parentElement.querySelector("select");
    field.removeAttribute("aria-labelledby");
    call(field, words(select?.labels?.[0]) || select?.getAttribute("aria-label"));
  }
  for (const icon of document.querySelectorAll("span.search-label-icon[aria-label]")) icon.setAttribute("role", "img");
};

// Tables that scroll sideways on a narrow screen do so with the keyboard, too.
const reach = () => {
  for (const group of document.querySelectorAll(".inline-group")) {
    const controls = [...group.querySelectorAll("a[href], button, select, textarea, input")];
    if (controls.some((one) => one.checkVisibility())) continue;
    group.tabIndex = 0;
    group.setAttribute("role", "region");
    call(group, words(group.querySelector("h2")));
  }
};

addEventListener("load", () => { callAll(); reach(); });
// After what Django's own scripts make when the page is ready.
window.django?.jQuery?.(callAll);
document.addEventListener("formset:added", callAll);
