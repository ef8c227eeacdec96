/**
 * After the first call an inference of the digit network is one submit: no bind groups, no buffers,
 * no uniform writes, no pipelines.
 * @module
 */
import { assertEquals } from "../std.ts";
import { digits, spec } from "../../examples/digits.ts";
import { f32, read, type Tensor } from "../../mod.ts";
import type * as nn from "../../lib/model/nn.ts";
import { constant, tensor } from "../../lib/core/leaf.ts";
import { loadParams } from "../../lib/io/params.ts";
import { openWebgpu } from "../../lib/gpu/machine.ts";
import { stage } from "../../lib/stage/stage.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { trace } from "../../lib/trace/trace.ts";
import { adapterOrSkip } from "./adapter.ts";
import { countCalls } from "./count_calls.ts";

const isThere = await adapterOrSkip();
const data = new URL("../../examples/data/digits/net_init.safetensors", import.meta.url);

Deno.test({
  name: "webgpu: a steady inference makes one submit and nothing else",
  ignore: !isThere,
  sanitizeOps: false,
  async fn() {
    const p: nn.Params<typeof spec> = await loadParams(spec, data);
    const machine = await openWebgpu();
    const classify = trace((x: Tensor) => digits(p)(x), { on: machine, captureAsConst: true });
    const x = constant(machine.upload({
      dtype: "f32",
      shape: [1, 1, 28, 28],
      data: new Float32Array(784).fill(0.5),
    }));
    for (let i = 0; i < 3; i++) (await classify(x)).dispose();
    const { calls } = await countCalls(async () => (await classify(x)).dispose());
    assertEquals(calls.submit, 1);
    assertEquals(calls.beginComputePass, 1);
    assertEquals(calls.createCommandEncoder, 1);
    for (
      const name of [
        "createBindGroup",
        "createBuffer",
        "writeBuffer",
        "createComputePipeline",
        "createShaderModule",
        "copyBufferToBuffer",
        "mapAsync",
      ] as const
    ) assertEquals(calls[name], 0, name);
    // On a software adapter the copy of a read that follows at once goes with the run.
    const { calls: both } = await countCalls(async () => await read(await classify(x)));
    const apart = machine.gpu.class === "software" ? 0 : 1;
    assertEquals([both.submit, both.beginComputePass, both.mapAsync], [1 + apart, 1, 1]);
    const plan = compilePlan(stage(digits(p), [f32([1, 1, 28, 28])]), machine.gpu.limits);
    assertEquals(calls.dispatchWorkgroups, plan.steps.length);
    // A host value is written into the buffer that the plan keeps for it, and nothing more.
    const image = tensor(new Float32Array(784), [1, 1, 28, 28]);
    for (let i = 0; i < 3; i++) (await classify(image)).dispose();
    const { calls: fed } = await countCalls(async () => (await classify(image)).dispose());
    assertEquals([fed.submit, fed.writeBuffer, fed.createBindGroup, fed.createBuffer], [
      1,
      1,
      0,
      0,
    ]);
    classify.dispose();
    await machine[Symbol.asyncDispose]();
  },
});
