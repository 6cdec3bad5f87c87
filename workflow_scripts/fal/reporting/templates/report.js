"use strict";
// One category at a time, chosen by the address; without scripts all of them stand below each other.
const sections = [...document.querySelectorAll("main > section")];
const links = [...document.querySelectorAll("nav a")];
const night = matchMedia("(prefers-color-scheme: dark)");

function show() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  const chosen = sections.find((section) => section.id === wanted) ?? sections[0];
  for (const section of sections) section.hidden = section !== chosen;
  for (const link of links) {
    if (link.hash === `#${chosen.id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  links.find((link) => link.ariaCurrent)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  draw();
}

// What is shown of one category, by setting or strategy; what is about all of them stays.
function choose(section) {
  const wanted = [...section.querySelectorAll(".choices select")].filter(({ value }) => value);
  for (const item of section.querySelectorAll("[data-of]")) {
    const of = JSON.parse(item.dataset.of);
    item.hidden = wanted.some(({ dataset, value }) => (of[dataset.key] ?? value) !== value);
  }
  draw();
}

// A chart is drawn when it is first seen: before, it has no width.
function draw() {
  for (const chart of document.querySelectorAll(".chart:empty")) {
    if (!chart.offsetParent) continue;
    vegaEmbed(chart, JSON.parse(chart.nextElementSibling.textContent), {
      actions: false,
      config: {
        background: "transparent",
        font: getComputedStyle(document.body).fontFamily,
        axis: { labelFontSize: 12, titleFontSize: 12 },
        legend: { labelFontSize: 12 },
      },
      renderer: "svg",
      tooltip: { theme: night.matches ? "dark" : "light" },
    }).catch(console.error);
  }
}

// A click on a column's head sorts the table by it, numbers from the highest on, texts from A; a
// second one the other way round. Rows without a number stay below.
function sortable(table) {
  const heads = [...table.querySelectorAll("thead th")];
  for (const [column, head] of heads.entries()) {
    head.tabIndex = 0;
    head.setAttribute("aria-sort", "none");
    head.addEventListener("click", () => sort(table, heads, column));
    head.addEventListener("keydown", ({ key }) => { if (key === "Enter") sort(table, heads, column); });
  }
}

function sort(table, heads, column) {
  const rows = [...table.tBodies[0].rows];
  const text = (row) => row.children[column].textContent.trim();
  const number = (row) => Number.parseFloat(text(row).replaceAll(/[[,]/g, ""));
  const ways = rows.every((row) => Number.isNaN(number(row)))
    ? ["ascending", "descending"]
    : ["descending", "ascending"];
  const way = heads[column].getAttribute("aria-sort") === ways[0] ? ways[1] : ways[0];
  for (const head of heads) head.setAttribute("aria-sort", "none");
  heads[column].setAttribute("aria-sort", way);
  const sign = way === "ascending" ? 1 : -1;
  rows.sort((a, b) => {
    const [x, y] = [number(a), number(b)];
    return Number.isNaN(x) || Number.isNaN(y)
      ? Number.isNaN(x) - Number.isNaN(y) || sign * text(a).localeCompare(text(b))
      : sign * (x - y);
  });
  table.tBodies[0].append(...rows);
}

for (const section of sections) section.addEventListener("change", () => choose(section));
for (const table of document.querySelectorAll("main table")) sortable(table);
addEventListener("hashchange", () => { show(); scrollTo(0, 0); });
document.querySelector("main").classList.add("chosen");
show();
