/**
 * The script of a page that shows a graph: what is chosen, the search, the keys; and the order in
 * which everything begins. Browser code, kept as text.
 * @module
 */
import { panelScript } from "./panel_script.ts";
import { coreScript, overviewScript, viewScript } from "./view_script.ts";

/** The whole script. */
export function graphScript(): string {
  const parts = [
    coreScript(),
    viewScript(),
    overviewScript(),
    panelScript(),
    chooseScript(),
    searchScript(),
    keysScript(),
  ];
  return `"use strict";\n(() => {${parts.join("")}
choose(fromAddress(), { jump: true, at: "once" });
drawOverview();
if (state.chosen < 0) go(beginning(), false);
})();
`;
}

/** Choosing a node: its card, its edges and its neighbours stand out, and the panel tells of it. */
function chooseScript(): string {
  return String.raw`
const front = $("front");
const marked = [];
const lit = [];

const card = (i) => $("c" + i);
const mark = (list, element, name) => {
  element.classList.add(name);
  list.push(() => element.classList.remove(name));
};

/** Chooses a node, or with -1 the whole; "jump" brings it to the middle. */
function choose(id, how = {}) {
  if (id === state.chosen && !how.at) return;
  state.chosen = id;
  for (const undo of marked.splice(0)) undo();
  front.replaceChildren();
  picture.classList.toggle("picked", id >= 0);
  const address = id < 0 ? "#/" : "#/" + id;
  if (location.hash !== address && (id >= 0 || location.hash)) location.hash = address;
  if (id < 0) {
    fill([wholePanel()], "Overview");
    openSheet(false);
    return;
  }
  const own = cardOf[id];
  mark(marked, card(own), "chosen");
  const row = card(own).querySelector(".row[data-node='" + id + "']");
  if (row) mark(marked, row, "chosen");
  for (const [list, end] of [[linksTo[own], 0], [linksFrom[own], 1]]) {
    for (const i of list) {
      mark(marked, card(links[i][end]), "near");
      const copy = $("e" + i).cloneNode();
      copy.removeAttribute("id");
      if (copy.dataset.ends) {
        const [x0, y0, x1, y1] = copy.dataset.ends.split(" ").map(Number);
        const bend = Math.min(160, (y1 - y0) / 2);
        copy.setAttribute("d", ["M", x0, y0, "C", x0, y0 + bend, x1, y1 - bend, x1, y1].join(" "));
      }
      front.append(copy);
    }
  }
  const back = make("a", { class: "back", href: "#/" }, "← Overview");
  fill([back, nodePanel(id)], nodes[id].title, nodes[id].family);
  openSheet(true);
  $("said").textContent = card(own).getAttribute("aria-label");
  if (how.jump) bring(own, how.at !== "once");
  else reveal(own);
}

// A card tells what it is when the pointer rests on it: far out its text is not drawn.
picture.addEventListener("pointerover", ({ target }) => {
  const over = target.closest(".node");
  if (!over || over.querySelector("title")) return;
  const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
  title.textContent = over.getAttribute("aria-label");
  over.prepend(title);
});

function fromAddress() {
  const found = /^#\/(\d+)$/.exec(location.hash);
  return found && Number(found[1]) < nodes.length ? Number(found[1]) : -1;
}
addEventListener("hashchange", () => choose(fromAddress(), { jump: true }));

/** Lights nodes up: what a search, a kind or a part found. */
function light(ids) {
  for (const undo of lit.splice(0)) undo();
  state.hits = ids;
  state.active = -1;
  picture.classList.toggle("lit", ids.length > 0);
  for (const i of new Set(ids.map((id) => cardOf[id]))) mark(lit, card(i), "hit");
  $("found").textContent = $("query").value || ids.length ? count(ids.length) : "";
  drawOverview();
}

/** Shows what is lit: all of it, or where that would be too small to read the first of it. */
function showHits() {
  const boxes = state.hits.map((id) => cards[cardOf[id]]);
  if (boxes.length === 0) return;
  const left = Math.min(...boxes.map(([x]) => x));
  const top = Math.min(...boxes.map(([, y]) => y));
  const right = Math.max(...boxes.map(([x, , w]) => x + w));
  const bottom = Math.max(...boxes.map(([, y, , h]) => y + h));
  const all = viewOf([left, top, right - left, bottom - top], 1);
  const [x, y, w] = boxes.reduce((a, b) => b[1] < a[1] ? b : a);
  const k = 0.75;
  go(all.k >= 0.4 ? all : { k, x: free().width / 2 - (x + w / 2) * k, y: 28 - y * k });
}
`;
}

/** The search: every word must be in a node's operation, name, type, part or attributes. */
function searchScript(): string {
  return String.raw`
const query = $("query");
const list = $("hits");
const most_listed = 60;
const roles = { argument: "input", constant: "parameter constant" };
const texts = nodes.map(({ op, role, name, types, scope, attrs }) =>
  [op, roles[role], name, ...types, scope, ...attrs.map(([key, value]) => key + " " + value)]
    .filter(Boolean).join(" ").toLowerCase()
);

function find() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  const ids = words.length === 0
    ? []
    : nodes.flatMap((_, i) => words.every((word) => texts[i].includes(word)) ? [i] : []);
  light(ids);
  list.replaceChildren(...ids.slice(0, most_listed).map((id, i) => {
    const { types } = nodes[id];
    return make(
      "li",
      { id: "h" + i, role: "option", "aria-selected": "false", onclick: () => take(i, true) },
      make("div", {}, nameIn(nodes[id])), make("div", { class: "soft mono" }, types.join(", ")),
    );
  }));
  if (ids.length > most_listed) {
    list.append(make("li", { class: "soft" }, count(ids.length - most_listed) + " more"));
  }
  unfold(ids.length > 0);
}

function unfold(open) {
  list.hidden = !open;
  query.setAttribute("aria-expanded", String(open));
  if (!open) query.removeAttribute("aria-activedescendant");
}

/** Goes to the i-th hit. */
function take(i, done) {
  const total = state.hits.length;
  if (total === 0) return;
  state.active = (i + total) % total;
  for (const item of list.querySelectorAll("[aria-selected=true]")) {
    item.setAttribute("aria-selected", "false");
  }
  const item = $("h" + state.active);
  if (item) {
    item.setAttribute("aria-selected", "true");
    item.scrollIntoView({ block: "nearest" });
    query.setAttribute("aria-activedescendant", item.id);
  }
  $("found").textContent = count(state.active + 1) + " / " + count(total);
  if (done) unfold(false);
  if (done && narrow.matches) query.blur();
  choose(state.hits[state.active], { jump: true, at: "again" });
}

query.addEventListener("input", find);
query.addEventListener("focus", () => unfold(state.hits.length > 0 && query.value !== ""));
query.addEventListener("blur", () => setTimeout(() => unfold(false), 150));
query.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") take(state.active + 1);
  else if (event.key === "ArrowUp") take(state.active - 1);
  else if (event.key === "Enter") take(state.active + (event.shiftKey ? -1 : 1), true);
  else if (event.key === "Escape") {
    query.value = "";
    find();
    query.blur();
    picture.focus();
  } else return;
  event.preventDefault();
});
`;
}

/** Keys: the arrows walk along the graph or move the picture, + - 0 zoom, / searches. */
function keysScript(): string {
  return String.raw`
/** The card beside another one in its row. */
function beside(own, step) {
  const [x, y, w, h] = cards[own];
  const row = cards.flatMap(([ox, oy, ow, oh], i) =>
    i !== own && oy < y + h && oy + oh > y && (ox + ow / 2 - x - w / 2) * step > 0
      ? [[Math.abs(ox + ow / 2 - x - w / 2), i]]
      : []
  );
  return row.sort(([a], [b]) => a - b)[0]?.[1];
}

const arrows = {
  ArrowUp: [0, 1, (own) => links[linksTo[own][0]]?.[0]],
  ArrowDown: [0, -1, (own) => links[linksFrom[own][0]]?.[1]],
  ArrowLeft: [1, 0, (own) => beside(own, -1)],
  ArrowRight: [-1, 0, (own) => beside(own, 1)],
};

addEventListener("keydown", (event) => {
  if (event.target === query || event.ctrlKey || event.metaKey || event.altKey) return;
  const { key } = event;
  if (key === "/") query.focus();
  else if (key === "+" || key === "=") zoom(1.4);
  else if (key === "-") zoom(1 / 1.4);
  else if (key === "0") go(whole());
  else if (key === "Escape") {
    light([]);
    choose(-1);
  } else if (arrows[key] && (event.target === picture || event.target === document.body)) {
    const [dx, dy, next] = arrows[key];
    if (state.chosen < 0) go({ k: state.k, x: state.x + dx * 90, y: state.y + dy * 90 }, false);
    else {
      const to = next(cardOf[state.chosen]);
      if (to !== undefined) choose(cards[to][4]);
    }
  } else return;
  event.preventDefault();
});
`;
}
