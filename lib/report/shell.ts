/**
 * One self-contained HTML file: markup, style, script and data. Its own policy lets it load nothing
 * and run only the script that it was made with, whatever text a model has put into it.
 * @module
 */
import { paletteStyle } from "./colors.ts";
import { escaped, scriptJson } from "./escape.ts";

/** What a page is made of. */
export interface Page {
  /** What the window is called. */
  readonly title: string;
  /** Rules besides those that all reports share. */
  readonly style: string;
  /** Markup; text from models in it is escaped already. */
  readonly body: string;
  /** The text of a script; it finds the data in the element `data`. */
  readonly script: string;
  /** Plain data for the script. */
  readonly data: unknown;
}

/** The text of the file. */
export async function pageHtml({ title, style, body, script, data }: Page): Promise<string> {
  const rules = paletteStyle() + baseStyle() + style;
  const policy = [
    "default-src 'none'",
    `style-src '${await fingerprint(rules)}'`,
    `script-src '${await fingerprint(script)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy.join("; ")}">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="generator" content="weft">
<title>${escaped(title)}</title>
<style>${rules}</style>
</head>
<body>
${body}
<script type="application/json" id="data">${scriptJson(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}

async function fingerprint(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `sha256-${new Uint8Array(hash).toBase64()}`;
}

/** Type, links, buttons and tables of every report. */
function baseStyle(): string {
  return `
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
code, .mono {
  font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: 12px;
}
h1, h2, h3, p, ul, dl, dd { margin: 0; padding: 0; }
ul { list-style: none; }
h1 { font-size: 15px; font-weight: 650; }
h2 { font-size: 17px; font-weight: 650; line-height: 1.25; }
h3 { font-size: 12px; font-weight: 600; color: var(--soft); margin: 18px 0 6px; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
button, input { font: inherit; color: inherit; }
button { background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.soft { color: var(--soft); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
dl.facts { display: grid; grid-template-columns: minmax(72px, max-content) 1fr; gap: 4px 14px; }
dl.facts dt { color: var(--soft); }
dl.facts dd { min-width: 0; overflow-wrap: anywhere; }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
`;
}
