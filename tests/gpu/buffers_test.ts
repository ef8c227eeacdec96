/**
 * The pool and the guarded transfers.
 * @module
 */
import { DeviceError } from "../../lib/core/fault.ts";
import { sizeClass, storage } from "../../lib/gpu/buffers.ts";
import { openDevice } from "../../lib/gpu/device.ts";
import { assert, assertEquals, assertThrows } from "../std.ts";
import { deviceTests } from "./adapter.ts";

const test = await deviceTests();

Deno.test("sizeClass() holds what is asked, wastes at most a quarter, and is its own class", () => {
  for (let bytes = 0; bytes < 2 ** 31; bytes = Math.ceil(bytes * 1.037) + 1) {
    const size = sizeClass(bytes);
    assert(size >= bytes && size % 16 === 0, `${bytes}: ${size}`);
    assert(bytes < 2048 || size <= bytes * 1.25, `${bytes}: ${size}`);
    assertEquals(sizeClass(size), size);
  }
});

test("take() deals free buffers out again, lowest number first", (gpu) => {
  const { buffers } = gpu;
  const all = [buffers.take(1000, "a"), buffers.take(1000, "b"), buffers.take(1000, "c")];
  const { created } = buffers.counts();
  for (const i of [2, 0, 1]) buffers.give(all[i]);
  const again = [buffers.take(900, "a"), buffers.take(1000, "b"), buffers.take(1000, "c")];
  assertEquals(again.map((b) => b.id), all.map((b) => b.id));
  assertEquals(buffers.counts().created, created);
  again.forEach(buffers.give);
});

test("counts() follow use, and the pool holds no more than was once in use", async () => {
  const gpu = await openDevice();
  const { buffers } = gpu;
  const start = buffers.counts();
  // 80 MiB of one size, then as much of another: the first must make room.
  const size = 8 * 2 ** 20;
  const first = Array.from({ length: 10 }, () => buffers.take(size, "first"));
  assertEquals(buffers.counts().used - start.used, 10 * size);
  first.forEach(buffers.give);
  assertEquals(buffers.counts().free - start.free, 10 * size);
  const second = Array.from({ length: 5 }, () => buffers.take(2 * size, "second"));
  second.forEach(buffers.give);
  const { used, free, peak } = buffers.counts();
  assert(used + free <= peak, `${used} + ${free} > ${peak}`);
  await gpu.readback.settled();
  gpu.dispose();
  assertEquals(buffers.counts().alive, 0);
});

test("write() lets no empty array reach the driver and checks bounds", (gpu) => {
  const block = gpu.buffers.take(64, "a test");
  gpu.buffers.write(block, 0, new Uint8Array(0));
  assertThrows(() => gpu.buffers.write(block, 252, new Uint8Array(8)), DeviceError, "internal:");
  assertThrows(() => gpu.buffers.write(block, 2, new Uint8Array(4)), DeviceError, "internal:");
  const detached = new Uint8Array(8);
  detached.buffer.transfer();
  gpu.buffers.write(block, 0, detached);
  gpu.buffers.give(block);
});

test("create() refuses sizes beyond the device with both numbers", (gpu) => {
  const most = gpu.device.limits.maxBufferSize;
  const tried = () => gpu.buffers.create(most + 1, storage, "a weight");
  assertThrows(tried, DeviceError, `this device allows ${most}`);
  assertThrows(() => gpu.buffers.create(NaN, storage, "x"), DeviceError, "internal:");
  assertThrows(() => gpu.buffers.create(-4, storage, "x"), DeviceError, "internal:");
});
