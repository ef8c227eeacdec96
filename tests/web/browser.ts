/**
 * Pages served from this machine in a headless Chromium with WebGPU in software, isolated from other
 * origins or not; or the reason why tests that need one are skipped.
 * @module
 */
import { type Browser, chromium, type Page } from "playwright-core";
import { serve } from "../../examples/web/serve.ts";
import { chromiumPath } from "../report/browser_path.ts";
import { flags } from "../report/browser.ts";
import { assertEquals } from "../std.ts";

/** How a page is served and shown. */
export interface Visit {
  /** The folder that is served. */
  readonly folder: string;
  /** Whether the page is isolated, so that threads can share memory. */
  readonly isolated: boolean;
  /** What follows the address of the folder. */
  readonly path?: string;
  /** Other headers of every answer. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
  /** A phone: fingers, and twice the pixels. */
  readonly phone?: boolean;
  /** A script that runs before the page's own. */
  readonly before?: string;
  /** What the page may complain of; anything else fails the test. */
  readonly may?: RegExp;
}

/** A page that is open. */
export interface Visited extends AsyncDisposable {
  readonly page: Page;
}

/** A browser test; its body visits pages. */
export type WebTest = (
  name: string,
  body: (visit: (how: Visit) => Promise<Visited>) => Promise<void>,
) => void;

/** Starts one browser for the tests of a file and stops it after them; `set` runs before them. */
export async function webTests(set: () => Promise<void>): Promise<WebTest> {
  const path = await chromiumPath();
  if (!path) console.warn("skipped: no Chromium (install chromium)");
  let browser: Browser | undefined;
  Deno.test.beforeAll(async () => {
    if (!path) return;
    await set();
    browser = await chromium.launch({
      executablePath: path,
      headless: true,
      args: [...flags, "--enable-unsafe-webgpu"],
    });
  });
  Deno.test.afterAll(async () => await browser?.close());
  return (name, body) =>
    Deno.test({
      name: path ? name : `${name} (skipped: no Chromium)`,
      ignore: !path,
      // the driver's sockets and timers outlive a test
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => body((how) => visited(browser!, how)),
    });
}

async function visited(browser: Browser, how: Visit): Promise<Visited> {
  const site = serve(how.folder, { port: 0, isolated: how.isolated, headers: how.headers });
  const context = await browser.newContext({
    viewport: { width: how.width ?? 1100, height: how.height ?? 900 },
    colorScheme: how.scheme ?? "light",
    hasTouch: how.phone ?? false,
    isMobile: how.phone ?? false,
    deviceScaleFactor: how.phone ? 2 : 1,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  if (how.before) await page.addInitScript(how.before);
  const complaints: string[] = [];
  const complain = (text: string) => {
    if (!how.may?.test(text)) complaints.push(text);
  };
  page.on("console", (message) => complain(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complain(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(site.url) && !/^(blob|data):/.test(url)) complain(`asked for ${url}`);
  });
  await page.goto(site.url + (how.path ?? ""));
  return {
    page,
    async [Symbol.asyncDispose]() {
      await context.close();
      await site[Symbol.asyncDispose]();
      assertEquals(complaints, []);
    },
  };
}

/**
 * Waits until a page has so many workers. Those that are asked to end do so at once; Chromium takes
 * two seconds to end one that sleeps, which is too long here.
 */
export async function idle(page: Page, workers: number = 0): Promise<void> {
  const until = performance.now() + 1500;
  while (page.workers().length > workers && performance.now() < until) {
    await page.waitForTimeout(20);
  }
  assertEquals(page.workers().length, workers);
}
