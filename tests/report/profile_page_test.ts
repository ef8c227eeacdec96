/**
 * The page of a profile in a browser: it opens without a complaint and without sideways scrolling
 * on wide and narrow screens, in light and dark; it sorts, tells and chooses by mouse, touch and keys.
 * @module
 */
import type { Page } from "playwright-core";
import { profileHtml } from "@weft/weft/report";
import { dark, light } from "../../lib/report/colors.ts";
import { kernelRows } from "../../lib/report/profile_data.ts";
import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "../std.ts";
import { browserTests, type Screen, settled } from "./browser.ts";
import { hostile } from "./graphs.ts";
import { emptyProfile, hostileProfile, madeProfile, networkProfile } from "./profiles.ts";

const test = await browserTests();
const screens: readonly Screen[] = [{ width: 1280, height: 900 }, { width: 360, height: 740 }]
  .flatMap((size) => (["light", "dark"] as const).map((scheme) => ({ ...size, scheme })));

/** Widths of the document and of the window; they agree where nothing sticks out. */
async function isWithin(page: Page, { width }: Screen): Promise<void> {
  assertEquals(
    await page.evaluate("[document.documentElement.scrollWidth, innerWidth]"),
    [width, width],
  );
}

function rgb(hex: string): string {
  return `rgb(${[1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join(", ")})`;
}

async function names(page: Page): Promise<string[]> {
  return await page.locator("tr[data-k] .what button").allTextContents();
}

test("the page shows every kernel in table, roofline, timeline and memory, on every screen", async (open) => {
  const profiles = [await networkProfile(), madeProfile(1, 40), madeProfile(3, 5)];
  for (const profile of profiles) {
    const rows = kernelRows(profile);
    const html = await profileHtml(profile, { title: "a net", facts: [["Runs", "3"]] });
    for (const screen of screens) {
      await using shown = await open(html, screen);
      const { page } = shown;
      assertEquals(await page.title(), "a net");
      const palette = screen.scheme === "dark" ? dark : light;
      for (const [selector, color] of [["body", "ground"], ["section", "panel"]] as const) {
        assertEquals(
          await page.evaluate(
            `getComputedStyle(document.querySelector("${selector}")).backgroundColor`,
          ),
          rgb(palette[color]),
        );
      }
      assertEquals(await names(page), rows.map(({ operation }) => operation));
      const withRate = rows.filter(({ flops, medianNs }) => flops && medianNs);
      assertEquals(await page.locator(".roofline circle").count(), withRate.length);
      const median = profile.plans.map(({ calls }) =>
        calls.toSorted((a, b) => a.ms - b.ms)[(calls.length - 1) >> 1].kernels.length
      );
      assertEquals(
        await page.locator(".l0 rect").count(),
        median.reduce((a, b) => a + b, 0),
      );
      const steps = profile.plans.reduce((n, { memory }) => n + (memory?.timeline.length ?? 0), 0);
      assertEquals(await page.locator(".chart.memory rect").count(), steps);
      await isWithin(page, screen);
      // Points lie inside the plot, and no row of text is cut.
      const out = await page.evaluate(
        `[...document.querySelectorAll(".chart svg")].flatMap((svg) => {
        const box = svg.getBoundingClientRect();
        return [...svg.querySelectorAll(".mark")].filter((mark) => {
          const { left, right } = mark.getBoundingClientRect();
          return left < box.left - 16 || right > box.right + 16;
        }).length || [];
      })`,
      );
      assertEquals(out, []);
    }
  }
});

test("the table sorts by its heads, and by the list on a narrow screen", async (open) => {
  const profile = madeProfile(1, 12);
  const rows = kernelRows(profile);
  const html = await profileHtml(profile);
  await using wide = await open(html, screens[0]);
  const order = (by: (row: typeof rows[number]) => number) =>
    rows.toSorted((a, b) => by(b) - by(a) || a.rank - b.rank).map(({ operation }) => operation);
  await wide.page.click("[data-sort=bytes]");
  assertEquals(await names(wide.page), order(({ bytes }) => bytes));
  assertEquals(await wide.page.locator("th[aria-sort=descending]").textContent(), "Moves");
  await wide.page.click("[data-sort=bytes]");
  assertEquals(await names(wide.page), order(({ bytes }) => bytes).reverse());
  assertEquals(await wide.page.locator("th[aria-sort=ascending]").textContent(), "Moves");
  await wide.page.click("[data-sort=rank]");
  assertEquals(await names(wide.page), rows.map(({ operation }) => operation));
  assertEquals(await wide.page.isVisible("#order"), false);

  await using narrow = await open(html, screens[2]);
  assertEquals(await narrow.page.isVisible("[data-sort=gflops]"), false);
  await narrow.page.selectOption("#order", "gflops");
  assertEquals(await names(narrow.page), order(({ rate }) => rate.gflops));
  // What has no room in the table stands in the details.
  await narrow.page.tap("tr[data-k] .what");
  const details = await narrow.page.locator("tr.more:not([hidden])").innerText();
  assertStringIncludes(details, "of the measured bandwidth");
  assertStringIncludes(details, "f32[8,128]");
  await isWithin(narrow.page, screens[2]);
  await narrow.page.tap("tr[data-k] .what");
  assertEquals(await narrow.page.locator("tr.more:not([hidden])").count(), 0);
});

test("what the pointer is over is told, and what is pressed stands out everywhere", async (open) => {
  const profile = madeProfile(1, 9);
  const rows = kernelRows(profile);
  const html = await profileHtml(profile);
  for (const screen of screens) {
    await using shown = await open(html, screen);
    const { page } = shown;
    const touch = screen.width < 700;
    const first = page.locator(".roofline circle").first();
    await first.scrollIntoViewIfNeeded();
    await settled(page);
    assertEquals(await page.isVisible("#tip"), false);
    if (touch) await first.tap();
    else await first.hover();
    const row = rows[Number(await first.getAttribute("data-k"))];
    const said = await page.locator("#tip").innerText();
    assertStringIncludes(said, `${row.rank}. ${row.operation}`);
    assertStringIncludes(said, "GF/s");
    const tip = (await page.locator("#tip").boundingBox())!;
    assert(tip.x >= 0 && tip.x + tip.width <= screen.width, "the box is inside the window");
    if (!touch) await first.click();
    assertEquals(await page.locator("tr.chosen").getAttribute("data-k"), String(row.rank - 1));
    assertGreater(await page.locator(".chart .chosen").count(), 2);

    // A bar is told of wherever the pointer is in its column.
    const bar = page.locator(".chart.memory rect[data-live='0']").first();
    await page.locator(".chart.memory").scrollIntoViewIfNeeded();
    await settled(page);
    const box = (await page.locator(".chart.memory svg").boundingBox())!;
    const column = (await bar.boundingBox())!;
    const point = [column.x + column.width / 2, box.y + 20] as const;
    if (touch) await page.touchscreen.tap(...point);
    else await page.mouse.move(...point);
    assertStringIncludes(await page.locator("#tip").innerText(), "0 B alive");
    await page.keyboard.press("Escape");
    assertEquals(await page.isVisible("#tip"), false);
  }
});

test("points are reached by keys, and another call is chosen without a script", async (open) => {
  await using shown = await open(await profileHtml(madeProfile(1, 9)), screens[0]);
  const { page } = shown;
  await page.locator(".roofline circle").first().focus();
  await page.keyboard.press("Tab");
  const k = await page.evaluate("document.activeElement.dataset.k");
  assert(await page.isVisible("#tip"));
  await page.keyboard.press("Enter");
  assertEquals(await page.locator("tr.chosen").getAttribute("data-k"), k);
  assertEquals(await page.locator(".lane:visible").count(), 1);
  const label = page.locator(".calls label", { hasText: "slowest" });
  const before = await page.locator(".lane:visible svg").getAttribute("aria-label");
  await label.click();
  const after = await page.locator(".lane:visible svg").getAttribute("aria-label");
  assert(before !== after && after!.startsWith("The slowest call"), `${before}, ${after}`);
});

test("names that would be markup stay text, also in what is told", async (open) => {
  const html = await profileHtml(hostileProfile(), {
    title: hostile[0],
    facts: [[hostile[1], "x"]],
  });
  for (const screen of [screens[0], screens[3]]) {
    await using shown = await open(html, screen);
    const { page } = shown;
    await page.locator(".roofline circle").last().scrollIntoViewIfNeeded();
    await page.locator(".roofline circle").last().click();
    assertStringIncludes(await page.locator("#tip").innerText(), "<script>globalThis.broken");
    assertEquals(await page.evaluate("typeof globalThis.broken"), "undefined");
    assertEquals(await page.title(), hostile[0]);
    await isWithin(page, screen);
  }
});

test("a profile of nothing, and one of 2,000 kernels, open", async (open) => {
  await using none = await open(await profileHtml(emptyProfile()), screens[3]);
  assertEquals(await none.page.locator("tbody tr").count(), 0);
  const begun = performance.now();
  const html = await profileHtml(madeProfile(1, 2000));
  assertLess(html.length, 6e6);
  await using many = await open(html, screens[0]);
  await many.page.click("[data-sort=gbps]");
  await settled(many.page);
  assertLess(performance.now() - begun, 10_000);
  assertEquals((await names(many.page)).length, 2000);
});
