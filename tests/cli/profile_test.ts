/**
 * `profile`: where the time and the memory of files and modules go, as text, JSON, page and trace.
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../std.ts";
import { dataFile, root, temporaryFolder, weft } from "./commands.ts";

const module = `${root}tests/cli/model.ts`;
const file = dataFile("mge-golden/cnn.v2.mge");
const cases = dataFile("mge-python/testcases/multi_named.mge");
const given = ["--input", "#rand(0,1)"];
const adapter = await navigator.gpu?.requestAdapter();

for (const device of ["reference", "wasm", "webgpu"]) {
  Deno.test({
    name: `profile reports kernels, times and memory of files and modules on ${device}`,
    ignore: device === "webgpu" && !adapter,
    sanitizeOps: false,
    async fn() {
      for (const model of [module, file]) {
        const { status, out, err } = await weft("profile", model, ...given, "--device", device);
        assertEquals(status, 0, err);
        const lines = out.trimEnd().split("\n");
        assertMatch(
          lines[0],
          /^run {6}[\d.]+ [µm]s \(median of 10\), \d+ kernels? [\d.]+ [µm]s, readback/,
        );
        assertMatch(
          lines[1],
          /^once {5}plan [\d.]+ [nµm]s, compile [\d.]+ [nµm]s, upload [\d.]+ [nµm]s$/,
        );
        assertStringIncludes(lines[2], "memory   peak ");
        const head = lines.findIndex((line) => /^ +time +share +GB\/s +of peak/.test(line));
        assertEquals(lines[head - 1], "kernels by time");
        const end = lines.findIndex((line) =>
          /^machine {2}[\d.]+ GB\/s and [\d.]+ GF\/s/.test(line)
        );
        const rows = lines.slice(head + 1, end);
        assert(rows.length >= 1, out);
        const shares = rows.map((line) => Number(/([\d.]+) %/.exec(line)![1]));
        assert(Math.abs(shares.reduce((a, b) => a + b, 0) - 100) < 0.1 * rows.length + 0.1, out);
        assertEquals(shares.toSorted((a, b) => b - a), shares, "by time");
        assertEquals(
          out.includes("cli/model.ts:"),
          model === module,
          "a module's kernels have places, a file's have none",
        );
        assertMatch(
          lines[end + 1],
          /^clock {4}Kernels are timed by the (host's clock|device's own)/,
        );
      }
    },
  });

  Deno.test({
    name: `profile --json has everything of every kernel and run on ${device}`,
    ignore: device === "webgpu" && !adapter,
    sanitizeOps: false,
    async fn() {
      const args = ["--iter", "4", "--warmup", "2", "--batch", "3", "--device", device, "--json"];
      const { status, out, err } = await weft("profile", module, ...given, ...args);
      assertEquals(status, 0, err);
      const found = JSON.parse(out);
      assertEquals(found.device.name, device);
      assert(["device", "host"].includes(found.clock));
      assert(found.peak.gbps > 0 && found.peak.gflops > 0);
      assertEquals(found.plans.length, 1);
      const [plan] = found.plans;
      assertEquals(Object.keys(plan.ms), ["plan", "compile", "upload"]);
      assertEquals(plan.calls.length, 4, "warm-ups are left out");
      assertEquals(plan.calls[0].start, 0);
      for (const { operation, place, ins, outs, bytes, flops, ns, ...more } of plan.kernels) {
        assert(operation.length > 0 && ins.length + outs.length > 1 && bytes > 0 && flops >= 0);
        assert(place === null || /model\.ts:\d+:\d+$/.test(place), place);
        assertEquals(ns.length, 4);
        assertEquals("dispatch" in more && "variant" in more && "kind" in more, true);
        for (const share of Object.values(more.share)) assert(Number(share) >= 0);
        if (more.medianNs) {
          assert(Math.abs(more.rate.gbps - bytes / more.medianNs) < 1e-9);
          assert(Math.abs(more.share.arithmetic - more.rate.gflops / found.peak.gflops) < 1e-9);
        }
      }
      assertStringIncludes(plan.kernels[0].outs[0], "[3,2]");
      for (const call of plan.calls) {
        assert(call.ms > 0 && call.readback >= 0 && call.kernels.length);
      }
      const { timeline, peakBytes, constantBytes, argumentBytes } = plan.memory;
      assertEquals(timeline.length, plan.kernels.length);
      assert(peakBytes >= constantBytes + argumentBytes);
    },
  });
}

Deno.test("profile writes a page and a trace, each whole", async () => {
  await using folder = await temporaryFolder();
  const [html, trace] = [`${folder.path}/page.html`, `${folder.path}/trace.json`];
  const args = ["--html", html, "--chrome-trace", trace, "--iter", "3", "--device", "wasm"];
  const done = await weft("profile", file, ...given, ...args);
  assertEquals(done.status, 0, done.err);
  assertStringIncludes(done.out, `html: ${html}\nchromeTrace: ${trace}\n`);
  const page = await Deno.readTextFile(html);
  assertStringIncludes(page, "<title>cnn.v2.mge</title>");
  assertStringIncludes(page, "3 after 1 to warm up");
  const { traceEvents } = JSON.parse(await Deno.readTextFile(trace));
  const calls = traceEvents.filter(({ name }: { name: string }) => /^call \d+$/.test(name));
  assertEquals(calls.length, 3);
  const json = await weft("profile", file, ...given, ...args, "--json");
  const document = JSON.parse(json.out);
  assertEquals([document.html, document.chromeTrace], [html, trace]);
  assertEquals([...Deno.readDirSync(folder.path)].length, 2);
});

Deno.test("profile runs the embedded cases of a file, and fails with them", async () => {
  const { status, out, err } = await weft(
    "profile",
    cases,
    "--iter",
    "3",
    "--device",
    "wasm",
    "--json",
  );
  assertEquals(status, 0, err);
  const { plans } = JSON.parse(out);
  const count = plans.reduce((n: number, { calls }: { calls: unknown[] }) => n + calls.length, 0);
  assertEquals(count, 6, "two cases, three runs each");
  await using folder = await temporaryFolder();
  const wrong = `${folder.path}/wrong.mge`;
  const source = `${folder.path}/model.ts`;
  await Deno.writeTextFile(
    source,
    `import { dump, f32, mul, named } from "${root}mod.ts";
const file = dump((x) => mul(x, 2), [named("x", f32([2]))], { inputData: ["#rand(1,2)"] });
const bytes = new Uint8Array(await new Response(file).arrayBuffer());
// The doubled values are the only ones from 2 to 4: one is changed.
const view = new DataView(bytes.buffer);
for (let at = bytes.length - 4; at >= 0; at--) {
  const x = view.getFloat32(at, true);
  if (x > 2 && x < 4) { view.setFloat32(at, 9, true); break; }
}
await Deno.writeFile("${wrong}", bytes);
`,
  );
  await import(`file://${source}`);
  const failed = await weft("profile", wrong, "--device", "wasm");
  assertEquals(failed.status, 1, failed.err);
  assertStringIncludes(failed.err, "case 0: FAILED, output ");
  assertStringIncludes(failed.out, "kernels by time");
});

Deno.test("profile --fast-run keeps its choices, and says where there are none", async () => {
  await using folder = await temporaryFolder();
  const cache = `${folder.path}/kernels.json`;
  const fast = ["--fast-run", "--tune-cache", cache, "--iter", "1"];
  const measured = await weft("profile", file, ...given, ...fast, "--device", "wasm");
  assertEquals(measured.status, 0, measured.err);
  assert("kernels" in JSON.parse(await Deno.readTextFile(cache)));
  const none = await weft("profile", file, ...given, "--fast-run", "--device", "reference");
  assertStringIncludes(none.err, "note: reference has no kernels to choose from");
});

Deno.test("profile says what is wrong with what it is given", async () => {
  const wrong: readonly [string[], number, string][] = [
    [[], 2, "there is no value for its input x"],
    [[...given, "--iter", "0"], 2, "--iter: it takes a whole number from 1 on"],
    [[...given, "--warmup", "-1"], 2, "--warmup: it takes a whole number from 0 on"],
    [[...given, "--html", "-"], 2, "give it a file's name"],
    [[...given, "--html", module], 2, "it is the model"],
    [[...given, "--html", "a", "--chrome-trace", "a"], 2, "--html goes there; name another file"],
    [[...given, "--chrome-trace", "/nowhere/a.json"], 2, "its folder does not exist"],
    [["--input", "x=none.npy"], 3, "there is no such file"],
    [[...given, "--hmtl", "a"], 2, "did you mean --html?"],
  ];
  for (const [flags, code, text] of wrong) {
    const { status, out, err } = await weft("profile", module, "--device", "reference", ...flags);
    assertEquals([status, out], [code, ""], `${flags.join(" ")}: ${err}`);
    assertStringIncludes(err, text);
  }
  for (const flags of [["--batch", "2"], ["--rgb"], ["--resize-input"]]) {
    const { status, err } = await weft("profile", cases, ...flags, "--device", "reference");
    assertEquals(status, 2);
    assertStringIncludes(err, `Cannot take ${flags[0]} with embedded cases`);
  }
});
