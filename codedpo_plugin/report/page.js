"use strict";
// The colour switch, choosing a problem, and the cursor of the heat map. Texts are only ever set as text.

const kept = "codedpo-theme";

function remembered() {
  try { return localStorage.getItem(kept) || "auto"; } catch { return "auto"; }
}

function paint(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function themes() {
  const control = document.querySelector(".theme");
  control.hidden = false;
  for (const choice of control.querySelectorAll("input")) {
    choice.checked = choice.value === remembered();
    choice.addEventListener("change", () => {
      paint(choice.value);
      try { localStorage.setItem(kept, choice.value); } catch { /* the choice lasts for this visit */ }
    });
  }
}

function picker() {
  const place = document.getElementById("problem");
  if (!place) return;
  const search = document.getElementById("search"), list = document.getElementById("problem-list");
  const options = [...list.children];
  const texts = options.map((option) => option.textContent.toLowerCase());
  const first = place.firstElementChild;
  const opened = +place.dataset.number;
  let current = opened;

  const article = (number) =>
    number === opened ? first : document.getElementById(`problem-${number}`).content.firstElementChild.cloneNode(true);
  const named = (option) => option.querySelector(".id").textContent;
  const visible = () => options.filter((option) => !option.hidden);

  function choose(option, { link = true } = {}) {
    if (!option) return;
    options[current].setAttribute("aria-selected", "false");
    current = options.indexOf(option);
    option.setAttribute("aria-selected", "true");
    for (const owner of [search, list]) owner.setAttribute("aria-activedescendant", option.id);
    if (option.offsetTop < list.scrollTop || option.offsetTop + option.offsetHeight > list.scrollTop + list.clientHeight)
      list.scrollTop = option.offsetTop - list.clientHeight / 2;
    place.replaceChildren(article(current));
    wire(place);
    if (link) try { history.replaceState(null, "", `#problem=${encodeURIComponent(named(option))}`); } catch { /* a link less */ }
  }

  function move(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    const shown = visible();
    if (event.key === "Escape" && search.value) { search.value = ""; filter(); }
    else if (!shown.length) return;
    else if (event.target === list && event.key === "Home") choose(shown[0]);
    else if (event.target === list && event.key === "End") choose(shown[shown.length - 1]);
    else if (event.key === "Enter") choose(shown.includes(options[current]) ? options[current] : shown[0]);
    else if (event.key in steps) {
      const at = shown.indexOf(options[current]), to = at < 0 ? 0 : at + steps[event.key];
      choose(shown[Math.min(Math.max(to, 0), shown.length - 1)]);
    } else return;
    event.preventDefault();
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    options.forEach((option, k) => { option.hidden = !words.every((word) => texts[k].includes(word)); });
    document.querySelector(".matches").textContent = words.length ? `${visible().length} of ${options.length}` : "";
  }

  function follow() {
    const wanted = location.hash.match(/^#problem=(.*)$/);
    if (!wanted) return;
    let name;
    try { name = decodeURIComponent(wanted[1]); } catch { return; }
    choose(options.find((one) => named(one) === name), { link: false });
  }

  search.addEventListener("input", filter);
  search.addEventListener("keydown", move);
  list.addEventListener("keydown", move);
  list.addEventListener("click", (event) => choose(event.target.closest("li")));
  addEventListener("hashchange", follow);
  document.querySelector(".unscripted").hidden = true;
  document.querySelector(".picker").hidden = false;
  wire(place);
  list.scrollTop = options[opened].offsetTop - list.clientHeight / 2;
  follow();
}

// The heat map: the cell under the pointer, or under a cursor that the arrow keys move, is said in words.
function wire(place) {
  const map = place.querySelector(".cells"), heat = place.querySelector(".heat");
  if (!map || map.tabIndex === 0) return;
  const { rows, columns, cell, left, top, letters } =
    Object.fromEntries(Object.entries(heat.dataset).map(([key, value]) => [key, key === "letters" ? value : +value]));
  const solutions = place.querySelectorAll(".solutions tbody tr"), tests = place.querySelectorAll(".tests code");
  const names = Object.fromEntries([...place.querySelectorAll("[data-letter]")].map((li) => [li.dataset.letter, li.textContent]));
  const cursor = heat.querySelector(".cursor"), output = place.querySelector("output");
  let row = 0, column = 0;

  function say(r, c) {
    if (r < 0 || c < 0 || r >= rows || c >= columns) return;
    [row, column] = [r, c];
    cursor.setAttribute("x", left + c * cell - .5);
    cursor.setAttribute("y", top + r * cell - .5);
    cursor.setAttribute("visibility", "visible");
    const [number, score] = solutions[r].children, role = solutions[r].lastElementChild.textContent;
    const test = document.createElement("code");
    test.textContent = tests[c].textContent;
    const verdict = names[letters[r * columns + c]];
    output.replaceChildren(`Solution ${number.textContent} (score ${score.textContent}${role && `; ${role}`}): ${verdict}`, test);
  }

  map.tabIndex = 0;
  map.setAttribute("role", "group");
  map.setAttribute("aria-label", "Pass matrix; arrow keys move from cell to cell");
  map.addEventListener("focus", () => { if (map.matches(":focus-visible")) say(row, column); });
  map.addEventListener("keydown", (event) => {
    const step = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    say(row + step[0], column + step[1]);
  });
  heat.addEventListener("pointermove", (event) => {
    const box = heat.getBoundingClientRect(), scale = heat.viewBox.baseVal.width / box.width;
    say(Math.floor(((event.clientY - box.top) * scale - top) / cell), Math.floor(((event.clientX - box.left) * scale - left) / cell));
  });
}

paint(remembered());
document.addEventListener("DOMContentLoaded", () => { themes(); picker(); });
