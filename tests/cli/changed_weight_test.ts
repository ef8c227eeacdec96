/**
 * `run` judges the cases that a dump holds: what was dumped passes, and a weight that is one per
 * cent off is found, with the output, the place and the amount.
 * @module
 */
import { assertEquals, assertMatch } from "../std.ts";
import { targetTests } from "../targets.ts";
import { root, temporaryFolder, weft } from "./commands.ts";

const module = `${root}tests/cli/model.ts`;

/** Makes the f32 numbers of a file that are `before` into `after`, of the same count. */
async function changed(path: string, before: number[], after: number[]): Promise<void> {
  const bytes = await Deno.readFile(path);
  const want = new Uint8Array(Float32Array.from(before).buffer);
  const places = Array.from(bytes.keys()).filter((at) =>
    want.every((byte, i) => bytes[at + i] === byte)
  );
  assertEquals(places.length, 1);
  bytes.set(new Uint8Array(Float32Array.from(after).buffer), places[0]);
  await Deno.writeFile(path, bytes);
}

const test = await targetTests("reference", "wasm", "webgpu");
test("run of a dump with cases exits 0; with one weight 1 % off it exits 1 and says where", async ({ name }) => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/a.mge`;
  for (const format of ["FBS", "FBS_V2"]) {
    const specs = ["--input-data", "#rand(1,2)", "--input-data", "#rand(1,2,3,2)"];
    assertEquals((await weft("dump", module, "-o", file, ...specs, "--format", format)).status, 0);
    const run = (...flags: string[]) => weft("run", file, "--device", name, ...flags);
    const good = await run();
    assertEquals(good.status, 0, good.out);
    assertMatch(good.out, /case 0: passed\ncase 1: passed\n/);
    await changed(file, [1, -1, 0.5, 2], [1, -1, 0.5, 2.02]);
    const bad = await run();
    assertEquals(bad.status, 1, bad.err);
    const number = String.raw`-?\d+\.\d+`;
    assertMatch(
      bad.out,
      new RegExp(
        `case 0: FAILED, output y: 1 of 2 values differ, first \\[0,1\\] is ${number}, ` +
          `wanted ${number}, off by 0\\.0\\d+\ncase 1: FAILED, output y: 3 of 6 values differ, ` +
          `first \\[0,1\\] is ${number}, wanted ${number}, off by 0\\.0\\d+`,
      ),
    );
    const { cases } = JSON.parse((await run("--json")).out);
    const { output, index, got, want } = cases[0].worst;
    assertEquals([cases[0].passed, output, index], [false, "y", [0, 1]]);
    // The second number of the draw times 0.02.
    assertEquals(Math.abs(got - want - 0.02 * 1.71518937) < 1e-5, true);
    // A check that is told to allow as much passes.
    assertEquals((await run("--rtol", "0.1")).status, 0);
  }
});
