/**
 * Kernels of convolutions: they agree with the loop nest, their texts and their packing.
 * @module
 */
import { evaluateForm } from "../../../lib/cpu/form.ts";
import type { ConvForm } from "../../../lib/core/form.ts";
import { s } from "../../../lib/core/scalar.ts";
import type { Variant } from "../../../lib/core/target.ts";
import { convVariants, emitConv } from "../../../kernels/wgsl/conv.ts";
import { prepack } from "../../../kernels/wgsl/prepack.ts";
import { testDevice } from "../../gpu/run_contraction.ts";
import { assert, assertEquals, assertNotEquals } from "../../std.ts";
import { convolution, convolutions, depthwise, pointwise } from "../../forms/contractions.ts";
import { values } from "../../forms/values.ts";
import { agrees, limits } from "./judge.ts";

const device = await testDevice();
const ignore = device === undefined;
Deno.test.afterAll(() => device?.destroy());

/** Runs every variant of both adapter classes, with and without constant weights. */
async function allAgree(form: ConvForm): Promise<void> {
  const found = new Map<string, Variant>();
  for (const adapter of ["software", "gpu"] as const) {
    for (const constants of [[], [1]]) {
      for (const v of convVariants(form, adapter, constants)) found.set(JSON.stringify(v), v);
    }
  }
  assertNotEquals(found.size, 0);
  for (const variant of found.values()) {
    await agrees(device!, form, variant, emitConv(form, variant, limits));
  }
}

for (const [name, options] of Object.entries(convolutions)) {
  Deno.test({
    name: `emitConv() agrees with the loop nest: ${name}`,
    ignore,
    fn: () => allAgree(convolution(options)),
  });
}

Deno.test({
  name: "emitConv() computes what is fused into the input, coordinates included",
  ignore,
  fn: async () => {
    const column = { kind: "axis", type: "i32", axis: 4, extent: 8 } as const;
    for (const options of [{}, { ...depthwise, g: 4 }, pointwise]) {
      const form = convolution(options);
      await allAgree({ ...form, x: s.max(form.x, 0.25) });
      await allAgree({ ...form, x: s.add(form.x, s.toF32(column)) });
    }
  },
});

Deno.test("prepack() packs weights for quads of output channels and keeps the meaning", () => {
  const form = convolution({ g: 2, c: 3, o: 8, tail: "residual" });
  const packed = prepack(form);
  assert(packed && packed.form.kind === "conv");
  assertEquals(packed.packs, [1]);
  assertEquals(packed.keeps, [0, 2, 3]);
  const ins = form.ins.map((type, i) => values(type, i + 1));
  const [weights] = evaluateForm(packed.pack, packed.packs.map((i) => ins[i]));
  assertEquals(weights.shape, [2, 3, 3, 3, 8]);
  const operands = [...packed.keeps.map((i) => ins[i]), weights];
  assertEquals(evaluateForm(packed.form, operands), evaluateForm(form, ins));
  assertEquals(prepack(packed.form), undefined);
  assert(prepack(convolution(pointwise)));
});

Deno.test("prepack() leaves alone what reads its weights well already", () => {
  assertEquals(prepack(convolution({ ...depthwise, g: 8 })), undefined);
  assertEquals(prepack(convolution({ packed: true })), undefined);
  assertEquals(prepack(convolution({ inflate: [2, 2] })), undefined);
});

Deno.test("emitConv() gives one text for layers that differ in channels and rows only", () => {
  const text = (c: number, o: number, rows: number) => {
    const form = convolution({ c, o, input: [rows, 32], packed: true, tail: "bias" });
    return emitConv(form, convVariants(form, "software")[0], limits).text;
  };
  assertEquals(text(64, 64, 56), text(128, 256, 40));
});

Deno.test("emitConv() has the golden text of a small direct tile", async (t) => {
  const form = convolution({ packed: true, tail: "bias" });
  const variant = {
    name: "direct4x4x1",
    kernel: "direct",
    to: 4,
    tx: 4,
    ty: 1,
    across: false,
    group: 8,
    images: "1",
  };
  await t.assertSnapshot(emitConv(form, variant, limits).text, { serializer: (text) => text });
});

Deno.test("emitConv() has the golden text of a depthwise tile", async (t) => {
  const form = convolution({ ...depthwise, g: 8, stride: [2, 2], tail: "bias" });
  const variant = {
    name: "depthwise4x1",
    kernel: "depthwise",
    to: 1,
    tx: 4,
    ty: 1,
    across: false,
    group: 64,
    images: "",
  };
  await t.assertSnapshot(emitConv(form, variant, limits).text, { serializer: (text) => text });
});
