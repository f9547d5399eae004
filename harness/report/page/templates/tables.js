"use strict";
// Sorting and filtering of the tables that the page was written with. Cells sort by data-v where they have it.

const COLLATOR = new Intl.Collator("en", { numeric: true });

function say(text) {
  document.getElementById("status").textContent = text;
}

function sortKey(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.v === undefined) return cell.textContent.trim();
  return cell.dataset.v === "" ? null : Number(cell.dataset.v);
}

// Cells without a value come last in either direction; equal ones keep the order that the page was written in.
function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  return sign * (typeof a === "number" && typeof b === "number" ? a - b : COLLATOR.compare(a, b));
}

function sortTable(table, header) {
  const next = { none: "ascending", ascending: "descending", descending: "none" }[header.ariaSort || "none"];
  for (const other of table.tHead.rows[0].cells) if (other.ariaSort) other.ariaSort = "none";
  header.ariaSort = next;
  const body = table.tBodies[0];
  const sign = next === "descending" ? -1 : 1;
  const keyed = [...body.rows].map((row) => [row, sortKey(row, header.cellIndex)]);
  keyed.sort(([r, a], [s, b]) => (next === "none" ? 0 : compare(a, b, sign)) || r.dataset.order - s.dataset.order);
  body.append(...keyed.map(([row]) => row));
  say(`${header.textContent}: ${next === "none" ? "in the order of the page" : next}`);
}

function makeSortable(table) {
  [...table.tBodies[0].rows].forEach((row, order) => { row.dataset.order = order; });
  for (const header of table.tHead.rows[0].cells) {
    if ("plain" in header.dataset) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    header.ariaSort = "none";
    button.addEventListener("click", () => sortTable(table, header));
  }
}

function filterRows(form, rows) {
  const wanted = [...new FormData(form)].filter(([, value]) => value);
  let shown = 0;
  for (const row of rows) {
    row.hidden = wanted.some(([name, value]) => name in row.dataset && row.dataset[name] !== value);
    shown += !row.hidden;
  }
  document.getElementById("shown").value = `${shown} of ${rows.length} rows`;
}

function makeFilters() {
  const form = document.getElementById("filters");
  const rows = [...document.querySelectorAll("tr[data-setting]")];
  const apply = () => filterRows(form, rows);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  apply();
}
