import { evaluateForm } from "../../../lib/cpu/form.ts";
import type { ConvForm } from "../../../lib/core/form.ts";
import { s } from "../../../lib/core/scalar.ts";
import type { Variant } from "../../../lib/core/target.ts";
import { convVariants, emitConv } from "../../../kernels/wgsl/conv.ts";
import { prepack } from "../../../kernels/wgsl/prepack.ts";
import { testDevice } from "../../gpu/run_contraction.ts";
import { assert, assertEquals, assertNotEquals } from "../../std.ts";
import { agrees, convolution, limits, values } from "./contractions.ts";

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

type Options = Parameters<typeof convolution>[0];
const pointwise = { kernel: [1, 1], pad: [0, 0] } as const;
const depthwise = { c: 1, o: 1 } as const;

const cases: Readonly<Record<string, Options>> = {
  "3x3": {},
  "3x3, packed weights, residual": { packed: true, tail: "residual" },
  "groups and batch, odd sizes": { n: 2, g: 2, c: 3, o: 5, input: [7, 9], tail: "bias" },
  "stride 2": { stride: [2, 2], input: [12, 12], o: 12, packed: true },
  "unequal strides": { stride: [1, 3], input: [9, 16], tail: "bias" },
  "dilation": { dilate: [2, 2], pad: [2, 2], input: [10, 8] },
  "dilation and stride": { dilate: [3, 2], stride: [2, 2], pad: [3, 2], input: [13, 16] },
  "negative padding": { pad: [-1, -1], input: [12, 12], tail: "bias" },
  "negative padding and stride": { pad: [-2, -3], stride: [2, 2], input: [16, 16] },
  "more below than above": { pad: [0, 2], input: [6, 5], tail: "residual" },
  "output past the padding": { output: [9, 10] },
  "inflated input": { inflate: [2, 2], input: [4, 4], tail: "bias" },
  "inflated input, stride 3": { inflate: [2, 3], stride: [3, 1], input: [5, 4] },
  "1x1": { ...pointwise, n: 2, tail: "residual" },
  "1x1, groups, odd sizes": { ...pointwise, g: 2, c: 3, o: 5, input: [3, 3], tail: "bias" },
  "1x1, many channels": { ...pointwise, c: 20, o: 36, input: [6, 6], tail: "bias" },
  "1x1, one column": { ...pointwise, c: 2, o: 3, input: [6, 1] },
  "1x1, stride 2": { ...pointwise, stride: [2, 2], c: 8, o: 12, tail: "bias" },
  "7x7, stride 2": {
    kernel: [7, 7],
    pad: [3, 3],
    stride: [2, 2],
    c: 3,
    o: 20,
    input: [20, 24],
    packed: true,
    tail: "bias",
  },
  "7x5": { kernel: [7, 5], pad: [3, 2], c: 2, o: 6, input: [9, 9], tail: "bias" },
  "small images": { input: [2, 2], c: 8, o: 16, packed: true },
  "3x3 pixels": { input: [3, 3], c: 8, o: 16, packed: true, tail: "residual" },
  "one row": { input: [1, 6], c: 2, o: 3 },
  "depthwise": { ...depthwise, g: 6, input: [12, 12], n: 2, tail: "residual" },
  "depthwise, odd sizes": { ...depthwise, g: 6, input: [7, 7], tail: "bias" },
  "depthwise, stride 2": { ...depthwise, g: 5, input: [16, 16], stride: [2, 2], tail: "bias" },
  "depthwise, 5x5": { ...depthwise, g: 5, input: [9, 24], kernel: [5, 5], pad: [2, 2] },
  "depthwise, tiny": { ...depthwise, g: 3, input: [2, 2] },
  "depthwise, dilated": { ...depthwise, g: 3, input: [12, 12], dilate: [2, 2], pad: [2, 2] },
  "depthwise with a multiplier": { g: 3, c: 1, o: 2, tail: "bias" },
};

for (const [name, options] of Object.entries(cases)) {
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
