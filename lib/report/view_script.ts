/**
 * The part of a graph page's script that moves the picture: zoom, pan, tiles out of sight, the
 * overview. Browser code, kept as text: it is written into the page as it stands here.
 * @module
 */

/** What all parts of the script use: the data, the elements, what is chosen. */
export function coreScript(): string {
  return String.raw`
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const { nodes, cards, links, cardOf, families } = data;
const [stage, picture, world, panel] = ["stage", "picture", "world", "panel"].map($);
const narrow = matchMedia("(max-width: 760px)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const state = { x: 0, y: 0, k: 1, chosen: -1, hits: [], active: -1, drawing: 0, moving: 0 };

const users = nodes.map(() => []);
nodes.forEach(({ ins }, i) =>
  ins.forEach(({ name, from }) => from !== undefined && users[from].push({ name, by: i }))
);
const linksFrom = cards.map(() => []);
const linksTo = cards.map(() => []);
links.forEach(([from, to], i) => (linksFrom[from].push(i), linksTo[to].push(i)));

/** An element; properties that begin with "on" are listeners. */
function make(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined));
  return element;
}

const count = (n) => n.toLocaleString("en");
`;
}

/** Zoom and pan by pointers, wheel and buttons; what is out of sight is not drawn. */
export function viewScript(): string {
  return String.raw`
const [pictureWidth, pictureHeight] = data.size;
const tiles = [...picture.querySelectorAll("[data-reach]")].map((element) => ({
  element, reach: element.dataset.reach.split(" ").map(Number), shown: true,
}));
// Without scripts the whole picture shows; from here on the world is moved instead.
picture.removeAttribute("viewBox");

/** The part of the stage that no sheet covers. */
function free() {
  const covered = narrow.matches ? panel.offsetHeight : 0;
  return { width: stage.clientWidth, height: stage.clientHeight - covered };
}

function draw() {
  state.drawing = 0;
  const { width, height } = free();
  stage.style.setProperty("--covered", stage.clientHeight - height + "px");
  const keep = 48;
  state.x = Math.min(width - keep, Math.max(keep - pictureWidth * state.k, state.x));
  state.y = Math.min(height - keep, Math.max(keep - pictureHeight * state.k, state.y));
  const { x, y, k } = state;
  world.style.transform = "translate(" + x + "px, " + y + "px) scale(" + k + ")";
  picture.classList.toggle("far", k < 0.34);
  picture.classList.toggle("mid", k >= 0.34 && k < 0.55);
  for (const tile of tiles) {
    const [left, top, right, bottom] = tile.reach;
    const shown = right * k + x > -80 && left * k + x < stage.clientWidth + 80 &&
      bottom * k + y > -80 && top * k + y < stage.clientHeight + 80;
    if (shown === tile.shown) continue;
    tile.shown = shown;
    tile.element.style.display = shown ? "" : "none";
  }
  frameOverview();
}

function show() {
  state.drawing ||= requestAnimationFrame(draw);
}

/** Moves there, smoothly unless the reader wants none of that. */
function go(to, smooth = true) {
  cancelAnimationFrame(state.moving);
  const { x, y, k } = state;
  const begun = performance.now();
  const step = (now) => {
    const t = smooth && !still.matches ? Math.min(1, (now - begun) / 260) : 1;
    const s = 1 - (1 - t) ** 3;
    state.x = x + (to.x - x) * s;
    state.y = y + (to.y - y) * s;
    state.k = k + (to.k - k) * s;
    show();
    if (t < 1) state.moving = requestAnimationFrame(step);
  };
  step(begun);
}

function bounded(k) {
  const { width, height } = free();
  const whole = Math.min(width / pictureWidth, height / pictureHeight);
  return Math.min(3, Math.max(Math.min(0.3, 0.7 * whole), k));
}

/** The view in which a box fills the stage, at most at scale "most". */
function viewOf([x, y, w, h], most) {
  const { width, height } = free();
  const pad = narrow.matches ? 16 : 32;
  const k = bounded(Math.min((width - 2 * pad) / w, (height - 2 * pad) / h, most));
  return { k, x: width / 2 - (x + w / 2) * k, y: height / 2 - (y + h / 2) * k };
}

const whole = () => viewOf([0, 0, pictureWidth, pictureHeight], 1);

/** Large graphs begin at their inputs, at a size that can be read. */
function beginning() {
  const all = whole();
  if (all.k >= 0.6 || cards.length === 0) return all;
  const { width } = free();
  const k = Math.min(1, Math.max(0.75, (width - 32) / pictureWidth));
  const inputs = cards.filter((card) => nodes[card[4]].role === "argument");
  const [x, , w] = (inputs.length ? inputs : cards).reduce((a, b) => b[1] < a[1] ? b : a);
  return { k, x: width / 2 - (x + w / 2) * k, y: 28 };
}

function zoom(factor, at, smooth) {
  const { width, height } = free();
  const [px, py] = at ?? [width / 2, height / 2];
  const k = bounded(state.k * factor);
  const grown = k / state.k;
  go({ k, x: px - (px - state.x) * grown, y: py - (py - state.y) * grown }, smooth);
}

/** How far a stretch lies outside of a room. */
const outside = (at, length, room, pad) =>
  length + 2 * pad > room
    ? room / 2 - at - length / 2
    : Math.max(pad - at, Math.min(0, room - pad - at - length));

/** Moves as little as makes a card visible. */
function reveal(card) {
  const [x, y, w, h] = cards[card];
  const { width, height } = free();
  const dx = outside(x * state.k + state.x, w * state.k, width, 12);
  const dy = outside(y * state.k + state.y, h * state.k, height, 12);
  if (dx || dy) go({ k: state.k, x: state.x + dx, y: state.y + dy });
}

/** Brings a card to the middle, large enough to read, unless all of the picture can be read. */
function bring(card, smooth) {
  const [x, y, w, h] = cards[card];
  const { width, height } = free();
  const all = pictureWidth * state.k <= width && pictureHeight * state.k <= height;
  if (all && state.k >= 0.6) return reveal(card);
  const k = Math.max(state.k, 0.85);
  go({ k, x: width / 2 - (x + w / 2) * k, y: height / 2 - (y + h / 2) * k }, smooth);
}

const pointers = new Map();

const place = (event) => {
  const { left, top } = stage.getBoundingClientRect();
  return [event.clientX - left, event.clientY - top];
};

picture.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 && event.button !== 1) return;
  cancelAnimationFrame(state.moving);
  pointers.set(event.pointerId, place(event));
  const on = event.target.closest("[data-node]");
  state.pressed = { on, from: place(event), moved: pointers.size > 1 };
});

picture.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const now = place(event);
  if (!state.pressed.moved && Math.hypot(now[0] - state.pressed.from[0], now[1] - state.pressed.from[1]) < 5) return;
  if (!state.pressed.moved) picture.classList.add("dragging");
  state.pressed.moved = true;
  if (!picture.hasPointerCapture(event.pointerId)) picture.setPointerCapture(event.pointerId);
  const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
  pointers.set(event.pointerId, now);
  if (!other) {
    state.x += now[0] - before[0];
    state.y += now[1] - before[1];
    show();
    return;
  }
  const apart = ([x, y]) => Math.max(1, Math.hypot(x - other[0], y - other[1]));
  const k = bounded(state.k * apart(now) / apart(before));
  const [ax, ay] = [(before[0] + other[0]) / 2, (before[1] + other[1]) / 2];
  const [bx, by] = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
  state.x = bx - (ax - state.x) * k / state.k;
  state.y = by - (ay - state.y) * k / state.k;
  state.k = k;
  show();
});

const released = (event) => {
  if (!pointers.delete(event.pointerId)) return;
  picture.classList.remove("dragging");
  if (event.type === "pointercancel" || pointers.size || state.pressed.moved) return;
  if (state.pressed.on) choose(Number(state.pressed.on.dataset.node));
  else choose(-1);
};
picture.addEventListener("pointerup", released);
picture.addEventListener("pointercancel", released);

stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1);
  zoom(Math.exp(-Math.max(-240, Math.min(240, pixels)) * (event.ctrlKey ? 0.01 : 0.002)), place(event), false);
}, { passive: false });

$("closer").addEventListener("click", () => zoom(1.4));
$("further").addEventListener("click", () => zoom(1 / 1.4));
$("fit").addEventListener("click", () => go(whole()));
new ResizeObserver(show).observe(stage);
`;
}

/** A small map of a picture that does not fit, with a frame around what is in sight. */
export function overviewScript(): string {
  return String.raw`
const overview = $("overview");
const canvas = overview.querySelector("canvas");
const most = narrow.matches ? { width: 84, height: 150 } : { width: 132, height: 320 };
const shrink = Math.min(most.width / pictureWidth, most.height / pictureHeight);
const small = {
  width: Math.round(Math.max(26, pictureWidth * shrink)),
  height: Math.round(Math.max(26, pictureHeight * shrink)),
};
const across = small.width / pictureWidth;
const along = small.height / pictureHeight;

function drawOverview() {
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.width = small.width * ratio;
  canvas.height = small.height * ratio;
  canvas.style.width = small.width + "px";
  canvas.style.height = small.height + "px";
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement);
  const colors = Object.fromEntries(
    Object.keys(families).map((family) => [family, style.getPropertyValue("--" + family)]),
  );
  const lit = new Set(state.hits.map((id) => cardOf[id]));
  for (const [i, [x, y, w, h, node]] of cards.entries()) {
    pen.globalAlpha = lit.size === 0 || lit.has(i) ? 1 : 0.2;
    pen.fillStyle = colors[nodes[node].family];
    pen.fillRect(x * across, y * along, Math.max(1.5, w * across), Math.max(0.75, h * along - 0.25));
  }
}

function frameOverview() {
  const { width, height } = free();
  const { x, y, k } = state;
  const all = x >= 0 && y >= 0 && x + pictureWidth * k <= width && y + pictureHeight * k <= height;
  overview.hidden = all || height < 440;
  if (overview.hidden) return;
  const edge = (at, room) => Math.max(0, Math.min(room, at));
  const left = edge(-x / k * across, small.width);
  const top = edge(-y / k * along, small.height);
  const right = edge((width - x) / k * across, small.width);
  const bottom = edge((height - y) / k * along, small.height);
  const { style } = $("frame");
  style.transform = "translate(" + left + "px, " + top + "px)";
  style.width = Math.max(6, right - left) + "px";
  style.height = Math.max(6, bottom - top) + "px";
}

const lookAt = (event) => {
  if (event.type === "pointermove" && !event.buttons) return;
  const { left, top } = canvas.getBoundingClientRect();
  const { width, height } = free();
  const x = (event.clientX - left) / across;
  const y = (event.clientY - top) / along;
  go({ k: state.k, x: width / 2 - x * state.k, y: height / 2 - y * state.k }, false);
};
overview.addEventListener("pointerdown", (event) => {
  overview.setPointerCapture(event.pointerId);
  lookAt(event);
});
overview.addEventListener("pointermove", lookAt);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawOverview);
`;
}
