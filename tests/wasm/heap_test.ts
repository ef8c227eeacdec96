/**
 * The memory of the WebAssembly target: what is taken never overlaps, what is given back is found
 * again, and what does not fit is said with both numbers.
 * @module
 */
import fc from "fast-check";
import { heapStart } from "../../kernels/wasm/control.ts";
import { DeviceError } from "../../lib/core/fault.ts";
import { type Block, newHeap } from "../../lib/wasm/heap.ts";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "../std.ts";

const page = 65536;
const size = ({ memory }: { readonly memory: WebAssembly.Memory }) => memory.buffer.byteLength;

Deno.test("take() gives blocks that are aligned, apart and behind the control words", () => {
  const heap = newHeap(false, false, 64);
  const blocks = [0, 1, 63, 64, 65, 1000, 100_000].map((bytes) => heap.take(bytes, "a test"));
  let end = heapStart;
  for (const { address, bytes } of blocks) {
    assertEquals(address % 64, 0);
    assert(address >= end, `${address} is before ${end}`);
    end = address + bytes;
  }
  assert(end <= size(heap));
});

Deno.test("give() joins neighbours in any order, and a second time does nothing", () => {
  const heap = newHeap(false, false, 64);
  const orders = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]];
  for (const order of orders) {
    const blocks = [100, 200, 300, 400].map((bytes) => heap.take(bytes, "a test"));
    const first = blocks[0].address;
    for (const i of order) heap.give(blocks[i]);
    for (const i of order) heap.give(blocks[i]);
    assertEquals(heap.used().now, 0);
    // What all of them took is one gap again.
    const whole = heap.take(1000, "a test");
    assertEquals(whole.address, first);
    heap.give(whole);
  }
});

Deno.test("take() finds the first gap that is wide enough, before the memory grows", () => {
  const heap = newHeap(false, false, 64);
  const blocks = Array.from({ length: 6 }, () => heap.take(640, "a test"));
  heap.give(blocks[1]);
  heap.give(blocks[3]);
  heap.give(blocks[4]);
  const before = size(heap);
  assertEquals(heap.take(1280, "a test").address, blocks[3].address);
  assertEquals(heap.take(640, "a test").address, blocks[1].address);
  assertEquals(size(heap), before);
});

Deno.test("take() grows the memory, keeps what is in it and leaves room to read past the end", () => {
  for (const shared of [false, true]) {
    const heap = newHeap(shared, false, 1024);
    const first = heap.take(1000, "a test");
    heap.bytes(first.address, 1000).fill(7);
    const large = heap.take(10 * page, "a test");
    assert(heap.bytes(first.address, 1000).every((byte) => byte === 7));
    // Vectors that begin inside may end outside.
    assert(large.address + large.bytes + 256 <= size(heap));
    heap.bytes(large.address, large.bytes).fill(1);
    heap.give(first);
    heap.give(large);
    assertEquals(heap.used().now, 0);
    assert(heap.used().peak >= 10 * page);
  }
});

Deno.test("take() says how much was wanted, what for and what there is", () => {
  const heap = newHeap(false, false, 8);
  const kept = heap.take(2 * page, "a weight");
  const error = assertThrows(
    () => heap.take(100 * page, "the constant f32[5,5]"),
    DeviceError,
    `Cannot take ${100 * page} bytes for the constant f32[5,5]: the memory has`,
  );
  assertEquals((error as DeviceError).code, "device.memory");
  assertStringIncludes(error.message, "try a smaller batch, or dispose what is not needed");
  // It is as it was: what fits still does.
  assertEquals(heap.used().now, 2 * page);
  heap.give(heap.take(2 * page, "a weight"));
  heap.give(kept);
});

Deno.test("hasRoom() promises no more than take() gives", () => {
  const heap = newHeap(false, false, 8);
  heap.take(page, "a test");
  for (const bytes of [1, page, 4 * page, 5 * page, 6 * page, 7 * page, 100 * page]) {
    if (!heap.hasRoom(bytes)) continue;
    heap.give(heap.take(bytes, "a test"));
  }
  assert(heap.hasRoom(page) && !heap.hasRoom(8 * page));
});

Deno.test("memories of 64 bits hold the same blocks", () => {
  const heap = newHeap(false, true, 64);
  assertEquals([heap.wide, heap.take(5 * page, "a test").address % 64], [true, 0]);
});

Deno.test("random takes and gives: nothing overlaps, and in the end all is one gap", () => {
  const moves = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 5000 }), fc.nat()), {
    maxLength: 120,
  });
  fc.assert(
    fc.property(moves, (list) => {
      const heap = newHeap(false, false, 256);
      const live: Block[] = [];
      let bytes = 0;
      for (const [take, want, pick] of list) {
        if (take || live.length === 0) {
          const block = heap.take(want, "a test");
          const own = heap.bytes(block.address, want);
          assert(!block.isNew || own.every((byte) => byte === 0), "new memory is not zero");
          own.fill(1);
          const end = block.address + Math.max(64, Math.ceil(want / 64) * 64);
          for (const other of live) {
            const apart = end <= other.address || other.address + other.bytes <= block.address;
            assert(apart, `${block.address} and ${other.address} overlap`);
          }
          live.push(block);
          bytes += end - block.address;
        } else {
          const [block] = live.splice(pick % live.length, 1);
          bytes -= Math.max(64, Math.ceil(block.bytes / 64) * 64);
          heap.give(block);
        }
        assertEquals(heap.used().now, bytes);
      }
      live.forEach(heap.give);
      assertEquals(heap.used().now, 0);
      assertEquals(heap.take(page - 1000, "a test").address, heapStart);
    }),
    { numRuns: 100 },
  );
});
