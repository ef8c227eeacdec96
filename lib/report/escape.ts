/**
 * Text from models inside a page: nothing that a name holds can become markup or script.
 * @module
 */

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as HTML or SVG, also between quotes. Control characters, which XML forbids, become `�`. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => entities[c])
    // deno-lint-ignore no-control-regex -- they are what is looked for
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g, "\ufffd");
}

/** Plain data as JSON that may stand in a script element. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
