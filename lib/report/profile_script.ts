/**
 * The script of a profile's page: what the pointer is over, what is chosen in charts and table, and
 * the order of the table. Browser code, kept as text; names become text nodes, never markup.
 * @module
 */

/** The whole script. */
export function profileScript(): string {
  return String.raw`"use strict";
(() => {
const $ = (id) => document.getElementById(id);
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
const rows = JSON.parse($("data").textContent);
const tip = $("tip");
const body = document.querySelector("tbody");
const pairs = all("tr[data-k]", body).map((row) => ({ row, more: row.nextElementSibling }));

/** The box beside a point of the screen, inside the window. */
function tell(k, x, y, live) {
  const { title, lines } = rows[k];
  const bold = document.createElement("b");
  bold.textContent = title;
  const parts = [...(live === undefined ? [] : [live]), ...lines].map((text) => {
    const line = document.createElement("div");
    line.textContent = text;
    return line;
  });
  tip.replaceChildren(bold, ...parts);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.max(8, Math.min(x + 14, innerWidth - width - 8));
  const below = y + 18;
  tip.style.left = left + "px";
  tip.style.top = (below + height > innerHeight - 8 ? Math.max(8, y - height - 14) : below) + "px";
}

const quiet = () => { tip.hidden = true; };

/** What is chosen stands out everywhere. */
function choose(k) {
  for (const mark of all(".chosen")) mark.classList.remove("chosen");
  for (const mark of all("[data-k='" + k + "']")) mark.classList.add("chosen");
}

/** The mark nearest to a point: bars by their column, points within reach of a finger. */
function nearest(svg, event) {
  let best, least = 26;
  const isFlat = !svg.closest(".roofline");
  for (const mark of all("[data-k]", svg)) {
    const box = mark.getBoundingClientRect();
    const away = (at, from, to) => Math.max(from - at, 0, at - to);
    const dx = away(event.clientX, box.left, box.right);
    const dy = isFlat ? 0 : away(event.clientY, box.top, box.bottom);
    const off = Math.hypot(dx, dy);
    // of points over one another the smaller is meant, which lies on top
    if (off < least || off === least) [best, least] = [mark, off];
  }
  return best;
}

function amount(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 999.5 && unit < 4) { bytes /= 1000; unit++; }
  return Number(bytes.toPrecision(3)) + " " + units[unit];
}

const liveOf = (mark) =>
  mark.dataset.live === undefined ? undefined : amount(Number(mark.dataset.live)) + " alive";

for (const svg of all(".chart svg")) {
  const at = (event) => {
    const mark = nearest(svg, event);
    if (mark) tell(mark.dataset.k, event.clientX, event.clientY, liveOf(mark));
    else quiet();
    return mark;
  };
  svg.addEventListener("pointermove", at);
  svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") quiet(); });
  svg.addEventListener("click", (event) => {
    const mark = at(event);
    if (mark) choose(mark.dataset.k);
  });
  for (const mark of all("[tabindex]", svg)) {
    const show = () => {
      const { right, bottom } = mark.getBoundingClientRect();
      tell(mark.dataset.k, right, bottom);
    };
    mark.addEventListener("focus", () => { if (mark.matches(":focus-visible")) show(); });
    mark.addEventListener("blur", quiet);
    mark.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(mark.dataset.k);
      show();
    });
  }
}
addEventListener("scroll", quiet, { passive: true });
addEventListener("keydown", (event) => { if (event.key === "Escape") quiet(); });
document.addEventListener("pointerdown", (event) => {
  if (!event.target.closest(".chart")) quiet();
});

for (const { row, more } of pairs) {
  const button = row.querySelector("button");
  row.addEventListener("click", () => {
    more.hidden = !more.hidden;
    button.setAttribute("aria-expanded", String(!more.hidden));
    choose(row.dataset.k);
  });
}

/** Sorts the table; numbers begin with the largest, and a second press turns the order round. */
const order = { key: "rank", turned: false };
function sortBy(key, turned) {
  Object.assign(order, { key, turned });
  const value = ({ row }) => rows[row.dataset.k].sort[key];
  const sorted = [...pairs].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    const sign = x < y ? -1 : x > y ? 1 : rows[a.row.dataset.k].sort.rank - rows[b.row.dataset.k].sort.rank;
    return turned ? -sign : sign;
  });
  body.replaceChildren(...sorted.flatMap(({ row, more }) => [row, more]));
  for (const button of all("th button")) {
    const head = button.closest("th");
    if (button.dataset.sort !== key) head.removeAttribute("aria-sort");
    else {
      const up = (key === "rank" || key === "name") !== turned;
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
    }
  }
  $("order").value = key;
}
for (const button of all("th button")) {
  const { sort } = button.dataset;
  button.addEventListener("click", () => sortBy(sort, order.key === sort && !order.turned));
}
$("order").addEventListener("change", ({ target }) => sortBy(target.value, false));
})();
`;
}
