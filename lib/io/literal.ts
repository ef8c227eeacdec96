/**
 * The part of Python's literals that NumPy writes into headers: texts, numbers, tuples, lists,
 * dictionaries, `True`, `False` and `None`. Nothing is ever executed.
 * @module
 */
import { FormatError } from "../core/fault.ts";

/** A value of a literal; tuples and lists are both lists, dictionaries are maps. */
export type Literal = string | number | boolean | null | readonly Literal[] | Map<string, Literal>;

const tokens =
  /\s*(?:([{}()[\]:,])|(\d+)[lL]?(?![\w.])|(True|False|None)\b|[bu]?('|")(.*?)\4)\s*/sy;

/** The value of a literal that fills the text; anything else is a `FormatError`. */
export function parseLiteral(text: string, attempt: string): Literal {
  const state = { text, at: 0, attempt };
  const first = take(state);
  const value = valueFrom(first, state, 0);
  if (state.at !== text.length) throw bad(state, "the end");
  return value;
}

interface State {
  readonly text: string;
  readonly attempt: string;
  at: number;
}

type Token = { readonly mark: string } | { readonly value: string | number | boolean | null };

function take(state: State): Token {
  const pattern = new RegExp(tokens);
  pattern.lastIndex = state.at;
  const found = pattern.exec(state.text);
  if (!found) throw bad(state, "a value");
  state.at = pattern.lastIndex;
  const [, mark, digits, word, quote, inside] = found;
  if (mark !== undefined) return { mark };
  if (digits !== undefined) return { value: Number(digits) };
  if (quote !== undefined) {
    // dtypes and keys need no escapes, and an escape read wrongly would be another name
    if (inside.includes("\\")) throw bad(state, "a text without escapes");
    return { value: inside };
  }
  return { value: word === "None" ? null : word === "True" };
}

function valueFrom(token: Token, state: State, depth: number): Literal {
  if ("value" in token) return token.value;
  if (depth > 16) throw bad(state, "less nesting");
  switch (token.mark) {
    case "(":
      return listUntil(")", state, depth);
    case "[":
      return listUntil("]", state, depth);
    case "{":
      return recordFrom(state, depth);
    default:
      throw bad(state, "a value");
  }
}

function listUntil(close: string, state: State, depth: number): Literal {
  const out: Literal[] = [];
  for (let token = take(state); !isMark(token, close); token = take(state)) {
    out.push(valueFrom(token, state, depth + 1));
    const next = take(state);
    if (isMark(next, close)) {
      // `(3)` is a number in Python, and no shape that NumPy writes
      if (close === ")" && out.length === 1) throw bad(state, "a comma in a tuple of one");
      return out;
    }
    if (!isMark(next, ",")) throw bad(state, `"," or "${close}"`);
  }
  return out;
}

function recordFrom(state: State, depth: number): Literal {
  const out = new Map<string, Literal>();
  for (let token = take(state); !isMark(token, "}"); token = take(state)) {
    const key = valueFrom(token, state, depth + 1);
    if (typeof key !== "string" || out.has(key)) throw bad(state, "a key that is a new text");
    if (!isMark(take(state), ":")) throw bad(state, '":"');
    out.set(key, valueFrom(take(state), state, depth + 1));
    const next = take(state);
    if (isMark(next, "}")) return out;
    if (!isMark(next, ",")) throw bad(state, '"," or "}"');
  }
  return out;
}

function isMark(token: Token, mark: string): boolean {
  return "mark" in token && token.mark === mark;
}

function bad(state: State, wanted: string): FormatError {
  const near = JSON.stringify(state.text.slice(Math.max(0, state.at - 20), state.at + 20));
  return new FormatError(
    `${state.attempt}: its header is damaged, ${wanted} is missing near ${near}`,
  );
}
