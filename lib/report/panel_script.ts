/**
 * The part of a graph page's script that says what is chosen: a node with everything known of it,
 * or the model as a whole. Browser code, kept as text; names become text nodes, never markup.
 * @module
 */

/** The panel: one node, or the whole. */
export function panelScript(): string {
  return String.raw`
const content = $("content");
const sheet = $("sheet");
const code = (text) => make("code", {}, text);
const facts = (rows) => {
  const known = rows.filter(([, value]) => value !== undefined && value !== "");
  return known.length === 0 ? undefined : make("dl", { class: "facts" }, known.flatMap(
    ([name, value]) => [make("dt", {}, name), make("dd", {}, value)],
  ));
};
const section = (title, ...parts) =>
  parts.some((part) => part !== undefined) ? [make("h3", {}, title), ...parts] : [];
const link = (id) => make("a", { href: "#/" + id }, nameIn(nodes[id]));
const soft = (text) => make("span", { class: "soft" }, text);

/** What a node is called in a list: an operation also by its name or part, if it has one. */
function nameIn(node) {
  const { role, name, scope } = node;
  const aside = role === "operation" ? name ?? scope : undefined;
  return [node.title, ...(aside ? [" ", soft(aside)] : [])];
}

/** A sentence in which backticks mark code. */
const sentence = (text) => text.split("\x60").map((part, i) => i % 2 ? code(part) : part);

function nodePanel(id) {
  const node = nodes[id];
  const { role, op, family, name, types, attrs, value, place, scope, ins, size } = node;
  const shown = types.filter((text) => text !== "");
  return [
    make("p", { class: "tag " + family }, make("span", { class: "dot" }), families[family]),
    make("h2", {}, node.title),
    data.docs[op] && role === "operation" ? make("p", { class: "soft" }, sentence(data.docs[op])) : undefined,
    ...section(
      role === "operation" ? "Result" : "Value",
      facts([
        ["Name", role === "operation" ? name : undefined],
        ...shown.map((text, i) => [shown.length > 1 ? "Type " + i : "Type", code(text)]),
        ["Size", size],
        ["Begins", value === undefined ? undefined : code(value)],
        ["Part", scope === undefined ? undefined : make("a", {
          href: "#", onclick: (event) => (event.preventDefault(), showPart(scope)),
        }, scope)],
        ["Written at", place === undefined ? undefined : code(place)],
      ]),
    ),
    ...section("Attributes", facts(attrs.map(([key, text]) => [key, code(text)]))),
    ...section("Reads", ins.length === 0 ? undefined : make("ul", { class: "list" }, ins.map(
      (operand) => make(
        "li", {}, make("span", { class: "word" }, operand.name),
        operand.from === undefined ? code(operand.value) : link(operand.from),
        operand.from === undefined ? undefined
          : make("span", { class: "end" }, code(nodes[operand.from].types[operand.out] ?? "")),
      ),
    ))),
    ...section("Read by", users[id].length === 0 ? undefined : make("ul", { class: "list" },
      users[id].map(({ name, by }) => make(
        "li", {}, link(by), make("span", { class: "end" }, "as " + name),
      )))),
  ];
}

function ends(role) {
  const list = nodes.flatMap((node, i) => node.role === role ? [i] : []);
  return list.length === 0 ? undefined : make("ul", { class: "list" }, list.slice(0, 60).map((i) =>
    make("li", {}, link(i), make("span", { class: "end" }, code(nodes[i].types.join(", "))))
  ));
}

function wholePanel() {
  const ofFamily = (family) => nodes.flatMap((node, i) => node.family === family ? [i] : []);
  const kinds = Object.entries(families).map(([family, label]) => ({
    family, label, ids: ofFamily(family),
  })).filter(({ ids }) => ids.length);
  return [
    make("h2", {}, data.title),
    ...section("Model", facts(data.facts)),
    ...section("Inputs", ends("argument")),
    ...section("Results", ends("result")),
    ...section("Kinds of nodes", make("ul", { class: "rows" }, kinds.map(
      ({ family, label, ids }) => make("li", {}, make(
        "button", {
          type: "button", class: family, "aria-pressed": "false",
          onclick: ({ currentTarget }) => press(currentTarget, () => ids),
        },
        make("span", { class: "dot" }), make("span", { class: "label" }, label),
        make("span", { class: "end" }, count(ids.length)),
      )),
    ))),
    ...section("Parts", partsList()),
  ];
}

/** A button that lights nodes up, and a second time puts them out. */
function press(button, found) {
  const on = button.getAttribute("aria-pressed") === "true";
  for (const other of content.querySelectorAll("[aria-pressed=true]")) {
    other.setAttribute("aria-pressed", "false");
  }
  button.setAttribute("aria-pressed", String(!on));
  $("query").value = "";
  light(on ? [] : found());
  if (!on) showHits();
}

function partsList(parts = data.parts, hidden = false) {
  if (parts.length === 0) return undefined;
  const branches = data.parts.some((part) => part.parts.length);
  return make("ul", { class: "rows", hidden: hidden && "" }, parts.map(
    ({ path, name, amount, parts }) => {
      const open = data.parts.length === 1 && path === data.parts[0].path;
      const inner = partsList(parts, !open);
      const twist = inner && make("button", {
        type: "button", class: "twist", "aria-expanded": String(open), "aria-label": "Parts of " + path,
        onclick: () => {
          inner.hidden = !inner.hidden;
          twist.setAttribute("aria-expanded", String(!inner.hidden));
          twist.textContent = inner.hidden ? "▸" : "▾";
        },
      }, open ? "▾" : "▸");
      return make("li", {}, make(
        "div", { class: "line" },
        twist ?? (branches ? make("span", { class: "twist" }) : undefined),
        make(
          "button", {
            type: "button", "aria-pressed": "false", "data-part": path,
            onclick: ({ currentTarget }) => press(currentTarget, () => inPart(path)),
          },
          make("span", { class: "label" }, name), make("span", { class: "end" }, amount),
        ),
      ), inner);
    },
  ));
}

const inPart = (path) =>
  nodes.flatMap(({ scope }, i) =>
    scope === path || scope?.startsWith(path + ".") || scope?.startsWith(path + "/") ? [i] : []
  );

function showPart(path) {
  choose(-1);
  light(inPart(path));
  showHits();
}

function fill(children, title, family) {
  content.replaceChildren(...children.flat().filter((child) => child !== undefined));
  content.scrollTop = 0;
  sheet.querySelector(".label").textContent = title;
  const dot = sheet.querySelector(".dot");
  dot.hidden = !family;
  dot.className = "dot " + (family ?? "");
}

function openSheet(open) {
  panel.classList.toggle("closed", !open);
  sheet.setAttribute("aria-expanded", String(open));
  show();
}
sheet.addEventListener("click", () => openSheet(panel.classList.contains("closed")));
`;
}
