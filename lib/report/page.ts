/**
 * The page that shows a graph as a picture to explore: cards in layers, zoom and pan, a search, and
 * a panel with everything known of a node.
 * @module
 */
import { bytesText, ofThem } from "./amount.ts";
import { cardsOf, titleOf } from "./cards.ts";
import { escaped } from "./escape.ts";
import { families } from "./family.ts";
import type { GraphData, NodeData } from "./graph_data.ts";
import { graphScript } from "./graph_script.ts";
import { graphStyle } from "./graph_style.ts";
import { layered } from "./layered.ts";
import { partsOf } from "./parts.ts";
import { pageHtml } from "./shell.ts";
import { pictureSvg } from "./svg.ts";

/** What a page says besides the graph. */
export interface ReportOptions {
  /** The model's name; by default `graph`. */
  readonly title?: string;
  /** What is known of the model, as pairs of a word and a text, for the page's overview. */
  readonly facts?: readonly (readonly [string, string])[];
}

/** The page of some data. */
export async function picturePage(data: GraphData, options: ReportOptions = {}): Promise<string> {
  const { title = "graph", facts = [] } = options;
  const cards = cardsOf(data);
  const layout = layered(cards.cards, cards.links);
  const summary = summaryOf(data);
  return await pageHtml({
    title,
    style: graphStyle(),
    body: bodyOf(title, summary, pictureSvg(data, cards, layout)),
    script: graphScript(),
    data: {
      title,
      facts: [["Graph", summary], ...facts],
      families,
      docs: Object.fromEntries(data.nodes.flatMap(({ op, doc }) => doc ? [[op, doc]] : [])),
      nodes: data.nodes.map(shownNode),
      parts: partsOf(data.nodes),
      cards: cards.cards.map(({ node }, i) => {
        const { x, y, width, height } = layout.boxes[i];
        return [x, y, width, height, node];
      }),
      cardOf: cards.cardOf,
      links: cards.links,
      size: [Math.max(1, layout.width), Math.max(1, layout.height)],
    },
  });
}

/** What the script needs of a node: texts as they are shown, and no sentence twice. */
function shownNode(node: NodeData): unknown {
  const { doc: _, bytes, attrs, ...rest } = node;
  return {
    ...rest,
    title: titleOf(node),
    ...(bytes === undefined ? {} : { size: bytesText(bytes) }),
    attrs: attrs.map(({ name, value }) => [name, value]),
  };
}

/** How much there is, as in `52 operations, 399 kB of parameters`. */
export function summaryOf({ nodes }: GraphData): string {
  const operations = nodes.filter(({ role }) => role === "operation").length;
  const held = nodes.filter(({ role }) => role === "constant");
  const bytes = held.reduce((n, node) => n + (node.bytes ?? 0), 0);
  const weights = held.length ? `, ${bytesText(bytes)} of parameters` : "";
  return ofThem(operations, "operation") + weights;
}

function bodyOf(title: string, summary: string, picture: string): string {
  const tool = (id: string, label: string, d: string) =>
    `<button type="button" id="${id}" aria-label="${label}" title="${label}">` +
    `<svg viewBox="0 0 18 18" aria-hidden="true"><path d="${d}"/></svg></button>`;
  return `<header>
<div class="name"><h1 title="${escaped(title)}">${escaped(title)}</h1><p>${
    escaped(summary)
  }</p></div>
<div class="search" role="search">
<input id="query" type="search" placeholder="Search operations, names, types" autocomplete="off"
  spellcheck="false" role="combobox" aria-label="Search" aria-expanded="false" aria-controls="hits"
  aria-autocomplete="list">
<span id="found" aria-live="polite"></span>
<ul id="hits" role="listbox" aria-label="Found" hidden></ul>
</div>
</header>
<main id="stage">
${picture}
<div id="overview" aria-hidden="true" hidden><canvas></canvas><div id="frame"></div></div>
<div id="tools">${tool("closer", "Zoom in", "M9 3.5v11M3.5 9h11")}${
    tool("further", "Zoom out", "M3.5 9h11")
  }${tool("fit", "Show all", "M3 7V3h4M11 3h4v4M15 11v4h-4M7 15H3v-4")}</div>
</main>
<aside id="panel" class="closed" aria-label="Details">
<button type="button" id="sheet" aria-expanded="false" aria-controls="content">
<span class="dot" hidden></span><span class="label">Overview</span>
<svg class="chevron" viewBox="0 0 18 18" aria-hidden="true"><path d="M4 11.5 9 6.5l5 5"/></svg>
</button>
<div id="content"><noscript>The search and the details need scripts.</noscript></div>
</aside>
<p id="said" class="unseen" aria-live="polite"></p>`;
}
