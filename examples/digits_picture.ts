/**
 * The digits to look at: as characters for a terminal and as an SVG for a page.
 */

const shades = " .:-=+*#%@";

/** A row of digits as characters, `wide` of them, with what was read under each. */
export function art(
  pixels: Float32Array,
  found: readonly number[],
  labels: ArrayLike<number | bigint>,
  wide: number,
): string {
  const [lo, hi] = rangeOf(pixels);
  const lines: string[] = [];
  for (let y = 2; y < 26; y += 2) {
    let line = "";
    for (let i = 0; i < wide; i++) {
      for (let x = 4; x < 24; x += 2) {
        const at = i * 784 + y * 28 + x;
        const v = (pixels[at] + pixels[at + 1] + pixels[at + 28] + pixels[at + 29]) / 4;
        line += shades[Math.min(9, Math.floor((v - lo) / (hi - lo) * 10))];
      }
      line += " ";
    }
    lines.push(line);
  }
  let under = "";
  for (let i = 0; i < wide; i++) {
    const ok = found[i] === Number(labels[i]);
    under += `    ${found[i]}${ok ? "" : ` (${labels[i]})`}`.padEnd(11);
  }
  return [...lines, under].join("\n");
}

/** All digits with what was read, wrong ones in red. */
export function picture(
  pixels: Float32Array,
  found: readonly number[],
  labels: ArrayLike<number | bigint>,
): string {
  const [lo, hi] = rangeOf(pixels);
  const columns = 10, cell = 64;
  const rows = Math.ceil(found.length / columns);
  const parts = found.map((digit, i) => {
    const left = (i % columns) * cell, top = Math.floor(i / columns) * (cell + 16);
    const dots: string[] = [];
    for (let y = 0; y < 28; y++) {
      for (let x = 0; x < 28; x++) {
        const v = (pixels[i * 784 + y * 28 + x] - lo) / (hi - lo);
        if (v > 0.1) dots.push(`<path d="M${x} ${y}h1v1h-1z" opacity="${v.toFixed(1)}"/>`);
      }
    }
    const ok = digit === Number(labels[i]);
    const text = ok ? `${digit}` : `${digit}, is ${labels[i]}`;
    return `<g transform="translate(${left + 4} ${top + 4}) scale(2)" fill="#334">${
      dots.join("")
    }</g>` +
      `<text x="${left + 32}" y="${top + 74}" fill="${ok ? "#2a7" : "#c22"}">${text}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${columns * cell} ${
    rows * (cell + 16) + 8
  }" ` +
    `font-family="monospace" font-size="13" text-anchor="middle">` +
    `<rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>\n`;
}

function rangeOf(pixels: Float32Array): [number, number] {
  return pixels.reduce(([lo, hi], v) => [Math.min(lo, v), Math.max(hi, v)], [Infinity, -Infinity]);
}
