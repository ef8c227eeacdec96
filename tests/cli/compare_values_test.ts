/**
 * Comparing values and naming files: what `check` and `run --check` rest on.
 * @module
 */
import {
  compareValues,
  comparisonText,
  gapText,
  jsonNumber,
} from "../../lib/cli/compare_values.ts";
import { encodedName, fileNames, inFolder } from "../../lib/cli/path.ts";
import type { Host, HostArray } from "../../lib/core/host.ts";
import type { DType } from "../../lib/core/type.ts";
import { assertEquals } from "../std.ts";

function value(dtype: DType, shape: readonly number[], data: HostArray): Host {
  return { dtype, shape, data };
}

const f32 = (shape: readonly number[], ...data: number[]) =>
  value("f32", shape, new Float32Array(data));
const limits = { rtol: 0.5, atol: 0.25 };

Deno.test("compareValues() takes floats within atol + rtol·|want|, at the bound too", () => {
  const found = compareValues(f32([2], 1.5, 4), f32([2], 1, 5), { rtol: 0.25, atol: 0.25 });
  assertEquals([found.passed, found.wrong, found.first], [true, 0, undefined]);
  assertEquals(found.worst, { index: [0], got: 1.5, want: 1 });
  const over = compareValues(f32([1], 1.51), f32([1], 1), { rtol: 0.25, atol: 0.25 });
  assertEquals([over.passed, over.wrong], [false, 1]);
});

Deno.test("compareValues() names the first and the worst value by their index", () => {
  const got = f32([2, 3], 0, 1, 9, 3, -90, 5);
  const found = compareValues(got, f32([2, 3], 0, 1, 2, 3, 4, 5), limits);
  assertEquals(found.first, { index: [0, 2], got: 9, want: 2 });
  assertEquals(found.worst, { index: [1, 1], got: -90, want: 4 });
  assertEquals(
    comparisonText(found),
    "2 of 6 values differ, first [0,2] is 9, wanted 2, off by 7, worst [1,1] is -90, wanted 4, off by 94",
  );
  const one = compareValues(f32([1], 9), f32([1], 2), limits);
  assertEquals(comparisonText(one), "1 of 1 values differ, first [0] is 9, wanted 2, off by 7");
});

Deno.test("compareValues() compares integers and truths exactly, whatever the tolerance", () => {
  const i32 = (...data: number[]) => value("i32", [data.length], new Int32Array(data));
  assertEquals(compareValues(i32(1, 2), i32(1, 2), limits).passed, true);
  const found = compareValues(i32(1, 2, 5), i32(1, 3, 9), { rtol: 10, atol: 10 });
  assertEquals([found.passed, found.wrong, found.worst?.index], [false, 2, [2]]);
  const bool = (...data: number[]) => value("bool", [data.length], new Uint8Array(data));
  assertEquals(compareValues(bool(1, 0), bool(1, 1), { rtol: 10, atol: 10 }).wrong, 1);
});

Deno.test("compareValues() lets NaN equal NaN, and infinities only themselves", () => {
  const [nan, inf] = [NaN, Infinity];
  assertEquals(compareValues(f32([3], nan, inf, -inf), f32([3], nan, inf, -inf), limits).wrong, 0);
  for (const [got, want] of [[nan, 1], [1, nan], [inf, 1], [1, inf], [inf, -inf], [nan, inf]]) {
    const found = compareValues(f32([2], 0, got), f32([2], 0, want), limits);
    assertEquals([found.passed, found.first?.index], [false, [1]], `${got} for ${want}`);
  }
  assertEquals(gapText({ index: [0], got: -0, want: nan }), "[0] is -0, wanted NaN");
  assertEquals([jsonNumber(nan), jsonNumber(-inf), jsonNumber(2)], ["NaN", "-Infinity", 2]);
});

Deno.test("compareValues() takes [] for [1], and no other shape or dtype", () => {
  assertEquals(compareValues(f32([], 2), f32([1], 2), limits).passed, true);
  assertEquals(compareValues(f32([1], 2), f32([], 2), limits).passed, true);
  const shape = compareValues(f32([1, 1], 2), f32([1], 2), limits);
  assertEquals([shape.passed, shape.reason], [false, "is f32[1,1], wanted f32[1]"]);
  const dtype = compareValues(value("i32", [1], new Int32Array([2])), f32([1], 2), limits);
  assertEquals(comparisonText(dtype), "is i32[1], wanted f32[1]");
  assertEquals(compareValues(f32([0]), f32([0]), limits).passed, true);
});

Deno.test("encodedName() keeps plain names and encodes all else as UTF-8", () => {
  assertEquals(encodedName("net.fc1-0_B"), "net.fc1-0_B");
  assertEquals(encodedName("POW[0]/ü 😀"), "POW%5B0%5D%2F%C3%BC%20%F0%9F%98%80");
});

Deno.test("fileNames() falls back to positions where names cannot be files", () => {
  assertEquals(fileNames(["a", "b:o1"]), ["a", "b%3Ao1"]);
  for (const names of [["a", "a"], ["a", "A"], ["a", ""], ["..", "b"], ["x".repeat(201), "b"]]) {
    assertEquals(fileNames(names), ["0", "1"], names.join());
  }
  assertEquals([inFolder("a", "b"), inFolder("a/", "b")], ["a/b", "a/b"]);
});
