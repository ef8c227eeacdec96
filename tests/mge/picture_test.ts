/**
 * A picture as an input's value: layouts, channels, dtypes, and the inputs that no picture fits.
 * @module
 */
import { FormatError, OptionError, ShapeError } from "../../lib/core/fault.ts";
import type { Host } from "../../lib/core/host.ts";
import type { DType, Named } from "../../lib/core/type.ts";
import { randomState } from "../../lib/io/random.ts";
import { pictureValue } from "../../lib/mge/picture.ts";
import { type SpecOptions, valueOfSpec } from "../../lib/mge/spec_value.ts";
import { assertEquals, assertRejects, assertThrows } from "../std.ts";

/** Two rows of one pixel, RGB. */
const image: Host = {
  dtype: "u8",
  shape: [2, 1, 3],
  data: new Uint8Array([10, 20, 30, 40, 50, 60]),
};
const input = (shape: readonly number[], dtype: DType = "u8"): Named => {
  return { name: "x", dtype, shape };
};
const fitted = (shape: readonly number[], options = {}) => {
  const { shape: made, data } = pictureValue(image, input(shape), "a.png", options);
  return [made, [...data]];
};

Deno.test("pictureValue() reads the layout off the shape, colour in BGR or RGB", () => {
  const planes = [30, 60, 20, 50, 10, 40];
  const pixels = [30, 20, 10, 60, 50, 40];
  assertEquals(fitted([1, 3, 2, 1]), [[1, 3, 2, 1], planes]);
  assertEquals(fitted([8, 3, 2, 1]), [[1, 3, 2, 1], planes]);
  assertEquals(fitted([1, 2, 1, 3]), [[1, 2, 1, 3], pixels]);
  assertEquals(fitted([3, 2, 1]), [[3, 2, 1], planes]);
  assertEquals(fitted([2, 2, 3]), [[2, 1, 3], pixels]);
  assertEquals(fitted([1, 3, 2, 1], { rgb: true }), [[1, 3, 2, 1], [10, 40, 20, 50, 30, 60]]);
  assertEquals(fitted([1, 2, 5, 3], { rgb: true }), [[1, 2, 1, 3], [10, 20, 30, 40, 50, 60]]);
});

Deno.test("pictureValue() greys after it resized, and resizes to the input's height and width", () => {
  // (9798·R + 19235·G + 3735·B + 16384) >> 15
  assertEquals(fitted([1, 1, 2, 1]), [[1, 1, 2, 1], [18, 48]]);
  assertEquals(fitted([1, 2, 2, 1]), [[1, 2, 1, 1], [18, 48]]);
  assertEquals(fitted([1, 1, 2, 1], { rgb: true }), [[1, 1, 2, 1], [18, 48]]);
  assertEquals(fitted([1, 4, 1], { resizeInput: true }), [[1, 4, 1], [18, 26, 41, 48]]);
  assertEquals(fitted([1, 1, 2, 3], { resizeInput: true }), [
    [1, 1, 2, 3],
    [18, 18, 18, 48, 48, 48],
  ]);
  assertEquals(fitted([1, 3, 2, 2], { resizeInput: true })[0], [1, 3, 2, 2]);
});

Deno.test("pictureValue() names the type of an input that no picture fits", () => {
  for (const shape of [[], [10], [1, 10], [1, 4, 8, 8], [5, 5, 5], [1, 3, 2, 2, 2]]) {
    const text = `the picture a.png for the input x: can not infer the format from its type u8[` +
      `${shape}]`;
    assertThrows(() => fitted(shape), ShapeError, text);
  }
});

const options = (more: Partial<SpecOptions> = {}): SpecOptions & { readonly said: string[] } => {
  const said: string[] = [];
  return { random: randomState(0), log: (line) => void said.push(line), said, ...more };
};
const path = (name: string) => new URL(`../data/${name}`, import.meta.url).pathname;

Deno.test("valueOfSpec() gives a picture the input's dtype, and says what does not fit it", async () => {
  const value = async (dtype: DType, more: Partial<SpecOptions> = {}) => {
    const how = options(more);
    const spec = path("images/rgb.png");
    const { data } = await valueOfSpec(spec, input([1, 3, 29, 37], dtype), how);
    return { data, said: how.said };
  };
  const bytes = (await value("u8")).data;
  const floats = await value("f32");
  assertEquals([floats.data instanceof Float32Array, floats.said], [true, []]);
  assertEquals(Uint8Array.from(floats.data as Float32Array), bytes as Uint8Array);
  const small = await value("i8");
  const over = [...bytes].filter((x) => Number(x) > 127).length;
  assertEquals(small.said, [
    `${path("images/rgb.png")}: ${over} of 3219 values do not fit i8 and wrap`,
  ]);
  const half: SpecOptions["transform"] = ({ shape, data }) => {
    return { dtype: "f32", shape, data: Float32Array.from(data as Uint8Array, (x) => x / 2) };
  };
  const changed = await value("u8", { transform: half });
  assertEquals(changed.data as Uint8Array, (bytes as Uint8Array).map((x) => x >> 1));
  assertEquals(changed.said, []);
  const twice = await valueOfSpec(path("images/rgb.png"), input([1, 3, 29, 37]), {
    ...options(),
    repeat: 2,
  });
  assertEquals(twice.shape, [2, 3, 29, 37]);
});

Deno.test("valueOfSpec() looks at what a transform gives", async () => {
  const array = path("onnx/mnist_output.pb");
  const given = (transform: SpecOptions["transform"]) =>
    valueOfSpec(array, input([1, 10], "f32"), options({ transform }));
  const short: SpecOptions["transform"] = (value) => ({ ...value, data: new Float32Array(3) });
  await assertRejects(() => given(short), ShapeError, "Cannot take 3 elements as f32[1,10]");
  const none = (() => undefined) as unknown as SpecOptions["transform"];
  await assertRejects(
    () => given(none),
    OptionError,
    "inputTransform gives undefined, not an array",
  );
  const late = (async (value: Host) => await value) as unknown as SpecOptions["transform"];
  await assertRejects(() => given(late), OptionError, "inputTransform gives a promise");
  const flat: SpecOptions["transform"] = (value) => ({ ...value, shape: [10] });
  await assertRejects(() => given(flat), FormatError, "shapes mismatch: [1,10] vs [10]");
});

Deno.test("valueOfSpec() takes one element for any shape of one, and no other rank", async () => {
  const drawn = (spec: string, shape: number[]) =>
    valueOfSpec(spec, input(shape, "f32"), options());
  assertEquals((await drawn("#rand(0,1)", [])).shape, []);
  assertEquals((await drawn("#rand( -1 , 1 , 3, ... )", [1, 4])).shape, [3, 4]);
  assertEquals((await drawn("#rand(1e-3,.5,2,2)", [1, 4])).shape, [2, 2]);
  const bad = [
    "#rand(0,1",
    "#rand()",
    "#rand(a,1)",
    "#rand(0,1,...,2)",
    "#rand(0,1,)",
    "#rand(0,1,-2)",
  ];
  for (const spec of [...bad, "#rand(0x10,20)", "#rand(0,Infinity)", "rand(0,1)", "#"]) {
    await assertRejects(() => drawn(spec, [1, 4]), RangeError, `bad spec ${spec}`);
  }
  await assertRejects(() => drawn("#rand(0,1,2,2)", []), ShapeError, "mismatch: [] vs [2,2]");
});
