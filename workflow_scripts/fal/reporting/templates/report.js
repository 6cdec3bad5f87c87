"use strict";
// One category at a time, chosen by the address; without scripts all of them stand below each other.
const sections = [...document.querySelectorAll("main > section")];
const links = [...document.querySelectorAll("nav a")];

function show() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  const chosen = sections.find((section) => section.id === wanted) ?? sections[0];
  for (const section of sections) section.hidden = section !== chosen;
  for (const link of links) {
    if (link.hash === `#${chosen.id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  links.find((link) => link.ariaCurrent)?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

// Pictures and tables of one category by setting or strategy; what is about all of them stays.
function choose(section) {
  const wanted = [...section.querySelectorAll("select")].filter((select) => select.value);
  for (const item of section.querySelectorAll("[data-of]")) {
    const of = JSON.parse(item.dataset.of);
    item.hidden = wanted.some(({ dataset, value }) => (of[dataset.key] ?? value) !== value);
  }
}

for (const section of sections) section.addEventListener("change", () => choose(section));
addEventListener("hashchange", () => { show(); scrollTo(0, 0); });
document.querySelector("main").classList.add("chosen");
show();
