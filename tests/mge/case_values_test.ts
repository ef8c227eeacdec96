/**
 * Test cases from every form of spec: what the released MegEngine stored for them, case by case,
 * and what it refused, in its words.
 * @module
 */
import { FormatError } from "../../lib/core/fault.ts";
import type { Host } from "../../lib/core/host.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import type { DType, Type } from "../../lib/core/type.ts";
import { arrayBytes } from "../../lib/io/bytes.ts";
import { readNpy } from "../../lib/io/npy.ts";
import { gathered } from "../../lib/io/stream.ts";
import type { DumpOptions } from "../../lib/mge/dump_options.ts";
import { readModel } from "../../lib/mge/open_file.ts";
import { transformFrom } from "../../lib/mge/transform_text.ts";
import { relu } from "../../lib/ops/activation.ts";
import { add, div, mul, sub } from "../../lib/ops/arithmetic.ts";
import { mean } from "../../lib/ops/reduce.ts";
import { cast } from "../../lib/ops/select.ts";
import { dump } from "../../lib/trace/dump.ts";
import { load } from "../../lib/trace/load.ts";
import { read } from "../../lib/trace/read.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";

const home = new URL("../data/mge-python/testcases/", import.meta.url);
const pictures = new URL("../data/images/", import.meta.url);

interface Recorded {
  readonly name: string;
  readonly function: string;
  readonly call_inputs: readonly { readonly dtype: string; readonly shape: readonly number[] }[];
  readonly input_data: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly error?: string;
  readonly cases?: readonly {
    readonly values: Readonly<Record<string, { readonly file: string }>>;
  }[];
}

const recorded: readonly Recorded[] = JSON.parse(
  await Deno.readTextFile(new URL("index.json", home)),
);

type Model = (...ins: never[]) => unknown;
const average = (axis: number[]) => (x: Tensor) => mean(cast(x, { dtype: "f32" }), { axis });
const functions: Readonly<Record<string, Model>> = {
  "lambda x: F.relu(x * 2 - 1)": (x: Tensor) => relu(sub(mul(x, 2), 1)),
  "lambda x, y: [x + y, x * y]": (x: Tensor, y: Tensor) => [add(x, y), mul(x, y)],
  "lambda x: x * 3": (x: Tensor) => mul(x, 3),
  "lambda x: x + 1": (x: Tensor) => add(x, 1),
  "lambda x: x.astype('float32') / 255": (x: Tensor) => div(cast(x, { dtype: "f32" }), 255),
  "lambda x: F.mean(x.astype('float32'), axis=[2, 3])": average([2, 3]),
  "lambda x: F.mean(x.astype('float32'), axis=[1, 2])": average([1, 2]),
};
const dtypes: Readonly<Record<string, DType>> = { float32: "f32", int32: "i32", uint8: "u8" };

/** MegEngine's options as ours, as far as they say something of values. */
function optionsOf(options: Recorded["options"], log: (line: string) => void): DumpOptions {
  const { dump_format, input_transform, arg_names, output_names, ...rest } = options;
  const names: Readonly<Record<string, string>> = {
    ...{ repeat: "repeat", silent: "silent", no_assert: "noAssert", maxerr: "maxerr" },
    ...{ resize_input: "resizeInput" },
  };
  const plain = Object.entries(rest).flatMap(([key, x]) => names[key] ? [[names[key], x]] : []);
  return {
    ...Object.fromEntries(plain),
    ...(dump_format === "FBS" ? { format: "FBS" } : {}),
    ...(arg_names ? { argNames: arg_names as string[] } : {}),
    ...(output_names ? { outputNames: [output_names].flat() as string[] } : {}),
    ...(input_transform ? { inputTransform: transformFrom(input_transform as string, log) } : {}),
    log,
  };
}

/** A spec with the paths of the test data; MegEngine ran in their folder. */
async function located(spec: string, folder: string): Promise<string> {
  if (spec.startsWith("@")) {
    const lines = (await Deno.readTextFile(new URL(spec.slice(1), home))).split("\n");
    const list = `${folder}/list.txt`;
    const all = await Promise.all(lines.map((line) => line && located(line, folder)));
    await Deno.writeTextFile(list, all.join("\n"));
    return `@${list}`;
  }
  return spec.replace(/[\w.]+\.(npy|png|jpg)$/, (file) => {
    return new URL(file, file.endsWith("jpg") ? pictures : home).pathname;
  });
}

/** What is stored for a recorded request, by name, and what was said. */
async function stored({ function: text, call_inputs, input_data, options }: Recorded) {
  const folder = await Deno.makeTempDir();
  try {
    const specs = await Promise.all(input_data.map((spec) => located(spec, folder)));
    const types = call_inputs.map(({ dtype, shape }): Type => ({ dtype: dtypes[dtype], shape }));
    const said: string[] = [];
    const made = optionsOf(options, (line) => said.push(line));
    const stream = dump(functions[text], types, { ...made, inputData: specs });
    const { inputs } = await stream.info;
    const { testcases } = await readModel(arrayBytes(await gathered(stream)));
    const cases = await Promise.all(testcases.map(async ({ oprs }) => {
      const values = oprs.map(async ({ tensors: [{ shape, dtype, value }] }, i) => {
        const bytes = await gathered(value!.open());
        const of = { Float32: "f32", Int32: "i32", Byte: "u8", Uint8: "u8" } as const;
        return [inputs[i], hostFrom(of[dtype.name as keyof typeof of], shape, bytes)] as const;
      });
      return Object.fromEntries(await Promise.all(values));
    }));
    return { cases, said };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function hostFrom(dtype: "f32" | "i32" | "u8", shape: readonly number[], bytes: Uint8Array): Host {
  const make = { f32: Float32Array, i32: Int32Array, u8: Uint8Array }[dtype];
  return { dtype, shape, data: new make(bytes.slice().buffer) };
}

/** The largest difference; bytes that a transform wrapped are near each other around the circle. */
function gap(got: Host, want: Host, circle: number): number {
  assertEquals([got.dtype, got.shape], [want.dtype, want.shape]);
  let most = 0;
  for (let i = 0; i < want.data.length; i++) {
    const away = Math.abs(Number(got.data[i]) - Number(want.data[i]));
    most = Math.max(most, Math.min(away, Math.abs(circle - away)));
  }
  return most;
}

Deno.test("dump: every recorded case holds MegEngine's values; JPEG's within 3 of 255", async () => {
  const worst: Record<string, number> = {};
  for (const one of recorded) {
    if (!one.cases) continue;
    const { cases } = await stored(one);
    assertEquals(cases.length, one.cases.length, one.name);
    const jpeg = one.input_data.some((spec) => spec.endsWith("jpg"));
    for (const [i, { values }] of one.cases.entries()) {
      const wants = Object.entries(values);
      const own = Object.entries(cases[i]);
      assertEquals(own.length, wants.length, one.name);
      const expected = (name: string) => name.endsWith(":expect");
      for (const kind of [true, false]) {
        const gots = own.filter(([name]) => expected(name) === kind);
        const named = wants.filter(([name]) => expected(name) === kind);
        for (const [k, [name, { file }]] of named.entries()) {
          const got = kind ? gots[k][1] : cases[i][name];
          const want = readNpy(await Deno.readFile(new URL(file, home)), file);
          const found = gap(got, want, one.options.input_transform ? 256 / 255 : Infinity);
          const scale = one.options.input_transform ? 255 : 1;
          const largest = Math.max(...Array.from(want.data as Iterable<number>, Math.abs));
          if (kind) assert(found <= (jpeg ? 1 : 1e-6 * largest), `${one.name} ${name}: ${found}`);
          else worst[one.name] = Math.max(worst[one.name] ?? 0, Math.round(found * scale));
        }
      }
    }
  }
  const near = Object.entries(worst).filter(([, most]) => most > 0);
  assertEquals(Object.fromEntries(near), {
    image_nchw_resize: 2,
    image_gray_resize: 1,
    image_transform: 2,
    image_repeat: 2,
    image_3d: 2,
    image_nhwc_resize: 3,
  });
  assertEquals(Object.keys(worst).length, 25);
});

Deno.test("dump: what MegEngine refuses is refused, in its words where it has some", async () => {
  const words: Readonly<Record<string, readonly [text: string, type?: typeof FormatError]>> = {
    rank_mismatch: ["input/data shapes mismatch: [1,4] vs [4]"],
    bad_spec: ["bad spec #rnd(0,1)"],
    bad_spec_one_number: ["bad spec #rand(1)"],
    missing_input: ["required inputs: arg_0, arg_1"],
    unknown_input: ["foo:#rand(0,1): there is no such input, they are arg_0"],
    no_such_file: ["there is no such file", FormatError],
    transform_on_rand: ["#rand(0,1) with inputTransform"],
    resize_npy: ["with resizeInput (--resize-input): it is for pictures, not for arrays"],
    empty_list: ["testcases can not be empty"],
  };
  const refused = recorded.filter(({ error }) => error);
  assertEquals(refused.map(({ name }) => name).sort(), Object.keys(words).sort());
  for (const one of refused) {
    const [text, type = RangeError] = words[one.name];
    await assertRejects(() => stored(one), type, text, one.name);
  }
});

Deno.test("dump: a picture of another size is taken with a warning that names the option", async () => {
  const { said } = await stored(recorded.find(({ name }) => name === "resize_vs_shape")!);
  assert(said.some((line) => /gives \[1,3,15,20\]; resizeInput \(--resize-input\)/.test(line)));
});

Deno.test("dump: a transform of bytes that wraps says so, once a value", async () => {
  const { said } = await stored(recorded.find(({ name }) => name === "image_transform")!);
  assertEquals(said.filter((line) => line.includes("values of u8 wrap at character 7")).length, 1);
});

Deno.test("dump: cases of pictures pass when they are loaded, in V1 and V2", async () => {
  const photo = new URL("rgb.png", pictures).pathname;
  for (const format of ["FBS", "FBS_V2"] as const) {
    const bytes = dump(average([1, 2]), [{ dtype: "u8", shape: [1, 29, 37, 3] }], {
      ...{ format, inputData: [photo], rgb: true },
    });
    await using model = await load(bytes);
    const [{ values, run }] = model.testcases;
    assertEquals((await run()).passed, true);
    assertEquals((await read(values.arg_0)).shape, [1, 29, 37, 3]);
  }
});
