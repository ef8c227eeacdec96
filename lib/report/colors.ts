/**
 * The colours of reports, for light and dark screens. Text stands out from its ground by 4.5 to 1
 * at least, the colours of families by 3 to 1; a test computes it.
 * @module
 */
import type { Family } from "./family.ts";

/** The grounds, inks and lines of a page. */
export type Tone =
  | "ground" // behind the picture
  | "panel" // behind text
  | "card" // a node
  | "ink" // text
  | "soft" // text that matters less
  | "line" // borders
  | "edge" // edges of a graph
  | "accent" // what is chosen, links
  | "hit" // what a search found
  | "wash"; // behind what the pointer is over

/** Colours by what they are for. */
export type Palette = Readonly<Record<Tone | Family, string>>;

/** On light screens. */
export const light: Palette = {
  ground: "#f4f5f7",
  panel: "#ffffff",
  card: "#ffffff",
  ink: "#1b2029",
  soft: "#59626f",
  line: "#d9dde3",
  edge: "#9aa4b2",
  accent: "#1f5fd0",
  hit: "#c2500a",
  wash: "#eef2f8",
  argument: "#3d4756",
  result: "#3d4756",
  constant: "#7a6a12",
  product: "#2563c9",
  arithmetic: "#0f7f76",
  activation: "#c2500a",
  norm: "#7a3fc4",
  reduce: "#b4237a",
  shape: "#77818f",
  other: "#8a5a2b",
};

/** On dark screens. */
export const dark: Palette = {
  ground: "#14171c",
  panel: "#1b1f26",
  card: "#22272f",
  ink: "#e8ebef",
  soft: "#a4adb9",
  line: "#343b46",
  edge: "#6b7686",
  accent: "#7fb0ff",
  hit: "#ffa45c",
  wash: "#29303a",
  argument: "#c3ccd8",
  result: "#c3ccd8",
  constant: "#d3c057",
  product: "#6ea8ff",
  arithmetic: "#45c2b3",
  activation: "#ff9d57",
  norm: "#b892f5",
  reduce: "#f082bd",
  shape: "#8e99a8",
  other: "#d09a63",
};

/** Both as custom properties of a style sheet, which then says `var(--ink)`. */
export function paletteStyle(): string {
  return `:root { color-scheme: light dark; ${properties(light)} }
@media (prefers-color-scheme: dark) { :root { ${properties(dark)} } }
`;
}

function properties(palette: Palette): string {
  return Object.entries(palette).map(([name, value]) => `--${name}: ${value};`).join(" ");
}
