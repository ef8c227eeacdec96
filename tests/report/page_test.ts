/**
 * The page in a browser: it opens without a complaint, searches, chooses, zooms and pans, by mouse,
 * touch and keys, on wide and narrow screens, in light and dark.
 * @module
 */
import type { Page } from "playwright-core";
import { load } from "@weft/weft";
import { graphHtml } from "@weft/weft/report";
import { dark, light } from "../../lib/report/colors.ts";
import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess } from "../std.ts";
import { browserTests, type Screen, settled } from "./browser.ts";
import * as graphs from "./graphs.ts";

const test = await browserTests();
const wide = { width: 1280, height: 800 };
const narrow = { width: 390, height: 844 };
const screens: readonly Screen[] = [wide, narrow].flatMap((size) =>
  (["light", "dark"] as const).map((scheme) => ({ ...size, scheme }))
);

/** Where the picture stands: its shift and its scale. */
async function view(page: Page): Promise<{ x: number; y: number; k: number }> {
  await settled(page);
  return await page.evaluate(`(() => {
    const { a, e, f } = new DOMMatrix(getComputedStyle(document.getElementById("world")).transform);
    return { k: a, x: e, y: f };
  })()`);
}

/** Where a card is on the screen. */
async function boxOf(page: Page, selector: string) {
  return (await page.locator(selector).boundingBox())!;
}

async function colorOf(page: Page, selector: string, property: string): Promise<string> {
  return await page.evaluate(
    `getComputedStyle(document.querySelector(${JSON.stringify(selector)})).${property}`,
  );
}

function rgb(hex: string): string {
  return `rgb(${[1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join(", ")})`;
}

test("the page searches, jumps, tells of nodes and zooms, on every screen", async (open) => {
  const path = new URL("../data/mge-python/resnet18_small/base.v2.mge", import.meta.url);
  const html = await graphHtml((await load(path)).graph(), { title: "resnet18", place: () => "" });
  for (const screen of screens) {
    await using shown = await open(html, screen);
    const { page } = shown;
    const touch = screen.width < 700;
    const press = (selector: string) => touch ? page.tap(selector) : page.click(selector);
    assertEquals(await page.title(), "resnet18");
    const palette = screen.scheme === "dark" ? dark : light;
    assertEquals(await colorOf(page, "body", "backgroundColor"), rgb(palette.ground));
    assertEquals(await colorOf(page, ".node .card", "fill"), rgb(palette.card));
    const begin = await view(page);
    assertGreater(begin.k, 0.7, "it begins at a size that can be read");
    const input = await boxOf(page, ".node.argument");
    assert(input.x > 0 && input.x + input.width < screen.width && input.y < 250, "at the input");

    await page.fill("#query", "conv2d 1,48,2,2");
    assertEquals(await page.textContent("#found"), "5");
    assertEquals(await page.locator("#hits li").count(), 5);
    assertEquals(await page.locator(".node.hit").count(), 5);
    await page.press("#query", "Enter");
    const chosen = await boxOf(page, ".node.chosen");
    const stage = await boxOf(page, "#stage");
    assert(chosen.y > stage.y && chosen.y + chosen.height < stage.y + stage.height);
    assertEquals(await page.textContent("#found"), "1 / 5");
    assert(page.url().includes("#/"), "the address names what is chosen");
    if (touch) {
      const panel = await boxOf(page, "#panel");
      assert(chosen.y + chosen.height < panel.y, "the sheet leaves what is chosen in sight");
    }

    const panel = () => page.locator("#content").innerText();
    assert((await panel()).includes("f32[48,24,3,3]"), "the operands with their types");
    await press("#content a[href^='#/']:has-text('relu') >> nth=0");
    await settled(page);
    assert(
      (await panel()).includes("Elements of 0 and less become 0") || (await panel()).length > 20,
    );
    assertEquals(await page.locator(".node.chosen .title").textContent(), "relu");
    assertGreater(await page.locator("#front .edge").count(), 1);
    assertEquals(await colorOf(page, "#front .edge", "markerEnd"), 'url("#near")');
    assertEquals(await colorOf(page, "#front .edge", "stroke"), rgb(palette.accent));
    assertGreater(await page.locator(".node.near").count(), 1);
    await page.goBack();
    await settled(page);
    assertEquals(await page.locator(".node.chosen .title").textContent(), "conv2d");

    const before = await view(page);
    await press("#closer");
    assertAlmostEquals((await view(page)).k, 1.4 * before.k, 1e-3);
    await press("#fit");
    const all = await view(page);
    assertLess(all.k, before.k);
    const world = await boxOf(page, "#nodes");
    assert(world.y >= stage.y && world.y + world.height <= stage.y + stage.height + 1);
    assert(await page.evaluate(`document.getElementById("picture").matches(".far, .mid")`));
  }
});

test("wheel, drag, pinch and keys move the picture and walk along it", async (open) => {
  const html = await graphHtml(graphs.residualGraph(8));
  await using shown = await open(html, { ...wide, scheme: "light" });
  const { page } = shown;
  const before = await view(page);
  await page.mouse.move(300, 400);
  await page.mouse.wheel(0, -200);
  const closer = await view(page);
  assertGreater(closer.k, before.k);
  const under = (v: typeof before) => [(300 - v.x) / v.k, (400 - 53 - v.y) / v.k];
  assertLess(Math.abs(under(closer)[0] - under(before)[0]), 2, "what is under the pointer stays");
  await page.mouse.down();
  await page.mouse.move(360, 330, { steps: 4 });
  await page.mouse.up();
  const moved = await view(page);
  assertEquals([moved.x - closer.x, moved.y - closer.y, moved.k].map(Math.round), [
    ...[60, -70, Math.round(closer.k)],
  ]);
  assertEquals(await page.locator(".node.chosen").count(), 0, "a drag chooses nothing");

  await page.keyboard.press("0");
  await page.keyboard.press("/");
  await page.keyboard.type("image");
  await page.keyboard.press("Enter");
  assertEquals(await page.textContent("#found"), "1 / 1");
  await page.locator("#picture").focus();
  const titles: (string | null)[] = [];
  for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"]) {
    await page.keyboard.press(key);
    titles.push(await page.textContent(".node.chosen .title"));
  }
  assertEquals(titles, ["conv2d", "relu", "conv2d", "relu"]);
  await page.keyboard.press("Escape");
  assertEquals(await page.locator(".node.chosen, .node.hit").count(), 0);
  assert((await page.locator("#content").innerText()).includes("Kinds of nodes"));
  await page.click("[data-part='net.stage0.block3']");
  assertEquals(await page.locator(".node.hit").count(), 3);

  await using small = await open(html, { ...narrow, scheme: "dark" });
  const start = await view(small.page);
  const client = await small.page.context().newCDPSession(small.page);
  const touches = (gap: number) => [150 - gap, 150 + gap].map((x) => ({ x, y: 400 }));
  const send = (type: string, touchPoints: readonly { x: number; y: number }[]) =>
    client.send("Input.dispatchTouchEvent", { type, touchPoints } as never);
  await send("touchStart", touches(40));
  for (const gap of [50, 60, 70, 80]) await send("touchMove", touches(gap));
  await send("touchEnd", []);
  assertAlmostEquals((await view(small.page)).k / start.k, 2, 0.1);
});

test("names that would be markup stay text, and no script of theirs runs", async (open) => {
  const html = await graphHtml(graphs.hostileGraph(), { title: graphs.hostile[0] });
  await using shown = await open(html, { ...wide, scheme: "dark" });
  const { page } = shown;
  await page.fill("#query", "onmouseover");
  await page.press("#query", "Enter");
  assert((await page.locator("#content").innerText()).includes('" onmouseover="globalThis'));
  await page.click("#content .back");
  assert((await page.locator("#content").innerText()).includes("<img src=x onerror="));
  assertEquals(await page.title(), graphs.hostile[0]);
  assertEquals(await page.evaluate("typeof globalThis.broken"), "undefined");
});

test("text stays within its card, and nothing is wider than a narrow screen", async (open) => {
  for (const make of [graphs.layerGraph, graphs.hostileGraph, () => graphs.residualGraph(2)]) {
    await using shown = await open(await graphHtml(make()), { ...narrow, scheme: "light" });
    const over = await shown.page.evaluate(
      `[...document.querySelectorAll(".node")].flatMap((node) => {
      const card = node.querySelector(".card").getBBox();
      return [...node.querySelectorAll("text")].filter((text) => {
        const box = text.getBBox();
        return box.x < card.x || box.x + box.width > card.x + card.width - 4;
      }).map((text) => text.textContent);
    })`,
    );
    assertEquals(over, []);
    assertEquals(
      await shown.page.evaluate("[document.documentElement.scrollWidth, innerWidth]"),
      [narrow.width, narrow.width],
    );
  }
});

test("a graph of one node, one of none, and an address of a node open as they should", async (open) => {
  await using one = await open(await graphHtml(graphs.singleGraph()), {
    ...narrow,
    scheme: "light",
  });
  assertEquals(await one.page.locator(".node").count(), 3);
  assertEquals(await one.page.isVisible("#overview"), false);
  const at = await open(await graphHtml(graphs.layerGraph()), { ...wide, scheme: "light" }, "#/2");
  await using _ = at;
  assertEquals(await at.page.textContent(".node.chosen .title"), "matmul");
  const page = await graphHtml({ args: [], cuts: [{ kind: "end", roots: [] }], names: [] });
  await using none = await open(page, { ...wide, scheme: "light" });
  assertEquals(await none.page.locator(".node").count(), 0);
});

test("3,000 nodes open in seconds, and what is out of sight is not drawn", async (open) => {
  const html = await graphHtml(graphs.residualGraph(600));
  const begun = performance.now();
  await using shown = await open(html, { ...wide, scheme: "light" });
  assertLess(performance.now() - begun, 10_000);
  const { page } = shown;
  const drawn = `[...document.querySelectorAll("[data-reach]")]
    .filter((tile) => tile.style.display !== "none").length`;
  assertLess(Number(await page.evaluate(drawn)), 12);
  await page.fill("#query", "stage59.block9.conv2");
  await page.press("#query", "Enter");
  await settled(page);
  assertEquals(await page.textContent(".node.chosen .note"), "net.stage59.block9.conv2");
  await page.click("#fit");
  await settled(page);
  assertGreater(Number(await page.evaluate(drawn)), 50);
  assertEquals(
    await page.evaluate(`getComputedStyle(document.querySelector(".title")).display`),
    "none",
  );
});
