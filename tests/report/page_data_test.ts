/**
 * The page as text: it holds the whole graph, it is one file with a policy that fits it, nothing in
 * a model becomes markup or script, and its colours can be told apart from their grounds.
 * @module
 */
import fc from "fast-check";
import { type Graph, load } from "@weft/weft";
import { graphHtml, listingHtml } from "@weft/weft/report";
import { bytesText, countText, ofThem } from "../../lib/report/amount.ts";
import { cardsOf, cardStyle } from "../../lib/report/cards.ts";
import { dark, light, type Palette, type Tone } from "../../lib/report/colors.ts";
import { escaped, scriptJson } from "../../lib/report/escape.ts";
import { families, type Family } from "../../lib/report/family.ts";
import { graphData } from "../../lib/report/graph_data.ts";
import { layered } from "../../lib/report/layered.ts";
import { fitted, widthOf } from "../../lib/report/measure.ts";
import { pictureSvg } from "../../lib/report/svg.ts";
import { assert, assertEquals, assertFalse, assertMatch } from "../std.ts";
import * as graphs from "./graphs.ts";

/** The parts of a page. */
function taken(html: string) {
  const one = (pattern: RegExp) => pattern.exec(html)?.[1] ?? "";
  return {
    title: one(/<title>([^]*?)<\/title>/),
    policy: one(/http-equiv="Content-Security-Policy" content="([^"]*)"/),
    style: one(/<style>([^]*?)<\/style>/),
    script: one(/<script>([^]*?)<\/script>/),
    data: JSON.parse(one(/<script type="application\/json" id="data">([^]*?)<\/script>/)),
    picture: one(/(<svg id="picture"[^]*?\n<\/svg>)/),
  };
}

async function hashOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `'sha256-${new Uint8Array(hash).toBase64()}'`;
}

const all: Readonly<Record<string, () => Graph>> = {
  layer: graphs.layerGraph,
  single: graphs.singleGraph,
  parallel: graphs.parallelGraph,
  hostile: graphs.hostileGraph,
  residual: () => graphs.residualGraph(20),
};

Deno.test("a page shows every node and every edge, and its data say where", async () => {
  for (const [name, make] of Object.entries(all)) {
    const graph = make();
    const { nodes } = graphData(graph);
    const { data, picture, title } = taken(await graphHtml(graph, { title: name }));
    assertEquals([data.nodes.length, title], [nodes.length, name]);
    assertEquals(data.cardOf.length, nodes.length);
    const drawn = [...picture.matchAll(/<g id="c(\d+)"/g)].map(([, i]) => Number(i));
    assertEquals(drawn.sort((a, b) => a - b), [...data.cards.keys()], name);
    assertEquals(picture.match(/<path id="e\d+"/g)!.length, data.links.length);
    const linked = new Set(data.links.map(String));
    nodes.forEach(({ ins }, i) => {
      for (const { from } of ins) {
        if (from === undefined || data.cardOf[from] === data.cardOf[i]) continue;
        assert(linked.has(`${data.cardOf[from]},${data.cardOf[i]}`), `${name}: ${from} → ${i}`);
      }
    });
    assertEquals(linked.size, data.links.length, "each pair of cards is linked once");
    for (const [x, y, w, h] of data.cards) {
      assert(x >= 0 && y >= 0 && x + w <= data.size[0] && y + h <= data.size[1]);
    }
  }
});

Deno.test("a parameter that one operation reads, and every number, are lines of its card", () => {
  const { cards, cardOf } = cardsOf(graphData(graphs.layerGraph()));
  const [matmul] = cards.filter(({ title }) => title === "matmul");
  assertEquals([matmul.note, matmul.lines.map(({ text }) => text)], [
    "net.fc1",
    ["f32[2,3]", "weight f32[4,3]"],
  ]);
  assertEquals(cardOf[1], cardOf[2]);
  const mul = cards.find(({ title }) => title === "mul")!;
  assertEquals(mul.lines.map(({ text, kind }) => [text, kind]), [
    ["f32[2,3]", "type"],
    ["b = 2", "number"],
  ]);
  // read twice, so it is a card of its own
  const data = graphData(graphs.hostileGraph());
  const [shared] = cardsOf(data).cards.filter(({ node }) => data.nodes[node].role === "constant");
  assertEquals(shared.lines.map(({ text }) => text), ["f32[4,4]"]);
});

Deno.test("cards are as wide as their text is guessed to be, and not too wide", () => {
  for (const make of Object.values(all)) {
    for (const { width, lines, title } of cardsOf(graphData(make())).cards) {
      const room = width - cardStyle.left - cardStyle.right;
      assert(room <= cardStyle.most + 2);
      for (const { text } of lines) assert(widthOf(text, cardStyle.line) <= room);
      assert(widthOf(title, cardStyle.title) <= room);
    }
  }
  const style = { size: 10, mono: true };
  assertEquals([fitted("short", 100, style), fitted("much too long", 40, style)], [
    "short",
    "much…",
  ]);
  assertEquals(fitted("a.long.path", 40, style, "end"), "…path");
});

Deno.test("a page is one file whose policy names its own style and script and nothing else", async () => {
  const html = await graphHtml(graphs.hostileGraph());
  const { policy, style, script, picture } = taken(html);
  assertEquals(policy.split("; "), [
    "default-src 'none'",
    `style-src ${await hashOf(style)}`,
    `script-src ${await hashOf(script)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  assertFalse(/\b(src|href)=["']?(https?:)?\/\//.test(html), "it loads something");
  assertFalse(/url\((?!#)/.test(style) || /@import/.test(style));
  assertFalse(/ style=| on\w+="/.test(html.replace(script, "")), "the policy forbids it");
  assert(picture.length > 0);
  new Function(script); // it is a program
});

Deno.test("nothing that a model names becomes markup or script", async () => {
  const html = await graphHtml(graphs.hostileGraph(), {
    title: graphs.hostile[0],
    facts: [["Fact", graphs.hostile[1]]],
  });
  assertEquals(html.match(/<script/g)!.length, 2);
  assertEquals(html.match(/<\/script/g)!.length, 2);
  assertFalse(html.includes("<img"));
  const markup = html.replace(/<script[^]*?<\/script>/g, "");
  assertFalse(markup.includes('" onmouseover') || markup.includes("' onmouseover"));
  // deno-lint-ignore no-control-regex -- XML forbids them
  assertFalse(/[\x00-\x08\x0b\x0c\x0e-\x1f]/.test(html));
  const names = taken(html).data.nodes.map(({ name }: { name?: string }) => name);
  for (const name of graphs.hostile) {
    assert(names.includes(name), "the data keep names as they are");
  }
});

Deno.test("escaped() and scriptJson() keep what they are given and leave no way out", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const safe = escaped(text);
    assertFalse(/[<>"']/.test(safe));
    const back = safe.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
      .replaceAll("&#39;", "'").replaceAll("&amp;", "&");
    // deno-lint-ignore no-control-regex -- these alone are replaced
    assertEquals(back, text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g, "\ufffd"));
    const json = scriptJson({ text });
    assertFalse(/[<>&\u2028\u2029]/.test(json));
    assertEquals(JSON.parse(json), { text });
  }));
});

Deno.test("a loose edge shows its two ends, and says where they are", () => {
  const data = graphData(graphs.residualGraph(2));
  const cards = cardsOf(data);
  const layout = layered(cards.cards, cards.links, { bends: 0 });
  const svg = pictureSvg(data, cards, layout);
  const loose = [...svg.matchAll(/class="edge loose" data-ends="([^"]*)" d="([^"]*)"/g)];
  assertEquals(loose.length, 2);
  for (const [, ends, d] of loose) {
    const [x0, y0, x1, y1] = ends.split(" ").map(Number);
    assertEquals(d, `M${x0} ${y0}v24M${x1} ${y1 - 24}v24`);
  }
});

Deno.test("a page of a file's own operators says what a refused file holds", async () => {
  const path = new URL("../data/mge-python/resize_warp/base.v2.mge", import.meta.url);
  const model = await load(path);
  const { data, picture } = taken(await listingHtml(model.listing(), { title: "resize" }));
  const resize = data.nodes.find(({ op }: { op: string }) => op === "ResizeV2");
  assertEquals([resize.family, resize.types], ["shape", ["[1,2,7,9]"]]);
  assert(resize.attrs.some(([name, value]: string[]) => name === "imode" && value === "LINEAR"));
  assertMatch(picture, /aria-label="Subtensor, [^"]*items \[axis 0: idx\]/);
});

Deno.test("amounts read as people write them", () => {
  assertEquals([0, 999, 1000, 4096, 999_499, 999_500, 1.5e9].map(bytesText), [
    ...["0 B", "999 B", "1 kB", "4.1 kB", "999 kB", "1 MB", "1.5 GB"],
  ]);
  assertEquals([countText(999), countText(1234567), ofThem(1, "node"), ofThem(2000, "node")], [
    ...["999", "1,234,567", "1 node", "2,000 nodes"],
  ]);
});

/** Relative luminance and contrast as WCAG 2 defines them. */
function contrast(a: string, b: string): number {
  const luminance = (color: string) => {
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16) / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}

Deno.test("colours stand out from what is behind them, in light and dark", () => {
  for (const palette of [light, dark] as Palette[]) {
    const grounds: Tone[] = ["panel", "card", "ground", "wash"];
    for (const ground of grounds) {
      for (const ink of ["ink", "soft"] as Tone[]) {
        assert(contrast(palette[ink], palette[ground]) >= 4.5, `${ink} on ${ground}`);
      }
    }
    assert(contrast(palette.accent, palette.panel) >= 4.5);
    for (const family of Object.keys(families) as Family[]) {
      for (const ground of ["card", "ground"] as Tone[]) {
        assert(contrast(palette[family], palette[ground]) >= 3, `${family} on ${ground}`);
      }
    }
    for (const mark of ["accent", "hit"] as Tone[]) {
      assert(contrast(palette[mark], palette.card) >= 3, mark);
    }
  }
});
