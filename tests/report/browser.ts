/**
 * A page in a headless Chromium, at a size and in a colour scheme; or the reason why tests that
 * need one are skipped. Whatever the page logs or throws is kept, and fails the test.
 * @module
 */
import { type Browser, chromium, type Page } from "playwright-core";
import { assertEquals } from "../std.ts";
import { chromiumPath } from "./browser_path.ts";

/** How a page is shown. */
export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

/** A page, and what it complained about. */
export interface Shown extends AsyncDisposable {
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** A browser test; its body opens pages of HTML texts. */
export type BrowserTest = (
  name: string,
  body: (open: (html: string, screen: Screen, address?: string) => Promise<Shown>) => Promise<void>,
) => void;

/** Starts one browser for the tests of a file and stops it after them. */
export async function browserTests(): Promise<BrowserTest> {
  const path = await chromiumPath();
  if (!path) console.warn("skipped: no Chromium (install chromium)");
  let browser: Browser | undefined;
  Deno.test.beforeAll(async () => {
    if (path) {
      browser = await chromium.launch({ executablePath: path, headless: true, args: [...flags] });
    }
  });
  Deno.test.afterAll(async () => await browser?.close());
  return (name, body) =>
    Deno.test({
      name: path ? name : `${name} (skipped: no Chromium)`,
      ignore: !path,
      // the driver's sockets and timers outlive a test
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => body((html, screen, address) => shown(browser!, html, screen, address)),
    });
}

/** What keeps a browser to itself. */
export const flags: readonly string[] = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Opens a page from a file, as a reader does. */
async function shown(
  browser: Browser,
  html: string,
  { width, height, scheme }: Screen,
  address = "",
): Promise<Shown> {
  const file = await Deno.makeTempFile({ suffix: ".html" });
  await Deno.writeTextFile(file, html);
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    hasTouch: width < 700,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith("file:")) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(`file://${file}${address}`);
  await settled(page);
  return {
    page,
    complaints,
    async [Symbol.asyncDispose]() {
      await context.close();
      await Deno.remove(file);
      assertEquals(complaints, []);
    },
  };
}

/** Waits until what was asked for is drawn. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
  );
}
