/**
 * The page that reads digits, in a browser: on WebGPU and on WebAssembly, with threads and without;
 * drawn on by mouse, finger and keys; on wide and narrow screens; and when something is missing.
 * @module
 */
import type { Page } from "playwright-core";
import { load, type Model, open, read, tensor } from "@weft/weft";
import { build, type Built } from "../../examples/web/build.ts";
import type { Stroke } from "../../examples/web/digit_image.ts";
import { assert, assertEquals, assertLess, assertMatch } from "../std.ts";
import { idle, type Visit, type Visited, webTests } from "./browser.ts";
import { hands } from "./hands.ts";

let folder = "";
let built: Built;
let model: Model;
const screens = new URL("../../dist/screens/", import.meta.url);
const test = await webTests(async () => {
  folder = await Deno.makeTempDir();
  built = await build(folder);
  model = await load(`${folder}/digits.mge`, { on: await open("reference") });
  await Deno.mkdir(screens, { recursive: true });
});
Deno.test.afterAll(async () => {
  if (folder) await Deno.remove(folder, { recursive: true });
});

const threads = navigator.hardwareConcurrency;

/** Visits the page and waits until it runs something, or says that it cannot. */
async function shown(visit: (how: Visit) => Promise<Visited>, how: Partial<Visit> = {}) {
  const visited = await visit({ folder, isolated: true, ...how });
  await visited.page.waitForSelector("body[data-state=ready], body[data-state=failed]");
  return visited;
}

async function draw(page: Page, strokes: readonly Stroke[]): Promise<void> {
  const box = (await page.locator("#paper").boundingBox())!;
  const place = ([x, y]: readonly [number, number]) =>
    [box.x + x * box.width, box.y + y * box.height] as const;
  for (const stroke of strokes) {
    await page.mouse.move(...place(stroke[0]));
    await page.mouse.down();
    for (const point of stroke) await page.mouse.move(...place(point));
    await page.mouse.up();
  }
}

/** What the page shows: the digit, the ten probabilities, and the image that they are of. */
interface Said {
  readonly answer: string;
  readonly probabilities: readonly number[];
  readonly image: readonly number[];
  readonly facts: Readonly<Record<string, string>>;
}

async function said(page: Page): Promise<Said> {
  return await page.evaluate(`(() => {
    const seen = document.getElementById("seen").getContext("2d").getImageData(0, 0, 28, 28).data;
    const facts = [...document.querySelectorAll("#facts dt")];
    return {
      answer: document.getElementById("answer").textContent,
      probabilities: [...document.querySelectorAll("[role=meter]")]
        .map((bar) => Number(bar.getAttribute("aria-valuenow"))),
      image: Array.from({ length: 784 }, (_, i) => seen[4 * i + 3] / 256),
      facts: Object.fromEntries(facts.map((dt) => [dt.textContent, dt.nextSibling.textContent])),
    };
  })()`);
}

/** What the page says once it says it of what is there, as Deno computes it too. */
async function agreed(page: Page): Promise<Said> {
  for (const until = performance.now() + 5000;; await page.waitForTimeout(20)) {
    const got = await said(page);
    const image = tensor(new Float32Array(got.image), [1, 1, 28, 28]);
    const want = (await read((await model(image)).probability)).data as Float32Array;
    const gap = Math.max(...got.probabilities.map((p, i) => Math.abs(p - want[i])));
    if (gap > 1e-5 && performance.now() < until) continue;
    assertLess(gap, 1e-5);
    assertEquals(got.answer, String(want.indexOf(Math.max(...want))));
    return got;
  }
}

const [, seven] = hands[14], [, three] = hands[6], [, four] = hands[8];

const ways = [
  { target: "webgpu", isolated: true, name: "webgpu" },
  { target: "wasm", isolated: true, name: "wasm with threads" },
  { target: "wasm", isolated: false, name: "wasm without threads" },
] as const;
for (const { target, isolated, name } of ways) {
  test(`${name}: what is drawn, and real digits, are read as Deno reads them`, async (visit) => {
    await using visited = await shown(visit, { isolated, path: `?target=${target}` });
    const { page } = visited;
    if (target === "webgpu" && !await page.evaluate("navigator.gpu?.requestAdapter()")) {
      return console.warn("skipped: this Chromium has no WebGPU adapter");
    }
    assertEquals(await page.evaluate("crossOriginIsolated"), isolated);
    assertEquals(await page.isChecked(`#${target}`), true);
    for (const [digit, strokes] of hands.filter((_, i) => i % 2 === 0)) {
      await draw(page, strokes);
      const { answer } = await agreed(page);
      assertEquals(answer, String(digit));
      await page.click("#clear");
    }
    const samples = await page.locator("#samples button").all();
    assertEquals(samples.length, 11);
    const read: string[] = [];
    for (const sample of samples) {
      await sample.click();
      read.push((await agreed(page)).answer);
    }
    assertEquals(read.join(""), "01234567892");
    await page.click("#clear");
    await draw(page, three);
    const { facts } = await agreed(page);
    const count = isolated ? threads : 1;
    assertMatch(
      facts["Running on"],
      target === "webgpu"
        ? /swiftshader/i
        : new RegExp(`^WebAssembly SIMD, ${count} thread${count > 1 ? "s" : ""}(,|$)`),
    );
    assertEquals(page.workers().length, target === "wasm" ? count - 1 : 0);
    await page.screenshot({
      path: new URL(`${name.replaceAll(" ", "-")}.png`, screens).pathname,
      fullPage: true,
    });
    // Who chooses another target leaves nothing of the one before.
    await page.click("label[for=reference]");
    await page.waitForSelector("body[data-state=ready]");
    assertMatch((await agreed(page)).facts["Running on"], /interpreter/);
    await idle(page);
  });
}

test("targets are changed while one draws, and the last choice runs", async (visit) => {
  await using visited = await shown(visit, { path: "?target=reference" });
  const { page } = visited;
  const drawing = draw(page, four);
  for (const target of ["wasm", "webgpu", "reference", "wasm"]) {
    await page.evaluate(`document.getElementById("${target}").click()`);
  }
  await drawing;
  await page.waitForTimeout(100);
  await page.waitForSelector("body[data-state=ready]");
  assertEquals((await agreed(page)).answer, "4");
  assertMatch((await said(page)).facts["Running on"], /^WebAssembly/);
  await idle(page, threads - 1);
});

test("keys draw, undo and clear; what is read is said aloud", async (visit) => {
  await using visited = await shown(visit);
  const { page } = visited;
  await page.focus("#paper");
  for (let i = 0; i < 10; i++) await page.keyboard.press("ArrowUp");
  await page.keyboard.press(" ");
  for (let i = 0; i < 7; i++) await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press(" ");
  assertEquals((await agreed(page)).answer, "1");
  assertEquals(await page.getAttribute("#answer", "aria-live"), "polite");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press(" ");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press(" ");
  assertEquals(await page.isDisabled("#undo"), false);
  await page.keyboard.press("Backspace");
  assertEquals((await agreed(page)).answer, "1");
  await page.keyboard.press("Escape");
  await page.waitForSelector("#hint", { state: "visible" });
  assertEquals((await said(page)).answer, "");
  assertEquals(await page.isDisabled("#clear"), true);
});

test("on phones and wide screens, light and dark, nothing sticks out", async (visit) => {
  for (const phone of [false, true]) {
    for (const scheme of ["light", "dark"] as const) {
      const size = phone ? { width: 390, height: 844 } : { width: 1100, height: 900 };
      await using visited = await shown(visit, { ...size, scheme, phone });
      const { page } = visited;
      await draw(page, seven);
      assertEquals((await agreed(page)).answer, "7");
      assertEquals(await page.evaluate("document.documentElement.scrollWidth - innerWidth"), 0);
      const [paper, scores] = await Promise.all(
        ["#paper", "#scores"].map((id) => page.locator(id).boundingBox()),
      );
      // Drawing and scores are seen together.
      assert(paper!.y >= 0 && scores!.y + scores!.height <= size.height);
      await page.screenshot({
        path: new URL(`${phone ? "phone" : "wide"}-${scheme}.png`, screens).pathname,
        fullPage: true,
      });
    }
  }
});

test("a finger draws, and the page does not scroll under it", async (visit) => {
  await using visited = await shown(visit, { width: 390, height: 844, phone: true });
  const { page } = visited;
  const box = (await page.locator("#paper").boundingBox())!;
  const client = await page.context().newCDPSession(page);
  const touch = (type: string, points: readonly (readonly [number, number])[]) =>
    client.send("Input.dispatchTouchEvent", {
      type: type as "touchStart",
      touchPoints: points.map(([x, y]) => ({
        x: box.x + x * box.width,
        y: box.y + y * box.height,
      })),
    });
  await touch("touchStart", [[0.5, 0.2]]);
  for (let y = 0.25; y < 0.85; y += 0.05) await touch("touchMove", [[0.5, y]]);
  await touch("touchEnd", []);
  assertEquals((await agreed(page)).answer, "1");
  assertEquals(await page.evaluate("scrollY"), 0);
});

test("a missing model, an unknown target and a missing adapter are said in the page", async (visit) => {
  const none = await Deno.makeTempDir();
  await Deno.copyFile(`${folder}/index.html`, `${none}/index.html`);
  {
    await using visited = await shown(visit, { folder: none, may: /404|FormatError|Cannot read/ });
    assertMatch((await visited.page.textContent("#fault"))!, /digits\.mge: the server answers 404/);
  }
  await Deno.remove(none, { recursive: true });
  {
    await using visited = await shown(visit, { path: "?target=abacus", may: /there is no such/ });
    assertMatch((await visited.page.textContent("#fault"))!, /there is no such target/);
    // Another choice helps.
    await visited.page.click("label[for=wasm]");
    await visited.page.waitForSelector("body[data-state=ready]");
    assertEquals(await visited.page.isHidden("#fault"), true);
  }
  for (
    const [before, why] of [
      ["navigator.gpu.requestAdapter = async () => null", /this browser offers no adapter/],
      [
        'Object.defineProperty(Navigator.prototype, "gpu", { value: undefined })',
        /this runtime has no navigator\.gpu/,
      ],
    ] as const
  ) {
    await using visited = await shown(visit, { before });
    await visited.page.waitForSelector("#webgpu:disabled");
    assertMatch((await visited.page.textContent("#webgpu-text"))!, why);
    await draw(visited.page, seven);
    assertEquals((await agreed(visited.page)).answer, "7");
  }
});

test("the page is one file that asks for the model, once, and for nothing else", async (visit) => {
  // Bounds for weight that nobody meant, not for growth.
  assertLess(built.page, 900_000);
  assertLess(built.packed, 320_000);
  await using visited = await shown(visit, { path: "?target=wasm" });
  const { page } = visited;
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url().split("/").at(-1)!));
  await page.reload();
  await page.waitForSelector("body[data-state=ready]");
  await page.click("label[for=reference]");
  await page.waitForSelector("body[data-state=ready]");
  await draw(page, four);
  assertEquals((await agreed(page)).answer, "4");
  assertEquals(asked.filter((name) => /[.?]/.test(name)), ["?target=wasm", "digits.mge"]);
});

test("when a thread has ended the page says so, and the same target can be chosen again", async (visit) => {
  if (threads === 1) return;
  const before = `const Real = Worker;
    globalThis.Worker = class extends Real {
      constructor(...args) { super(...args); (globalThis.made ??= []).push(this); }
    };`;
  await using visited = await shown(visit, { path: "?target=wasm", before, may: /DeviceError/ });
  const { page } = visited;
  await page.evaluate("made.forEach((worker) => worker.terminate())");
  // Chromium gives one that is busy two seconds to end.
  await page.waitForTimeout(2500);
  await draw(page, seven);
  await page.waitForSelector("#fault:not([hidden])");
  assertMatch((await page.textContent("#fault"))!, /a thread of the WebAssembly target ended/);
  await page.click("label[for=wasm]");
  await page.waitForSelector("body[data-state=ready]");
  assertEquals((await agreed(page)).answer, "7");
  assertEquals(await page.isHidden("#fault"), true);
});
