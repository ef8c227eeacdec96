/**
 * XXH64 against published values and against digests that MegEngine wrote.
 * @module
 */
import { hasher64, hex64, xxh64 } from "../../lib/core/hash.ts";
import { assert, assertEquals } from "../std.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

Deno.test("xxh64() gives the published values", () => {
  assertEquals(hex64(xxh64(bytesOf(""))), "ef46db3751d8e999");
  assertEquals(hex64(xxh64(bytesOf("a"))), "d24ec4f1a98c6e5b");
  assertEquals(hex64(xxh64(bytesOf("abc"))), "44bc2cf5ad770999");
  const names: [string, string][] = [
    ["Elemwise\0", "ebb39bdd9278b6da"],
    ["Elemwise", "d6c488c11172ec08"],
    ["ConvolutionV2\0", "0589235f97273d9f"],
    ["Convolution", "0df58829a4c725cd"],
    ["Convolution\0", "bc193eef48c27b7e"],
    ["RegionRestrictedConvolutionBackwardFilter\0", "08fc04512d959ec7"],
  ];
  for (const [name, hash] of names) assertEquals(hex64(xxh64(bytesOf(name), 20160701n)), hash);
});

Deno.test("hasher64() gives the same hash however the bytes are cut", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 131) ^ (i >> 3));
  for (const length of [0, 3, 4, 7, 8, 31, 32, 33, 63, 64, 100, 1000]) {
    const whole = xxh64(bytes.subarray(0, length), 5n);
    for (const step of [1, 5, 31, 32, 33, 77]) {
      const hasher = hasher64(5n);
      for (let at = 0; at < length; at += step) {
        hasher.update(bytes.subarray(at, Math.min(length, at + step)));
      }
      assertEquals(hasher.digest(), whole, `${length} bytes in steps of ${step}`);
    }
  }
});

Deno.test("xxh64() gives the content hash that MegEngine stored", async () => {
  const file = await Deno.readFile(new URL("../data/mge-golden/cnn.v1.mge", import.meta.url));
  const view = new DataView(file.buffer);
  const tables = 24 + Number(view.getBigUint64(16, true));
  const root = tables + 4 + view.getUint32(tables + 4, true);
  const vtable = root - view.getInt32(root, true);
  const field = (slot: number) => root + view.getUint16(vtable + 4 + 2 * slot, true);
  const outputs = field(4) + view.getUint32(field(4), true);
  const stored = view.getBigUint64(field(1), true);
  assert(file.length - outputs > 1000, "the hash covers many stripes");
  assertEquals(hex64(xxh64(file.subarray(outputs), 0x4b4e74b36b5d11n)), hex64(stored));
});
