// Ties the parts together. Without this script the page still shows every table; links then lead to a run's row.

const THEMES = ["system", "light", "dark"];

function remembered() {
  try { return localStorage.getItem("theme"); } catch { return null; } // file:// may refuse storage
}

function setTheme(name) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  document.getElementById("theme-name").textContent = name;
  try { localStorage.setItem("theme", name); } catch { /* the choice lasts as long as the page */ }
}

function makeTheme() {
  let at = Math.max(0, THEMES.indexOf(remembered()));
  setTheme(THEMES[at]);
  document.getElementById("theme").addEventListener("click", () => {
    at = (at + 1) % THEMES.length;
    setTheme(THEMES[at]);
    say(`Theme: ${THEMES[at]}`);
  });
}

function openFrom(data, link) {
  const members = link.dataset.runs.split(" ").map(Number);
  showRun(data, { members, at: members[0], rule: link.dataset.rule, foldSet: link.closest("tr").dataset.fold_set });
}

function makeOpeners(data) {
  const dialog = document.getElementById("run");
  let opener = null;
  const open = (link) => { opener = link; openFrom(data, link); };
  for (const table of document.querySelectorAll("table[data-opens]")) {
    table.classList.add("opens");
    for (const link of table.querySelectorAll("a.open")) link.setAttribute("aria-haspopup", "dialog");
    table.tBodies[0].addEventListener("click", (event) => {
      const link = event.target.closest("tr")?.querySelector("a.open");
      if (!link || String(getSelection())) return; // someone copying numbers opens nothing
      event.preventDefault();
      open(link);
    });
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { dialog.replaceChildren(); opener?.focus(); });
  const named = /^#run-[0-9a-f]{12}$/.test(location.hash) && document.querySelector(`${location.hash} a.open`);
  if (named) open(named);
}

// What is folded away on screen is part of the printed page.
function makePrinting() {
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of folded) one.open = false; });
}

for (const one of document.querySelectorAll(".js")) one.hidden = false;
document.querySelectorAll("table.sortable").forEach(makeSortable);
makeFilters();
makeTheme();
makeOpeners(JSON.parse(document.getElementById("data").textContent));
makePrinting();
