/**
 * Types, broadcasting, trees, host values and the constants that `tensor` makes.
 * @module
 */
import fc from "fast-check";
import { DTypeError, FormatError, ShapeError, StageError } from "../../lib/core/fault.ts";
import { arrayOf, collect, host, type HostArray, hostFromBytes } from "../../lib/core/host.ts";
import { hostOf, type Nested, tensor } from "../../lib/core/leaf.ts";
import { isTensor } from "../../lib/core/tensor.ts";
import { leavesOf, mapTree, pathText, structureOf } from "../../lib/core/tree.ts";
import {
  broadcastShapes,
  bytesOf,
  denseStrides,
  dtypes,
  f16,
  f32,
  named,
  printType,
  sameType,
  sizeOf,
} from "../../lib/core/type.ts";
import { broadcastStrides } from "../../lib/cpu/loops.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../std.ts";

const extents = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });

Deno.test("types print, compare and count", () => {
  assertEquals(printType(f32([2, 3])), "f32[2,3]");
  assertEquals(printType(f16()), "f16[]");
  assertEquals([sizeOf([]), sizeOf([3, 0, 2]), bytesOf(f16([3]))], [1, 0, 6]);
  assert(sameType(f32([1]), { dtype: "f32", shape: [1] }) && !sameType(f32([1]), f32([])));
  assertEquals(named("x", f32([2])), { name: "x", dtype: "f32", shape: [2] });
  assertEquals(denseStrides([2, 3, 4]), [12, 4, 1]);
});

Deno.test("broadcastShapes() keeps NumPy's rule", () => {
  assertEquals(broadcastShapes([2, 1, 3], [4, 1]), [2, 4, 3]);
  assertEquals(broadcastShapes([0], [1]), [0]);
  assertEquals(broadcastShapes([], []), []);
  assertEquals(broadcastShapes([2], [3]), undefined);
  assertEquals(broadcastShapes([0], [2]), undefined);
  fc.assert(fc.property(extents, fc.array(fc.boolean(), { minLength: 4 }), (shape, ones) => {
    const other = shape.map((e, i) => ones[i] ? 1 : e).slice(ones.filter(Boolean).length % 2);
    assertEquals(broadcastShapes(shape, other), broadcastShapes(other, shape));
    assertEquals(broadcastShapes(shape, other), shape);
    const strides = broadcastStrides(other, shape.length);
    strides.forEach((st, d) => assert(st === 0 || shape[d] === other.at(d - shape.length)));
  }));
});

Deno.test("tensor() takes nested lists to any depth", () => {
  const nested = fc.tuple(extents.filter((e) => !e.includes(0)), fc.integer({ max: 99 }));
  fc.assert(fc.property(nested, ([shape, from]) => {
    let at = from;
    const build = (d: number): Nested =>
      d === shape.length ? at++ : Array.from({ length: shape[d] }, () => build(d + 1));
    const t = tensor(build(0));
    assertEquals(t.shape, shape);
    assertEquals(
      [...hostOf(t)!.data],
      Array.from({ length: sizeOf(shape) }, (_, i) => from + i)
        .map(Math.fround),
    );
  }));
  assertEquals(printType(tensor([])), "f32[0]");
  assertEquals(printType(tensor([[], []])), "f32[2,0]");
  assertEquals(printType(tensor([true, false])), "bool[2]");
  assertEquals([...hostOf(tensor([2, 0], undefined, "bool"))!.data], [1, 0]);
  assertEquals(printType(tensor(7, undefined, "i32")), "i32[]");
  assertEquals(printType(tensor([1, 2, 3, 4], [2, 2])), "f32[2,2]");
});

Deno.test("tensor() takes typed arrays with their dtype, or converts them once", () => {
  const arrays: [HostArray, string][] = [
    [new Float32Array(2), "f32"],
    [new Float16Array(2), "f16"],
    [new Int32Array(2), "i32"],
    [new Int16Array(2), "i16"],
    [new Int8Array(2), "i8"],
    [new Uint8Array(2), "u8"],
    [new Uint16Array(2), "u16"],
  ];
  for (const [array, dtype] of arrays) assertEquals(tensor(array).dtype as string, dtype);
  const half = tensor(new Float32Array([1, 2049, 1e9]), [3], "f16");
  assertEquals([...hostOf(half)!.data], [1, 2048, Infinity]);
  const bytes = tensor(new Int32Array([300, -1]), [2], "u8");
  assertEquals([...hostOf(bytes)!.data], [44, 255]);
  const double = tensor(new Float64Array([0.1]) as unknown as HostArray, [1], "f32");
  assertEquals(hostOf(double)!.data[0], Math.fround(0.1));
});

Deno.test("tensor() refuses ragged lists, wrong counts and arrays of no dtype, at the line", () => {
  const cases: [() => unknown, typeof ShapeError | typeof DTypeError, string][] = [
    [() => tensor([[1, 2], [3]]), ShapeError, "differ in length"],
    [() => tensor([[1], 2]), ShapeError, "differ in length"],
    [() => tensor([1, [2]]), ShapeError, "differ in length"],
    [() => tensor([1, 2, 3], [2, 2]), ShapeError, "Cannot take 3 elements as f32[2,2]: it has 4"],
    [() => tensor(new Float32Array(3), [2]), ShapeError, "Cannot take 3 elements"],
    [
      () => tensor(new Float64Array(1) as unknown as HostArray),
      DTypeError,
      "Float64Array: there is no such dtype",
    ],
    [() => tensor(new BigInt64Array(1) as unknown as HostArray), DTypeError, "BigInt64Array"],
  ];
  for (const [body, type, text] of cases) {
    const error = assertThrows(body, type as typeof ShapeError, text);
    assert(error.place?.includes("type_test.ts:"), error.message);
  }
});

Deno.test("a tensor is no number", () => {
  const t = tensor([1, 2]);
  for (const use of [() => Number(t), () => [...(t as unknown as number[])], () => `${+t}`]) {
    const error = assertThrows(use, StageError, "Cannot use f32[2] as a number");
    assert(error.message.includes("type_test.ts:"));
  }
  assert(`${t}`.startsWith("graph {"));
});

Deno.test("host values check their lengths and kinds, and read bytes in place", () => {
  for (const dtype of dtypes) {
    const data = arrayOf(dtype, 6);
    for (let i = 0; i < 6; i++) data[i] = i % 2;
    const bytes = new Uint8Array(data.buffer.slice(0));
    assertEquals([...hostFromBytes({ dtype, shape: [2, 3] }, bytes).data], [0, 1, 0, 1, 0, 1]);
    const odd = new Uint8Array(bytes.length + 1);
    odd.set(bytes, 1);
    const moved = hostFromBytes({ dtype, shape: [6] }, odd.subarray(1));
    assertEquals([...moved.data], [0, 1, 0, 1, 0, 1], "also where they are not aligned");
  }
  assertThrows(() => hostFromBytes(f32([2]), new Uint8Array(7)), FormatError, "7 bytes as f32[2]");
  assertThrows(() => host(f32([2]), new Float32Array(3)), ShapeError, "3 elements");
  assertThrows(() => host(f32([2]), new Int32Array(2)), DTypeError, "Int32Array");
});

Deno.test("collect() gathers chunks of any size and refuses a wrong count", async () => {
  const bytes = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
  const source = (parts: readonly Uint8Array[]) => ({
    ...f32([3]),
    async *open() {
      yield* parts;
    },
  });
  const cut = [bytes.subarray(0, 5), bytes.subarray(5, 5), bytes.subarray(5)];
  assertEquals([...(await collect(source(cut))).data], [1, 2, 3]);
  await assertRejects(() => collect(source(cut.slice(1))), FormatError, "gave 7 bytes, 12");
  await assertRejects(() => collect(source([bytes, bytes])), FormatError, "more bytes, 12");
});

Deno.test("trees keep their order, paths and what is no leaf", () => {
  const [a, b, c] = [tensor(1), tensor(2), tensor(3)];
  const tree = { x: a, list: [b, { deep: c, n: 4 }], text: "t", none: undefined };
  const leaves = leavesOf(tree, isTensor);
  assertEquals(leaves.map(({ path }) => pathText(path)), ["x", "list.0", "list.1.deep"]);
  assert(leaves.every(({ leaf }, i) => leaf === [a, b, c][i]));
  const changed = mapTree(tree, isTensor, (_, path) => path.length) as typeof tree;
  assertEquals(changed as unknown, {
    ...{ x: 1, list: [2, { deep: 3, n: 4 }], text: "t", none: undefined },
  });
  const texts = [tree, { ...tree, text: "u" }, [1, -0], [1, 0], [NaN], [null], [undefined], "1", 1]
    .map((v) => structureOf(v, isTensor));
  assertEquals(new Set(texts).size, texts.length);
  assertEquals(structureOf(tree, isTensor), structureOf({ ...tree, x: b }, isTensor));
});
