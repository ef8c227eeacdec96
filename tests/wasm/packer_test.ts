/**
 * Packing into a memory, by kernels and without: where each element of a packing is known from its
 * definition alone.
 * @module
 */
import fc from "fast-check";
import {
  elementsOf,
  pack,
  packedSize,
  type Packing,
  type Panels,
  panelWidths,
  type Stride,
} from "../../kernels/wasm/packing.ts";
import type { HostArray } from "../../lib/core/host.ts";
import { newHeap } from "../../lib/wasm/heap.ts";
import { packerOf } from "../../lib/wasm/packer.ts";
import { assert, assertEquals } from "../std.ts";

/** A packing element by element, as the comments on it say. */
function meant(source: ArrayLike<number>, packing: Packing): number[] {
  if (packing.kind === "several") return packing.parts.flatMap((part) => meant(source, part));
  const { base, matrices, rows, columns, widths } = packing;
  const out: number[] = [];
  const each = (axes: readonly Stride[], from: number, body: (at: number) => void): void => {
    const [axis, ...rest] = axes;
    if (!axis) return body(from);
    for (let i = 0; i < axis.extent; i++) each(rest, from + i * axis.stride, body);
  };
  each(matrices, base, (matrix) => {
    let first = 0;
    for (const width of widths) {
      each(rows, matrix, (row) => {
        for (let c = first; c < first + width; c++) {
          out.push(c < columns.extent ? source[row + c * columns.stride] : 0);
        }
      });
      first += width;
    }
  });
  return out;
}

/** What a memory holds after packing; nothing stays taken beside it. */
function packed(source: HostArray, packing: Packing, wide: boolean): ArrayLike<number> {
  const heap = newHeap(false, wide, 4096);
  const pack = packerOf(heap, { madd: true, wide, shared: false });
  const block = heap.take(4 * packedSize(packing), "a test");
  const { now } = heap.used();
  pack(source, packing, block);
  assertEquals(heap.used().now, now);
  const make = elementsOf(packing) === "f32" ? Float32Array : Int32Array;
  return new make(heap.memory.buffer as ArrayBuffer, block.address, packedSize(packing)).slice();
}

function agrees(source: HostArray, packing: Packing): void {
  const expected = meant(source, packing);
  for (const wide of [false, true]) {
    const found = packed(source, packing, wide);
    assertEquals(found.length, expected.length);
    for (let i = 0; i < found.length; i++) {
      assert(Object.is(found[i], expected[i]), `element ${i}: ${found[i]} for ${expected[i]}`);
    }
  }
  const plain = elementsOf(packing) === "f32"
    ? new Float32Array(expected.length)
    : new Int32Array(expected.length);
  pack(source, packing, plain);
  assertEquals([...plain], expected);
}

function floats(count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => Math.fround(i * 0.37 - 5));
}

const common = { kind: "panels", elements: "f32", base: 0, matrices: [] } as const;

/** Weights of a convolution, channels first: [o, c, kh, kw], and rows by tap, then channel. */
function taps(o: number, c: number, kernel: number): Panels {
  return {
    ...common,
    rows: [
      { extent: kernel, stride: kernel },
      { extent: kernel, stride: 1 },
      { extent: c, stride: kernel * kernel },
    ],
    columns: { extent: o, stride: c * kernel * kernel },
    widths: panelWidths(o),
  };
}

/** The right operand of a product as it lies: [k, n]. */
function product(k: number, n: number, batch = 1): Panels {
  return {
    ...common,
    matrices: [{ extent: batch, stride: k * n }],
    rows: [{ extent: k, stride: n }],
    columns: { extent: n, stride: 1 },
    widths: panelWidths(n),
  };
}

Deno.test("constants are packed as the packing says: weights of convolutions", () => {
  for (const [o, c, kernel] of [[48, 20, 3], [64, 65, 3], [30, 50, 3], [128, 33, 1], [24, 3, 7]]) {
    agrees(floats(o * c * kernel * kernel), taps(o, c, kernel));
  }
});

Deno.test("constants are packed as the packing says: right operands of products", () => {
  for (
    const [k, n, batch] of [[100, 96, 1], [67, 100, 3], [300, 20, 1], [1, 5000, 1], [3, 2000, 2]]
  ) {
    agrees(floats(k * n * batch), product(k, n, batch));
  }
});

Deno.test("constants are packed as the packing says: parts, other numbers, and what is too long", () => {
  const [first, second] = [product(64, 80), { ...taps(40, 30, 3), base: 17 }];
  agrees(floats(11_000), { kind: "several", parts: [first, second] });
  agrees(Int32Array.from(floats(64 * 80)), { ...first, elements: "i32" });
  agrees(Int16Array.from(floats(64 * 80)), { ...first, elements: "i32" });
  agrees(Float32Array.from({ length: 64 * 80 }, (_, i) => [NaN, -0, Infinity, i][i % 4]), first);
  // A copy of a panel's columns would take more than the packer allows itself.
  agrees(floats(24 * 12_000), taps(24, 12_000, 1));
});

Deno.test("constants are packed as the packing says: any strides", () => {
  const axis = fc.record({
    extent: fc.integer({ min: 1, max: 12 }),
    stride: fc.integer({ min: -3, max: 40 }),
  });
  fc.assert(
    fc.property(
      fc.array(axis, { maxLength: 2 }),
      fc.array(axis, { minLength: 1, maxLength: 3 }),
      fc.record({
        extent: fc.integer({ min: 1, max: 60 }),
        stride: fc.integer({ min: 1, max: 30 }),
      }),
      (matrices, rows, columns) => {
        agrees(floats(9000), {
          ...{ ...common, base: 400, matrices, rows, columns },
          widths: panelWidths(columns.extent),
        });
      },
    ),
    { numRuns: 60, seed: 5 },
  );
});
