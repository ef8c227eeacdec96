/**
 * Arithmetic over `data` as text, such as `(data - [104, 117, 124]) / 58`: parsed here into terms,
 * never evaluated as code. A fault names its place in the text.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Host } from "../core/host.ts";
import { evaluateTransform, type Term, transformFunctions } from "./transform.ts";

/** What an expression may hold, for helps and messages. */
export const transformWords: string = "numbers, data, lists such as [1,2,3] for channels, " +
  `+ - * /, parentheses, ${Object.keys(transformFunctions).join(", ")}`;

interface Token {
  readonly text: string;
  /** Where it begins, from 1. */
  readonly at: number;
}

/** Deeper nesting is a slip of the keyboard, and would fill the stack. */
const deepest = 100;

/**
 * The function that an expression over `data` means. Integers compute as in NumPy, so `data - 128`
 * of bytes wraps: `warn` hears of it. Throws OptionError, with the place, for other texts.
 */
export function transformFrom(
  text: string,
  warn: (line: string) => void = () => {},
): (value: Host) => Host {
  const term = parse(text);
  if (!mentions(term)) throw fault(text, 1, "it does not use data");
  return (value) => evaluateTransform(term, value, text, warn);
}

function parse(text: string): Term {
  const tokens = tokensOf(text);
  let next = 0;
  let depth = 0;
  const peek = () => tokens[next]?.text;
  const here = () => tokens[next]?.at ?? text.length + 1;
  const wrong = (wanted: string) =>
    fault(text, here(), `expected ${wanted}, found ${peek() ? `"${peek()}"` : "the end"}`);
  const expect = (word: string) => {
    if (peek() !== word) throw wrong(`"${word}"`);
    next++;
  };
  const separated = (close: string): Term[] => {
    const items: Term[] = [];
    while (peek() !== close) {
      if (items.length > 0) {
        if (peek() !== ",") throw wrong(`"," or "${close}"`);
        next++;
      }
      items.push(sum());
    }
    next++;
    return items;
  };
  const chain = (part: () => Term, ops: Readonly<Record<string, string>>) => (): Term => {
    let left = part();
    for (let op = peek(); op !== undefined && Object.hasOwn(ops, op); op = peek()) {
      const at = here();
      next++;
      left = { kind: "call", name: ops[op], args: [left, part()], at };
    }
    return left;
  };
  const signed = (): Term => {
    const sign = peek();
    if (sign !== "-" && sign !== "+") return primary();
    const at = here();
    next++;
    if (++depth > deepest) throw fault(text, at, "it is nested too deeply");
    const value = signed();
    depth--;
    if (sign === "+") return value;
    return value.kind === "number"
      ? { ...value, value: -value.value }
      : { kind: "call", name: "negate", args: [value], at };
  };
  const product = chain(signed, { "*": "multiply", "/": "divide" });
  const sum: () => Term = chain(product, { "+": "add", "-": "subtract" });
  const primary = (): Term => {
    const [word, at] = [peek(), here()];
    if (word === undefined) throw wrong("a value");
    if (++depth > deepest) throw fault(text, at, "it is nested too deeply");
    next++;
    const found = inner(word, at);
    depth--;
    return found;
  };
  const inner = (word: string, at: number): Term => {
    if (word === "(") {
      const value = sum();
      expect(")");
      return value;
    }
    if (word === "[") {
      if (peek() === "]") throw wrong("a number");
      return { kind: "list", items: separated("]"), at };
    }
    if (/^[\d.]/.test(word)) {
      return { kind: "number", value: Number(word), whole: /^\d+$/.test(word), at };
    }
    if (word === "data") return { kind: "data", at };
    if (!/^\w/.test(word)) {
      next--;
      throw wrong("a value");
    }
    if (!Object.hasOwn(transformFunctions, word)) {
      throw fault(text, at, `"${word}" is unknown, it takes ${transformWords}`);
    }
    expect("(");
    const args = separated(")");
    const [least, most, form] = transformFunctions[word];
    if (args.length < least || args.length > most) {
      throw fault(text, at, `${word} is written ${form}, it has ${args.length} arguments`);
    }
    return { kind: "call", name: word, args, at };
  };
  const term = sum();
  if (next < tokens.length) throw wrong("an operator or the end");
  return term;
}

function tokensOf(text: string): readonly Token[] {
  const pattern =
    /\s*(?:((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])|[A-Za-z_][\w.]*|[-+*/()[\],]))/y;
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const from = pattern.lastIndex;
    const found = pattern.exec(text);
    if (!found) {
      const at = from + /^\s*/.exec(text.slice(from))![0].length;
      const word = /^[\w.]*/.exec(text.slice(at))![0];
      throw fault(text, at + 1, word ? `${word} is no number` : `"${text[at]}" means nothing`);
    }
    tokens.push({ text: found[1], at: pattern.lastIndex - found[1].length + 1 });
  }
  return tokens;
}

function mentions(term: Term): boolean {
  if (term.kind === "data") return true;
  return term.kind === "call" && term.args.some(mentions);
}

function fault(text: string, at: number, why: string): OptionError {
  return new OptionError(`Cannot take the transform ${text}: ${why} (at character ${at})`, {
    code: "option.transform",
    place: `character ${at}`,
  });
}
