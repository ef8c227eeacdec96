/**
 * Serialized ONNX tensors: the onnx package's own bytes, ONNX's published data, and bytes that
 * nobody vouches for.
 * @module
 */
import { FormatError } from "../../lib/core/fault.ts";
import { printType } from "../../lib/core/type.ts";
import { readOnnxTensor } from "../../lib/io/onnx/tensor.ts";
import { fieldsOf, varintsOf } from "../../lib/io/onnx/wire.ts";
import { assert, assertEquals, assertLess, assertThrows } from "../std.ts";

const home = new URL("../data/onnx/", import.meta.url);
const file = (name: string) => Deno.readFileSync(new URL(name, home));

interface Row {
  readonly stored: string;
  readonly form: string;
  readonly pb: string;
  readonly values: readonly (number | string)[];
}
const rows: readonly Row[] = JSON.parse(Deno.readTextFileSync(new URL("tensors.json", home)));

/** A field as bytes: a varint, or a length with what follows. */
function field(number: number, value: number | Uint8Array | string): number[] {
  if (typeof value === "number") return [...varint(number * 8), ...varint(value)];
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
}

function varint(value: number): number[] {
  const out: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value));; rest >>= 7n) {
    if (rest < 128n) return [...out, Number(rest)];
    out.push(Number(rest & 127n) | 128);
  }
}

const floats = (...values: number[]) => new Uint8Array(new Float32Array(values).buffer);

Deno.test("readOnnxTensor() reads every element type, raw and typed, as the onnx package does", () => {
  assertEquals(rows.length, 26);
  for (const { stored, form, pb, values } of rows) {
    const got = readOnnxTensor(Uint8Array.fromBase64(pb), form);
    assertEquals([got.stored, got.shape], [stored, [2, 2]]);
    assertEquals([...got.data].map(Number), values.map(Number), `${stored} ${form}`);
    assert(got.name.length > 2);
  }
});

Deno.test("readOnnxTensor() reads ONNX's published tensors", () => {
  const types = (...names: string[]) =>
    names.map((name) => printType(readOnnxTensor(file(name), name)));
  assertEquals(types("mnist_input.pb", "mnist_output.pb", "double.pb", "int64.pb"), [
    ...["f32[1,1,28,28]", "f32[1,10]", "f32[6]", "i32[6]"],
  ]);
  const scores = [...readOnnxTensor(file("mnist_output.pb")).data].map(Math.round);
  assertEquals(scores, [976, -619, 6575, 668, -917, -1672, -1953, -62, -777, -1440]);
});

Deno.test("readOnnxTensor() takes extents and values one a field or packed, in any order", () => {
  const loose = [
    ...field(2, 6),
    ...field(5, 7),
    ...field(5, -1),
    ...field(1, 2),
    ...field(1, 1),
    ...field(99, "what later versions add"),
  ];
  const tensor = readOnnxTensor(Uint8Array.from(loose));
  assertEquals([tensor.shape, [...tensor.data], tensor.name], [[2, 1], [7, -1], ""]);
  const empty = readOnnxTensor(Uint8Array.from([...field(1, 0), ...field(2, 1)]));
  assertEquals([printType(empty), empty.data.length], ["f32[0]", 0]);
});

Deno.test("readOnnxTensor() says what it does not take", () => {
  const external = [...field(1, "location"), ...field(2, "weights.bin")];
  const wrong: readonly [number[] | Uint8Array, string][] = [
    [file("string.pb"), "its elements are STRING; save it as one of FLOAT UINT8"],
    [file("sequence.pb"), "a segment, a sequence or an optional"],
    [[], "its elements are of no stated type"],
    [field(2, 17), "its elements are FLOAT8E4M3FN"],
    [field(2, 4711), "its elements are type 4711"],
    [
      [...field(2, 1), ...field(13, Uint8Array.from(external)), ...field(14, 1)],
      "its values are in another file, weights.bin; store them in this one",
    ],
    [[...field(2, 1), ...field(14, 1)], "in another file, which it does not name"],
    [
      [...field(1, 3), ...field(2, 1), ...field(9, floats(1, 2))],
      "takes 12 bytes, its values have 8",
    ],
    [[...field(1, -1), ...field(2, 1)], "-1 is no extent"],
    [
      [...field(1, 1), ...field(2, 1), ...field(5, 3)],
      "its elements are FLOAT, and it has int32_data",
    ],
    [
      [...field(1, 1), ...field(2, 1), ...field(4, floats(1)), ...field(9, floats(1))],
      "it has raw_data and float_data",
    ],
    [[...field(1, 1), ...field(2, 3), ...field(5, 200)], "element 0 of its int32_data is 200"],
    [[...field(1, 1), ...field(2, 9), ...field(5, 2)], "is 2, which is no BOOL"],
    [[...field(1, 1), ...field(2, 7), ...field(7, 2 ** 40)], "as i32: element 0 is 1099511627776"],
    [[...field(1, 1), ...field(2, 1), ...field(4, new Uint8Array(3))], "so this is no TensorProto"],
    [field(2, "FLOAT"), "field 2 at byte 0 is bytes, so this is no TensorProto"],
    [Array.from({ length: 65 }, () => field(1, 1)).flat(), ""],
    [[...Array.from({ length: 65 }, () => field(1, 1)).flat(), ...field(2, 1)], "it has 65 axes"],
  ];
  for (const [bytes, text] of wrong) {
    const read = () => readOnnxTensor(Uint8Array.from(bytes), "a.pb");
    const error = assertThrows(read, FormatError, text);
    assert(error.message.startsWith("Cannot read a.pb"), error.message);
  }
});

Deno.test("fieldsOf() checks every number and length", () => {
  const list = (...bytes: number[]) => [...fieldsOf(Uint8Array.from(bytes), "a message")];
  const eleven = [8, ...new Array(10).fill(0xff), 1];
  const wrong: readonly [number[], string][] = [
    [[0x80], "a number passes the end (at byte 0)"],
    [[8], "a number passes the end (at byte 1)"],
    [[8, 0xff, 0xff, 0xff, 0xff, 0xff], "a number passes the end"],
    [eleven, "a number has more than ten bytes"],
    [[10, 5, 1, 2], "field 1 states 5 bytes, 2 are left"],
    [[10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], "bytes, 0 are left"],
    [[13, 1, 2, 3], "field 1 passes the end"],
    [[9, 1, 2, 3, 4], "field 1 passes the end"],
    [[11], "field 1 has the wire type 3"],
    [[0, 1], "field 0 cannot be"],
  ];
  for (const [bytes, text] of wrong) assertThrows(() => list(...bytes), FormatError, text);
  assertEquals(list(8, 0x96, 1, 0x15, 1, 2, 3, 4), [
    { wire: "varint", number: 1, at: 0, value: 150n },
    { wire: "fixed32", number: 2, at: 3, value: Uint8Array.of(1, 2, 3, 4) },
  ]);
  assertEquals(varintsOf(Uint8Array.from([1, ...varint(-1), 0]), "x"), [1n, 2n ** 64n - 1n, 0n]);
});

Deno.test("readOnnxTensor() survives thousands of damaged tensors", () => {
  let seed = 1;
  const next = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const whole = [...rows.map(({ pb }) => Uint8Array.fromBase64(pb)), file("mnist_output.pb")];
  const tally = { read: 0, refused: 0 };
  const begun = performance.now();
  for (const bytes of whole) {
    for (let i = 0; i < 300; i++) {
      const damaged = bytes.slice(0, next(3) ? bytes.length : next(bytes.length));
      for (let k = next(3); k >= 0 && damaged.length; k--) {
        damaged[next(damaged.length)] = next(256);
      }
      try {
        const { data, shape } = readOnnxTensor(damaged);
        assertEquals(data.length, shape.reduce((a, b) => a * b, 1));
        tally.read++;
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        tally.refused++;
      }
    }
  }
  assert(tally.read > 500 && tally.refused > 3000, JSON.stringify(tally));
  // a million fields of one value each, and as many extents, cost no more than their bytes
  const many = Array.from({ length: 300_000 }, () => [0x28, 1]).flat();
  assertThrows(() => readOnnxTensor(Uint8Array.from([...field(2, 6), ...many])), FormatError);
  const extents = new Uint8Array(300_000).fill(1);
  const wide = Uint8Array.from([...field(2, 1), ...field(1, extents)]);
  assertThrows(() => readOnnxTensor(wide), FormatError, "it has 300000 axes");
  assertLess(performance.now() - begun, 10_000);
});
