/**
 * Reads: values, several at once, sizes across the staging buffers, and the time of the fast path.
 * @module
 */
import type { Host } from "../../lib/core/host.ts";
import { isFastDeno } from "../../lib/gpu/readback.ts";
import { openDevice } from "../../lib/gpu/device.ts";
import { assert, assertEquals } from "../std.ts";
import { deviceTests } from "./adapter.ts";
import { vector } from "./plans.ts";

const test = await deviceTests();

function bytes(n: number): Host {
  const data = new Uint8Array(n);
  for (let i = 0; i < n; i++) data[i] = i * 31 + (i >> 8);
  return { dtype: "u8", shape: [n], data };
}

function same(a: Host, b: Host): boolean {
  return a.data.length === b.data.length && a.data.every((v, i) => v === b.data[i]);
}

Deno.test("isFastDeno() names the versions in which the fast path was looked at", () => {
  assert(isFastDeno("2.9.6"));
  for (const version of [undefined, "2.10.0", "2.8.9", "3.0.0", "2.9", "2.9.6-rc"]) {
    assert(!isFastDeno(version), String(version));
  }
});

test("read() gives what was uploaded at every size near a word and a staging buffer", async (gpu) => {
  const edge = 64 * 1024;
  const sizes = [0, 1, 2, 3, 4, 5, 255, 256, 257, edge - 1, edge, edge + 1, 300_001];
  const hosts = sizes.map(bytes);
  const values = hosts.map((host) => gpu.residents.upload(host));
  for (const [i, value] of values.entries()) {
    const got = await value.read();
    assert(same(got, hosts[i]), `${sizes[i]} bytes`);
    // Each result is memory of its own, not a view into a shared one.
    assert(got.data.byteLength <= sizes[i] && got.data.buffer.byteLength < sizes[i] + 4);
  }
  const all = await gpu.residents.read(values);
  all.forEach((host, i) => assert(same(host, hosts[i])));
  values.forEach((v) => v.dispose());
});

test("reads in flight at once do not mix", async (gpu) => {
  const values = Array.from({ length: 20 }, (_, i) => gpu.residents.upload(vector(i, i + 1)));
  const big = gpu.residents.upload(bytes(100_000));
  const reads = [...values, big, big].map((v) => v.read());
  const got = await Promise.all(reads);
  values.forEach((_, i) => assertEquals([...got[i].data], [i, i + 1]));
  assert(same(got[20], bytes(100_000)) && same(got[21], bytes(100_000)));
  [...values, big].forEach((v) => v.dispose());
});

test("values beyond the largest staging buffer come in parts", async (gpu) => {
  const n = 70 * 2 ** 20 + 4;
  const data = new Uint32Array(n / 4).map((_, i) => i * 2654435761);
  const host: Host = { dtype: "u8", shape: [n], data: new Uint8Array(data.buffer) };
  const [big, small] = [gpu.residents.upload(host), gpu.residents.upload(vector(7))];
  const [a, b] = await gpu.residents.read([big, small]);
  const got = new Uint32Array(a.data.buffer, a.data.byteOffset, n / 4);
  assert(got.every((v, i) => v === data[i]));
  assertEquals(b.data[0], 7);
  [big, small].forEach((v) => v.dispose());
});

test("4 bytes are read in under 2 ms where the fast path is known to be safe", async (gpu) => {
  assertEquals(gpu.readback.fast, isFastDeno(Deno.version.deno));
  const value = gpu.residents.upload(vector(3));
  await value.read();
  const times: number[] = [];
  for (let i = 0; i < 50; i++) {
    const start = performance.now();
    assertEquals((await value.read()).data[0], 3);
    times.push(performance.now() - start);
  }
  const median = times.sort((a, b) => a - b)[25];
  if (gpu.readback.fast) assert(median < 2, `${median} ms`);
  value.dispose();
});

test("the fast path sees each of 200 values written just before", async (gpu) => {
  const value = gpu.residents.upload(vector(0));
  const { block } = gpu.residents.held(value, "write");
  for (let i = 1; i <= 200; i++) {
    gpu.buffers.write(block, 0, new Uint8Array(new Float32Array([i]).buffer));
    assertEquals((await value.read()).data[0], i);
  }
  value.dispose();
});

test("settled() resolves once no map is pending", async (gpu) => {
  const value = gpu.residents.upload(vector(1));
  for (let i = 0; i < 5; i++) await value.read();
  await gpu.readback.settled();
  value.dispose();
});

test("the portable path reads the same values", async () => {
  const slow = await openDevice({ fastRead: false });
  assertEquals(slow.readback.fast, false);
  const values = [bytes(5), bytes(70_000)].map((host) => slow.residents.upload(host));
  for (let i = 0; i < 2; i++) {
    const [a, b] = await slow.residents.read(values);
    assert(same(a, bytes(5)) && same(b, bytes(70_000)));
  }
  slow.dispose();
});
