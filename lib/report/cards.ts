/**
 * The nodes of a picture as cards: what each shows, in lines, and how large it is. A parameter that
 * only one node reads is a line of that node's card; numbers are too.
 * @module
 */
import type { GraphData, NodeData, OperandData } from "./graph_data.ts";
import { fitted, type TextStyle, widthOf } from "./measure.ts";
import type { Link } from "./ranks.ts";

/** A line below a card's title. */
export interface CardLine {
  readonly text: string;
  /** What it tells: the type of a result, an attribute, a parameter, a number. */
  readonly kind: "type" | "attr" | "param" | "number";
  /** The parameter that the line stands for. */
  readonly node?: number;
}

/** A card. */
export interface Card {
  /** The node that it shows. */
  readonly node: number;
  readonly title: string;
  /** A word at the right of the title: the part of the model, or what an end is. */
  readonly note: string;
  readonly lines: readonly CardLine[];
  readonly width: number;
  readonly height: number;
}

/** The cards of a picture and what connects them. */
export interface Cards {
  readonly cards: readonly Card[];
  /** The card on which a node stands, by node. */
  readonly cardOf: readonly number[];
  /** Pairs of cards, each once. */
  readonly links: readonly Link[];
}

/** The measures of a card, in pixels; the drawing uses them too. */
export const cardStyle = {
  title: { size: 13, mono: false },
  note: { size: 11, mono: false },
  line: { size: 11, mono: true },
  left: 14,
  right: 12,
  /** From the upper edge to the title's base line. */
  first: 20,
  /** Between base lines. */
  step: 16,
  /** From the last base line to the lower edge. */
  last: 10,
  /** The widest that text may be. */
  most: 232,
} as const satisfies Readonly<Record<string, number | TextStyle>>;

/** Makes the cards of a graph. */
export function cardsOf({ nodes }: GraphData): Cards {
  const reader = readersOf(nodes);
  const shown = nodes.flatMap((_, i) => reader[i] === undefined ? [i] : []);
  const cardOf = nodes.map(() => 0);
  shown.forEach((node, card) => cardOf[node] = card);
  reader.forEach((by, i) => by !== undefined && (cardOf[i] = cardOf[by]));
  return {
    cards: shown.map((node) => cardFor(nodes, node, reader)),
    cardOf,
    links: linksOf(nodes, cardOf),
  };
}

/** For the constants that are lines of a card: the only operation that reads them, once. */
function readersOf(nodes: readonly NodeData[]): (number | undefined)[] {
  const uses = nodes.map((): number[] => []);
  nodes.forEach(({ ins }, i) =>
    ins.forEach(({ from }) => from !== undefined && uses[from].push(i))
  );
  return nodes.map(({ role, types }, i) => {
    const [by, ...more] = uses[i];
    const fits = role === "constant" && types.length === 1 && more.length === 0;
    return fits && nodes[by]?.role === "operation" ? by : undefined;
  });
}

function linksOf(nodes: readonly NodeData[], cardOf: readonly number[]): Link[] {
  const seen = new Set<string>();
  return nodes.flatMap(({ ins }, i) =>
    ins.flatMap(({ from }): Link[] => {
      if (from === undefined || cardOf[from] === cardOf[i]) return [];
      const link = [cardOf[from], cardOf[i]] as const;
      if (seen.has(String(link))) return [];
      seen.add(String(link));
      return [link];
    })
  );
}

function cardFor(
  nodes: readonly NodeData[],
  i: number,
  reader: readonly (number | undefined)[],
): Card {
  const node = nodes[i];
  const own = node.ins.filter(({ from }) => from !== undefined && reader[from] === i);
  const title = titleOf(node);
  const note = node.role !== "operation"
    ? roleText(node)
    : own.some(({ from }) => nodes[from!].scope !== undefined)
    ? node.scope ?? ""
    : "";
  const lines = linesOf(nodes, node, own).map((line) => ({
    ...line,
    text: fitted(line.text, cardStyle.most, cardStyle.line),
  }));
  const shownTitle = fitted(title, cardStyle.most, cardStyle.title);
  const left = cardStyle.most - widthOf(shownTitle, cardStyle.title) - 10;
  const shownNote = left < 40 ? "" : fitted(note, left, cardStyle.note, "end");
  const wide = [
    widthOf(shownTitle, cardStyle.title) +
    (shownNote ? widthOf(shownNote, cardStyle.note) + 10 : 0),
    ...lines.map(({ text }) => widthOf(text, cardStyle.line)),
  ].reduce((a, b) => Math.max(a, b), 44);
  return {
    node: i,
    title: shownTitle,
    note: shownNote,
    lines,
    width: Math.ceil(wide / 2) * 2 + cardStyle.left + cardStyle.right,
    height: cardStyle.first + lines.length * cardStyle.step + cardStyle.last,
  };
}

/** What a card is called: an end or a parameter by its name, an operation by what it does. */
export function titleOf({ role, op, name }: NodeData): string {
  if (role === "operation") return op;
  return name ?? (role === "constant" ? "constant" : op);
}

function roleText({ role, op, name }: NodeData): string {
  if (role === "argument") return "input";
  return role === "result" ? op : name === undefined ? "" : "parameter";
}

/** The lines of a card: the first few of each kind, as the panel tells all. */
function linesOf(
  nodes: readonly NodeData[],
  node: NodeData,
  own: readonly OperandData[],
): CardLine[] {
  const notable = node.attrs.filter(({ notable }) => notable);
  const numbers = node.ins.filter(({ value }) => value !== undefined);
  return [
    ...some("type", 3, node.types.map((text) => ({ text }))),
    ...some("attr", 3, notable.map(({ name, value }) => ({ text: `${name} ${value}` }))),
    ...some("number", 3, numbers.map(({ name, value }) => ({ text: `${name} = ${value}` }))),
    ...some(
      "param",
      6,
      own.map(({ name, from }) => ({ text: parameterText(name, nodes[from!]), node: from! })),
    ),
  ].filter(({ text }) => text !== "");
}

function some(
  kind: CardLine["kind"],
  most: number,
  lines: readonly Omit<CardLine, "kind">[],
): CardLine[] {
  const shown = lines.slice(0, most).map((line) => ({ ...line, kind }));
  const more = lines.length - shown.length;
  return more > 0 ? [...shown, { kind, text: `and ${more} more` }] : shown;
}

/** A parameter on the card of what reads it: the last word of its path, or the operand's name. */
function parameterText(operand: string, { name, scope, types, value }: NodeData): string {
  const last = name !== undefined && scope !== undefined ? name.slice(scope.length + 1) : operand;
  const single = value !== undefined && !value.includes(" ");
  return `${last} ${single ? `= ${value}` : types[0] ?? ""}`;
}
