/**
 * Strokes as images: centred, of one size and one pen whatever was drawn, in MNIST's steps; and
 * digits drawn in several hands are read right.
 * @module
 */
import { load, open, read, tensor } from "@weft/weft";
import { digitImage, type Point, side, type Stroke } from "../../examples/web/digit_image.ts";
import { fiftyDigits, parameters, writeModel } from "../../examples/web/model.ts";
import { assertAlmostEquals, assertEquals, assertGreaterOrEqual, assertLess } from "../std.ts";
import { hands } from "./hands.ts";

/** The first and last row and column with ink, and the centre of mass. */
function seenIn(image: Float32Array) {
  const at = [...image.keys()].filter((i) => image[i] > 0.25);
  const mass = image.reduce((a, b) => a + b);
  const mean = (of: (i: number) => number) => image.reduce((a, v, i) => a + v * of(i), 0) / mass;
  return {
    left: Math.min(...at.map((i) => i % side)),
    right: Math.max(...at.map((i) => i % side)),
    top: Math.min(...at.map((i) => Math.floor(i / side))),
    bottom: Math.max(...at.map((i) => Math.floor(i / side))),
    centre: [mean((i) => i % side + 0.5), mean((i) => Math.floor(i / side) + 0.5)],
    mass,
  };
}

function moved(strokes: readonly Stroke[], scale: number, dx: number, dy: number): Stroke[] {
  return strokes.map((stroke) =>
    stroke.map(([x, y]): Point => [0.5 + (x - 0.5) * scale + dx, 0.5 + (y - 0.5) * scale + dy])
  );
}

Deno.test("digitImage() fits the ink into 20 × 20 and centres its mass", () => {
  for (const [digit, strokes] of hands) {
    const { left, right, top, bottom, centre } = seenIn(digitImage(strokes));
    const size = Math.max(right - left, bottom - top) + 1;
    assertGreaterOrEqual(size, 19, `digit ${digit}`);
    assertLess(size, 22, `digit ${digit}`);
    for (const c of centre) assertAlmostEquals(c, side / 2, 0.5, `digit ${digit}`);
  }
});

Deno.test("digitImage() is the same wherever and however large a digit was drawn", () => {
  const [, strokes] = hands[5];
  const image = digitImage(strokes);
  const other = digitImage(moved(strokes, 0.5, 0.2, -0.1));
  image.forEach((v, i) => assertAlmostEquals(other[i], v, 0.02));
});

Deno.test("digitImage() gives steps of 1/256, nothing for nothing, and a dot for a dot", () => {
  const image = digitImage(hands[3][1]);
  assertEquals([...image].every((v) => v >= 0 && v < 1 && Number.isInteger(v * 256)), true);
  assertEquals(digitImage([]), new Float32Array(side * side));
  const { left, right, top, bottom } = seenIn(digitImage([[[0.1, 0.9]]]));
  assertLess(Math.max(right - left, bottom - top), 5);
});

Deno.test("digits drawn in several hands have the ink of MNIST's, and are read right", async () => {
  const samples = await fiftyDigits();
  const file = await Deno.makeTempFile({ suffix: ".mge" });
  try {
    await writeModel(file, await parameters(samples));
    await using on = await open("reference");
    await using model = await load(file, { on });
    const drawn = hands.map(([, strokes]) => digitImage(strokes));
    const mean = (of: number, n: number) => of / n;
    const theirs = mean(samples.images.reduce((a, b) => a + b), samples.labels.length);
    const ours = mean(drawn.flatMap((image) => [...image]).reduce((a, b) => a + b), drawn.length);
    assertLess(Math.abs(ours / theirs - 1), 0.1);
    const images = new Float32Array(drawn.flatMap((image) => [...image]));
    const { probability } = await model(tensor(images, [drawn.length, 1, side, side]));
    const { data } = await read(probability);
    assertEquals(tops(data as Float32Array), hands.map(([digit]) => digit));
    const fifty = await model(tensor(samples.images, [samples.labels.length, 1, side, side]));
    const found = tops((await read(fifty.probability)).data as Float32Array);
    assertEquals(found.filter((digit, i) => digit === samples.labels[i]).length, 49);
  } finally {
    await Deno.remove(file);
  }
});

function tops(data: Float32Array): number[] {
  return Array.from({ length: data.length / 10 }, (_, i) => {
    const row = data.subarray(10 * i, 10 * i + 10);
    return row.indexOf(Math.max(...row));
  });
}
