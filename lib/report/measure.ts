/**
 * How wide text will be, guessed without a font: a picture is laid out where there is no browser.
 * The guesses are those of wide fonts, so that text rarely reaches the edge of its box.
 * @module
 */

/** A style of text: pixels of its size, and whether all its letters are equally wide. */
export interface TextStyle {
  readonly size: number;
  readonly mono: boolean;
}

/** Pixels that a text takes. */
export function widthOf(text: string, { size, mono }: TextStyle): number {
  let em = 0;
  for (const letter of text) em += mono ? monoEm(letter) : letterEm(letter);
  return em * size;
}

/** The text if it fits, else its beginning or its end with `…` for the rest. */
export function fitted(
  text: string,
  width: number,
  style: TextStyle,
  keep: "start" | "end" = "start",
): string {
  if (widthOf(text, style) <= width) return text;
  const letters = [...text];
  let n = letters.length;
  const cut = () => keep === "start" ? letters.slice(0, n) : letters.slice(letters.length - n);
  while (n > 1 && widthOf(cut().join(""), style) + style.size > width) n--;
  return keep === "start" ? `${cut().join("").trimEnd()}…` : `…${cut().join("").trimStart()}`;
}

function isWide(letter: string): boolean {
  return letter.codePointAt(0)! >= 0x2e80;
}

function monoEm(letter: string): number {
  return isWide(letter) ? 1.25 : 0.61;
}

function letterEm(letter: string): number {
  if (isWide(letter)) return 1.1;
  if (/[iljI.,:;'|!]/.test(letter)) return 0.38;
  if (/[ft()[\]{}/ r-]/.test(letter)) return 0.46;
  if (/[mwMW@%…]/.test(letter)) return 1.05;
  return /[A-Z0-9_=]/.test(letter) ? 0.74 : 0.68;
}
