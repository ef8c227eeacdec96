/**
 * The library in pages with policies: workers from a file of the page's own, workers refused,
 * WebAssembly refused; and what becomes of workers.
 * @module
 */
import type { Page } from "playwright-core";
import { wasmWorker } from "@weft/weft";
import { bundled } from "../../examples/web/bundle.ts";
import { assertEquals, assertLess, assertMatch } from "../std.ts";
import { idle, type Visit, webTests } from "./browser.ts";
import type { Computed } from "./probe.ts";

let folder = "";
const test = await webTests(async () => {
  folder = await Deno.makeTempDir();
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  await write("probe.js", await bundled(new URL("probe.ts", import.meta.url)));
  await write("weft_worker.js", wasmWorker());
  await write("old_worker.js", wasmWorker().replace(/ready = "\w+"/, 'ready = "1"'));
  await write("other.js", "// Not the library's.\n");
  await write(
    "index.html",
    `<!DOCTYPE html><link rel="icon" href="data:,"><script type="module" src="probe.js"></script>`,
  );
});
Deno.test.afterAll(async () => {
  if (folder) await Deno.remove(folder, { recursive: true });
});

const threads = navigator.hardwareConcurrency;
const several = `${threads} thread${threads > 1 ? "s" : ""}`;

/** A page with a policy. */
function under(policy: string, more: Partial<Visit> = {}): Visit {
  const headers = { "content-security-policy": `${policy}; img-src data:` };
  return { folder, isolated: true, headers, ...more };
}

async function asked<T>(page: Page, what: string): Promise<T> {
  await page.waitForSelector("script", { state: "attached" });
  // The driver asks by evaluating text, which is not under the page's policy.
  return await page.evaluate(`import("/probe.js").then(() => weft.${what})`) as T;
}

function assertRight({ found }: Computed): void {
  for (const value of found) assertLess(Math.abs(value - 129), 1e-3);
}

const strict = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";
const refusals = /Content Security Policy|violates the following|404/;

test("a strict policy: workers from a file of the page's own origin", async (visit) => {
  await using visited = await visit(under(strict));
  const { page } = visited;
  const got = await asked<Computed>(page, `computed("wasm", { worker: "weft_worker.js" })`);
  assertRight(got);
  assertMatch(got.description, new RegExp(`^WebAssembly SIMD, ${several}(,|$)`));
});

test("blob workers forbidden: one thread, which says so", async (visit) => {
  await using visited = await visit(under(strict, { may: refusals }));
  const got = await asked<Computed>(visited.page, `computed("wasm")`);
  assertRight(got);
  if (threads > 1) assertMatch(got.description, /1 thread \(.*see the option "worker"\)/);
});

test("a worker file that is missing, another's or of another version: one thread", async (visit) => {
  if (threads === 1) return;
  await using visited = await visit(under(strict, { may: refusals }));
  const { page } = visited;
  for (const [file, why] of [["nowhere.js", /nowhere\.js/], ["old_worker.js", /another version/]]) {
    const got = await asked<Computed>(page, `computed("wasm", { worker: "${file}" })`);
    assertRight(got);
    assertMatch(got.description, /1 thread \(/);
    assertMatch(got.description, why as RegExp);
  }
  await idle(page);
});

test("WebAssembly forbidden: a clear error, and the interpreter for who leaves the choice", async (visit) => {
  const policy = "default-src 'none'; script-src 'self'; worker-src 'self' blob:";
  await using visited = await visit(
    under(policy, { may: /Security Policy|adapter|Wasm|WebAssembly/ }),
  );
  const { page } = visited;
  assertEquals(await asked(page, `tried("wasm")`), {
    message: `Cannot open "wasm": the Content-Security-Policy of this page forbids WebAssembly\n` +
      `  try adding 'wasm-unsafe-eval' to its script-src, or open("reference")`,
    code: "device.forbidden",
  });
  const got = await asked<Computed>(page, `computed("cpu")`);
  assertEquals(got.name, "reference");
  assertRight(got);
});

test("a page that is not isolated: one thread", async (visit) => {
  await using visited = await visit({ folder, isolated: false });
  const got = await asked<Computed>(visited.page, `computed("wasm")`);
  assertRight(got);
  assertMatch(got.description, /^WebAssembly SIMD, 1 thread(,|$)/);
  assertEquals(visited.page.workers().length, 0);
});

test("in a worker of the page: as many threads, and the page stays free", async (visit) => {
  await using visited = await visit({ folder, isolated: true });
  const { page } = visited;
  const got = await page.evaluate(`new Promise((done) => {
    const worker = globalThis.worker = new Worker("probe.js", { type: "module" });
    worker.onmessage = ({ data }) => done(data);
    worker.postMessage("go");
  })`) as Computed;
  assertRight(got);
  assertMatch(got.description, new RegExp(`^WebAssembly SIMD, ${several}(,|$)`));
  // Its own workers end by themselves; only then it is ended.
  await idle(page, 1);
  await page.evaluate("worker.terminate()");
  await idle(page);
});

test("disposed targets leave no workers, nor do those whose workers were ended", async (visit) => {
  await using visited = await visit({ folder, isolated: true });
  const { page } = visited;
  for (let i = 0; i < 3; i++) assertRight(await asked<Computed>(page, `computed("wasm")`));
  await idle(page);
  if (threads === 1) return;
  const { message, ms } = await asked<{ message: string; ms: number }>(page, `killed(500)`);
  assertMatch(message, /^Cannot run: a thread of the WebAssembly target ended/);
  assertLess(ms, 5000);
  await idle(page);
});
