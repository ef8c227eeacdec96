/**
 * Damaged and hostile files: every one gives a model or a `FormatError`, soon, and in little
 * memory.
 * @module
 */
import { FormatError } from "../../lib/core/fault.ts";
import { layOut } from "../../lib/mge/layout.ts";
import { assert, assertEquals, assertLess, assertRejects } from "../std.ts";
import { f32Tensor, holding, joined, modelFiles, readBytes, valueOf } from "./model_files.ts";

const perFile = 600;

Deno.test("readModel() survives thousands of damaged files", async () => {
  const files = [
    ...await modelFiles("mge-golden"),
    ...(await modelFiles("mge-python/testcases")).slice(0, 3),
    ...(await modelFiles("mge-python/dtypes")).slice(0, 2),
  ];
  const next = numbers(20241124);
  const tally = { read: 0, refused: 0 };
  let slowest = 0;
  const start = Deno.memoryUsage();
  let peak = 0;
  for (const { name, bytes } of files) {
    for (let i = 0; i < perFile; i++) {
      const damaged = damage(bytes, next);
      const began = performance.now();
      try {
        const file = await readBytes(damaged);
        for (const opr of file.models[0].oprs) {
          for (const { value } of opr.tensors) {
            if (value !== undefined) assertEquals((await joined(value.open())).length, value.bytes);
          }
        }
        tally.read++;
      } catch (error) {
        if (!(error instanceof FormatError)) throw new Error(`${name}, try ${i}`, { cause: error });
        tally.refused++;
      }
      slowest = Math.max(slowest, performance.now() - began);
    }
    peak = Math.max(peak, Deno.memoryUsage().rss);
  }
  // Most changes hit a number that matters, many only a value.
  assert(tally.refused > 2000 && tally.read > 500, JSON.stringify(tally));
  assertLess(slowest, 1000);
  assertLess(peak - start.rss, 256 << 20);
});

Deno.test("readModel() refuses every truncation", async () => {
  for (const { name, bytes } of await modelFiles("mge-golden")) {
    for (let length = 0; length < bytes.length; length += 7) {
      await assertRejects(() => readBytes(bytes.slice(0, length)), FormatError, undefined, name);
    }
  }
});

Deno.test("readModel() stops at tables that all refer to one long string", async () => {
  const count = 20000;
  const tensors = Array.from({ length: count }, () => f32Tensor([1], valueOf(new Uint8Array(4))));
  const model = holding("V2", tensors);
  const oprs = model.oprs.map((opr, i) => ({ ...opr, name: i === 0 ? "x".repeat(400000) : "y" }));
  const bytes = await joined(layOut({ ...model, oprs }).emit());
  const view = new DataView(bytes.buffer);
  const field = (table: number, slot: number) => {
    const vtable = table - view.getInt32(table, true);
    return table + view.getUint16(vtable + 4 + 2 * slot, true);
  };
  const target = (at: number) => at + view.getUint32(at, true);
  const vector = target(field(target(4), 2));
  const nameOf = (i: number) => field(target(vector + 4 + 4 * i), 2);
  const long = target(nameOf(0));
  for (let i = 1; i < count; i++) view.setUint32(nameOf(i), long - nameOf(i), true);
  const start = Deno.memoryUsage().rss;
  await assertRejects(() => readBytes(bytes), FormatError, "so often");
  assertLess(Deno.memoryUsage().rss - start, 300 << 20);
});

Deno.test("readModel() refuses counts and sizes that the file cannot hold", async () => {
  const [{ bytes }] = (await modelFiles("mge-golden")).filter((f) => f.name.includes("mlp.v2.mge"));
  const tag = new TextEncoder().encode("mgbtest0");
  const cases = Uint8Array.of(...tag, 0xff, 0xff, 0xff, 0xff, ...bytes);
  await assertRejects(() => readBytes(cases), FormatError, "4294967295 test cases");
  const v1 = new Uint8Array(100);
  v1.set(new TextEncoder().encode("MGBC"));
  v1.fill(0xff, 16, 24);
  await assertRejects(() => readBytes(v1), FormatError, "18446744073709551615 bytes");
  const v2 = bytes.slice();
  v2.fill(0xff, 0, 4);
  await assertRejects(() => readBytes(v2), FormatError, "4294967295 bytes");
});

/** One of several kinds of damage. */
function damage(bytes: Uint8Array, next: () => number): Uint8Array {
  const out = bytes.slice();
  const view = new DataView(out.buffer);
  const at = next() % (out.length - 8);
  const interesting = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, out.length, 0xfffffffc, next()];
  switch (next() % 6) {
    case 0:
      out[at] ^= 1 << (next() % 8);
      return out;
    case 1:
      return out.slice(0, next() % out.length);
    case 2:
      view.setUint32(at, next(), true);
      return out;
    case 3:
      // Offsets, lengths and counts stand at multiples of four.
      view.setUint32(at & ~3, interesting[next() % interesting.length], true);
      return out;
    case 4:
      out.copyWithin(at, next() % out.length, (next() % out.length) + 16);
      return out;
    default:
      for (let i = 0; i < 8; i++) out[next() % out.length] = next();
      return out;
  }
}

/** Random 32-bit numbers from a seed (xorshift). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
