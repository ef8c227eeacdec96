/**
 * Behaviours of traces, by their numbers: dumping, loading and running what was dumped.
 * @module
 */
import { u16 } from "../../lib/core/type.ts";
import { constant } from "../../lib/core/leaf.ts";
import { host } from "../../lib/core/host.ts";
import {
  add,
  conv2d,
  type DumpToOptions,
  exp,
  f32,
  grad,
  load,
  log,
  matmul,
  mul,
  named,
  read,
  relu,
  sigmoid,
  split,
  sub,
  sum,
  type Tensor,
  tensor,
  trace,
} from "../../mod.ts";
import { assert, assertEquals } from "../std.ts";
import { targetTests } from "../targets.ts";
import { inFolder } from "./folder.ts";

const test = await targetTests();
const numbers = async (t: Tensor) => [...(await read(t)).data].map(Number);
const formats = ["FBS", "FBS_V2"] as const;
const w = tensor([[1, -1], [0.5, 2]]);
type Model = (...ins: Tensor[]) => unknown;

const gradient: Model = (x) => {
  const f = (v: Tensor) => sum(mul(sigmoid(matmul(v, w)), sigmoid(matmul(v, w))));
  return [f(x), grad(f)(x)];
};

/** Functions of f32[2,2] that go to a file and back. */
const models: Readonly<Record<string, Model>> = {
  "a captured constant": (x) => relu(add(matmul(x, w), 1)),
  "a backward graph": gradient,
  "split": (x) => [...split(x, { axis: 1, sections: 2 })].map((t) => mul(t, 2)),
  "a record": (x) => ({ big: mul(x, 3), small: sub(x, 1) }),
};

for (const [name, model] of Object.entries(models)) {
  test(`9.8 dump, load and run give the same numbers: ${name}`, async (on) => {
    await using traced = trace(model as (x: Tensor) => unknown, { on, captureAsConst: true });
    const x = tensor([[0.5, -1], [2, 0.25]]);
    const wants = await Promise.all(Object.values(resultOf(await traced(x))).map(numbers));
    for (const format of formats) {
      for (const optimizeForInference of [true, false]) {
        await inFolder(async (folder) => {
          const info = await traced.dump(`${folder}/m.mge`, { format, optimizeForInference });
          await using back = await load(`${folder}/m.mge`, { on });
          assertEquals(back.outputs.map((o) => o.name), [...info.outputs]);
          const outs = await Promise.all(Object.values(await back(x)).map(numbers));
          for (const [i, out] of outs.entries()) {
            const far = out.map((v, k) => Math.abs(v - wants[i][k])).filter((e) => e > 2e-6);
            assertEquals([far, out.length], [[], wants[i].length], `${format} output ${i}`);
          }
        });
      }
    }
  });
}

function resultOf(result: unknown): Record<string, Tensor> {
  return "node" in (result as object) ? { y: result as Tensor } : result as Record<string, Tensor>;
}

test("9.8 without optimizeForInference the constant is an ImmutableTensor", async (on) => {
  await using traced = trace((x: Tensor) => add(mul(x, w), w), { on, captureAsConst: true });
  await traced(tensor([[1, 2], [3, 4]]));
  await inFolder(async (folder) => {
    for (const format of formats) {
      const path = `${folder}/${format}.mge`;
      await traced.dump(path, { format, optimizeForInference: false });
      await using back = await load(path, { on });
      assertEquals(back.operators, { Host2DeviceCopy: 1, ImmutableTensor: 1, Elemwise: 2 });
      assertEquals(await numbers(Object.values(await back(w))[0]), [2, 0, 0.75, 6]);
    }
  });
});

test("9.9 #rand test cases: a scalar input, several cases, several inputs", async (on) => {
  const run = async (model: Model, options: DumpToOptions) => {
    const traced = trace(model, { on, captureAsConst: true });
    return await inFolder(async (folder) => {
      await traced.dump(`${folder}/m.mge`, options);
      await using back = await load(`${folder}/m.mge`, { on });
      const found = [];
      for (const { values, run } of back.testcases) {
        const { passed, checks } = await run();
        assert(passed && checks.length > 0);
        const shapes = Object.entries(values).map(([name, t]) => [name, ...t.shape].join(" "));
        found.push(shapes.sort().join(", "));
      }
      return found;
    });
  };
  const types = (...list: [string, number[]][]) => list.map(([name, s]) => named(name, f32(s)));
  for (const format of formats) {
    const scalar = { types: types(["s", []]), inputData: ["#rand(0,255)"], format };
    assertEquals(await run((s) => mul(s, 2), scalar), ["MUL:expect 1, s 1"]);
    const several = { types: types(["x", [2, 3]]), inputData: ["#rand(0,1)", "#rand(-1,1,4,...)"] };
    assertEquals(await run((x) => relu(x), { ...several, format }), [
      ...["RELU:expect 2 3, x 2 3", "RELU:expect 4 3, x 4 3"],
    ]);
    const inputs = {
      types: types(["a", [2]], ["b", [2]]),
      inputData: ["#rand(0,1)", "b:#rand(5,6);a:#rand(0,1)"],
    };
    const both = "ADD:expect 2, a 2, b 2";
    assertEquals(await run((a, b) => add(a, b), { ...inputs, format }), [both, both]);
  }
});

test("9.12 enableIo16xc32 makes the computing input f16 behind a conversion", async (on) => {
  await using traced = trace((x: Tensor) => add(matmul(x, w), 1), { on, captureAsConst: true });
  const x = tensor([[1, 2], [3, 4]]);
  await traced(x);
  await inFolder(async (folder) => {
    for (const format of formats) {
      await traced.dump(`${folder}/m.mge`, { format, enableIo16xc32: true });
      await using back = await load(`${folder}/m.mge`, { on });
      assertEquals(back.metadata.optimizeOptions, ["enable_io16xc32", "enable_fuse_grain"]);
      const { operators } = back.listing();
      const made = new Map(operators.flatMap((o) => o.outputs.map((v) => [v.id, o] as const)));
      const [product] = operators.filter(({ type }) => type.startsWith("MatrixMul"));
      const [cast, weight] = product.inputs.map((id) => made.get(id)!);
      assert(cast.type.startsWith("TypeCvt"), cast.type);
      assert(cast.fields.some(({ value }) => value === "f16"), JSON.stringify(cast.fields));
      assertEquals(made.get(cast.inputs[0])!.role, "input");
      assertEquals([weight.role, weight.outputs[0].dtype], ["values", "f16"]);
      assertEquals(back.inputs.map(({ dtype }) => dtype), ["f32"]);
      const [y] = Object.values(await back(x));
      assertEquals([y.dtype, await numbers(y)], ["f32", [3, 4, 6, 6]]);
    }
  });
});

Deno.test("9.15 all names in a fully named dump are unique", async () => {
  const image = (x: Tensor, v: Tensor) => {
    const kernel = constant(host(f32([3, 3, 1, 1]), new Float32Array(9).fill(0.5)), "net.c.weight");
    const y = conv2d(conv2d(x, kernel), kernel);
    return [add(relu(y), relu(mul(y, 2))), add(y, 1), add(y, 2), log(exp(add(v, v)))];
  };
  const types = [f32([1, 3, 2, 2]), f32([2])];
  const all = { keepVarName: 2, keepOprName: true, keepParamName: true, keepOprPriority: true };
  for (const format of formats) {
    for (const optLevel of [0, 2] as const) {
      await inFolder(async (folder) => {
        const traced = trace(image, { captureAsConst: true });
        const how = { ...all, format, optLevel, types } as DumpToOptions;
        await traced.dump(`${folder}/m.mge`, how);
        await using back = await load(`${folder}/m.mge`);
        const { operators } = back.listing();
        const names = operators.map(({ name }) => name);
        const vars = operators.flatMap(({ outputs }) => outputs.map(({ name }) => name));
        for (const list of [names, vars]) {
          assert(list.every((name) => name), `${list}`);
          assertEquals(new Set(list).size, list.length, `${list}`);
        }
        assertEquals(
          back.params.map(({ name }) => name).filter((n) => n === "net.c.weight").length,
          1,
        );
      });
    }
  }
});

test("9.16 u16 arithmetic dumps and runs", async (on) => {
  const f = (x: Tensor, y: Tensor) => [add(x, y), sub(x, y), mul(x, 3)];
  await using traced = trace(f, { on, captureAsConst: true });
  const of = (...list: number[]) => constant(host(u16([list.length]), Uint16Array.from(list)));
  const given = [of(1, 500, 65535), of(2, 100, 5)] as const;
  const wants = [[3, 600, 4], [65535, 400, 65530], [3, 1500, 65533]];
  assertEquals(await Promise.all((await traced(...given)).map(numbers)), wants);
  await inFolder(async (folder) => {
    for (const format of formats) {
      await traced.dump(`${folder}/m.mge`, { format });
      await using back = await load(`${folder}/m.mge`, { on });
      const outs = Object.values(await back(...given));
      assertEquals(outs.map(({ dtype }) => dtype), ["u16", "u16", "u16"]);
      assertEquals(await Promise.all(outs.map(numbers)), wants, format);
    }
  });
});
