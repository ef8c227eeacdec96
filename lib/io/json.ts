/**
 * JSON as file headers hold it. `JSON.parse` keeps the last of two equal keys without a word, and
 * two readers of one file may then disagree, so a repeated key is refused here.
 * @module
 */
import { FormatError } from "../core/fault.ts";

/** The value of UTF-8 JSON; bad UTF-8, bad JSON and repeated keys are a `FormatError`. */
export function parseUnique(bytes: Uint8Array, attempt: string): unknown {
  const text = textOf(bytes, attempt);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${attempt}: its header is no JSON (${(error as Error).message})`);
  }
  const again = repeatedKey(text);
  if (again !== undefined) {
    throw new FormatError(`${attempt}: its header names ${JSON.stringify(again)} twice`, {
      code: "format.duplicate",
    });
  }
  return value;
}

function textOf(bytes: Uint8Array, attempt: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError(`${attempt}: its header is no UTF-8`);
  }
}

/** The first key that an object of valid JSON has twice; keys are compared after their escapes. */
function repeatedKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "{") open.push(new Set());
    else if (char === "[") open.push(undefined);
    else if (char === "}" || char === "]") open.pop();
    else if (char === '"') {
      const end = closingQuote(text, at);
      let next = end + 1;
      while (" \t\r\n".includes(text[next] ?? "end")) next++;
      if (text[next] === ":") {
        const key: string = JSON.parse(text.slice(at, end + 1));
        const keys = open.at(-1);
        if (keys?.has(key)) return key;
        keys?.add(key);
      }
      at = end;
    }
  }
  return undefined;
}

/** No regular expression: its backtracking stack overflows on a hostile text of 100 MB. */
function closingQuote(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1);; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return at;
  }
}
