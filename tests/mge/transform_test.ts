/**
 * Transforms as text: NumPy is the judge of what they compute, places in the text of what they
 * refuse.
 * @module
 */
import { OptionError } from "../../lib/core/fault.ts";
import { arrayOf, type Host } from "../../lib/core/host.ts";
import type { DType } from "../../lib/core/type.ts";
import { transformFrom } from "../../lib/mge/transform_text.ts";
import { assert, assertEquals, assertThrows } from "../std.ts";

interface Judged {
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly rows: readonly [DType, string, readonly number[], readonly (number | string)[]][];
}
const file = new URL("../data/images/transforms.json", import.meta.url);
const judged: Judged = JSON.parse(await Deno.readTextFile(file));

function hostOf(dtype: DType, shape: readonly number[], values: readonly number[]): Host {
  const data = arrayOf(dtype, values.length);
  data.set(values);
  return { dtype, shape, data };
}

Deno.test("transformFrom() computes what NumPy does, for every dtype, whole numbers exactly", () => {
  let count = 0;
  for (const [dtype, text, shape, want] of judged.rows) {
    const got = transformFrom(text)(hostOf(dtype, [1, 3, 1, 2], judged.inputs[dtype]));
    assertEquals([...got.shape], [...shape], `${text} of ${dtype}`);
    want.forEach((value, i) => {
      const [x, y] = [Number(got.data[i]), Number(value)];
      // a half keeps 11 bits, a float 24, and NumPy rounds each step
      const [share, least] = dtype === "f16" ? [2e-3, 1e-3] : [3e-7, 1e-6];
      const near = dtype.startsWith("f") || !Number.isInteger(y)
        ? Math.abs(x - y) <= share * Math.abs(y) + least || Object.is(x, y)
        : x === y;
      assert(near, `${text} of ${dtype}: element ${i} is ${x}, not ${y}`);
    });
    count++;
  }
  assertEquals(count, 203);
});

Deno.test("transformFrom() finds the channels of a list by its length, first or last", () => {
  const apply = (text: string, shape: number[]) => {
    const n = shape.reduce((a, b) => a * b, 1);
    return [...transformFrom(text)(hostOf("f32", shape, new Array(n).fill(0))).data];
  };
  assertEquals(apply("data+[1,2,3]", [3, 1, 2]), [1, 1, 2, 2, 3, 3]);
  assertEquals(apply("data+[1,2,3]", [1, 2, 3]), [1, 2, 3, 1, 2, 3]);
  assertEquals(apply("data+[1,2,3]", [1, 1, 2, 3]), [1, 2, 3, 1, 2, 3]);
  assertEquals(apply("[1,2]-data", [2, 2]), [1, 2, 1, 2]);
  assertEquals(apply("data-[1]", [1, 2, 1]), [-1, -1]);
  assertEquals(apply("[1,2]*[3,4]+data", [2]), [3, 8]);
  assertThrows(() => apply("data-[1,2,3]", [2, 4]), OptionError, "a list of 3 is for 3 channels");
  assertThrows(() => apply("data-[1,2]", []), OptionError, "data is []");
  assertThrows(
    () => apply("[1,2]*[1,2,3]+data", [2]),
    OptionError,
    "[2] and [3] do not go together",
  );
});

Deno.test("transformFrom() warns of bytes that wrap, and not of those that do not", () => {
  const warned = (text: string, ...values: number[]) => {
    const said: string[] = [];
    transformFrom(text, (line) => said.push(line))(hostOf("u8", [values.length], values));
    return said;
  };
  assertEquals(warned("(data - 128) * 2", 127, 200), [
    "(data - 128) * 2: values of u8 wrap at character 7, as in NumPy; float(data) computes with " +
    "signs and fractions",
  ]);
  assertEquals(warned("data - 128", 128, 200), []);
  assertEquals(warned("data - 128.0", 1), []);
  assertEquals(warned("float(data) - 128", 1), []);
});

Deno.test("transformFrom() names the place of what it does not take", () => {
  const wrong: readonly [text: string, why: string, at: number][] = [
    ["", "expected a value, found the end", 1],
    ["(data - 1", 'expected ")", found the end', 10],
    ["data +", "expected a value, found the end", 7],
    ["data 2", 'expected an operator or the end, found "2"', 6],
    ["data - mean", '"mean" is unknown, it takes numbers, data, lists', 8],
    ["np.abs(data)", '"np.abs" is unknown', 1],
    ["data[0]", 'expected an operator or the end, found "["', 5],
    ["data - [1 2]", 'expected "," or "]", found "2"', 11],
    ["data - []", 'expected a number, found "]"', 9],
    ["1.2.3 * data", "1.2.3 is no number", 1],
    ["data ** 2", 'expected a value, found "*"', 7],
    ["data; x", '";" means nothing', 5],
    ["`data`", '"`" means nothing', 1],
    ["abs(data, 1)", "abs is written abs(x), it has 2 arguments", 1],
    ["clip(data)", "clip is written clip(x,low,high), it has 1 arguments", 1],
    ["abs data", 'expected "(", found "data"', 5],
    ["1 + 2", "it does not use data", 1],
    ["constructor(data)", '"constructor" is unknown', 1],
    [`${"(".repeat(101)}data`, "it is nested too deeply", 101],
    [`${"-".repeat(5000)}data`, "it is nested too deeply", 101],
  ];
  for (const [text, why, at] of wrong) {
    const error = assertThrows(() => transformFrom(text), OptionError, why);
    assertEquals(error.place, `character ${at}`, text);
  }
  const late: readonly [string, string][] = [
    ["[data] + data", "a list holds numbers only (at character 2)"],
    ["data - [1, [2], 3]", "a list holds numbers only (at character 12)"],
    ["transpose(data, 0, 0)", "the axes of [2,2] are 0 to 1, each once"],
    ["transpose(data, data, 1)", "the axes of [2,2] are 0 to 1, each once"],
    ["transpose([1, 2], 0) + data", "each once (at character 1)"],
  ];
  for (const [text, why] of late) {
    const f = transformFrom(text);
    assertThrows(() => f(hostOf("f32", [2, 2], [1, 2, 3, 4])), OptionError, why);
  }
});
