/**
 * Kernels of products: they agree with the loop nest, and their texts.
 * @module
 */
import type { MatmulForm } from "../../../lib/core/form.ts";
import { s } from "../../../lib/core/scalar.ts";
import type { Variant } from "../../../lib/core/target.ts";
import { emitMatmul, matmulVariants } from "../../../kernels/wgsl/matmul.ts";
import { testDevice } from "../../gpu/run_contraction.ts";
import { assertEquals, assertNotEquals } from "../../std.ts";
import { integerProduct, product, products } from "../../forms/contractions.ts";
import { agrees, limits } from "./judge.ts";

const device = await testDevice();
const ignore = device === undefined;
Deno.test.afterAll(() => device?.destroy());

const tile = (tm: number, tn: number, images = ""): Variant => ({
  name: `tile${tm}x${tn} images ${images}`,
  kernel: "tile",
  tm,
  tn,
  turn: false,
  group: 8,
  images,
});

/** Runs every variant of both adapter classes, with and without constant weights. */
async function allAgree(form: MatmulForm, more: readonly Variant[] = []): Promise<void> {
  const found = new Map<string, Variant>();
  for (const adapter of ["software", "gpu"] as const) {
    for (const constants of [[], [1]]) {
      for (const v of matmulVariants(form, adapter, constants)) found.set(JSON.stringify(v), v);
    }
  }
  assertNotEquals(found.size, 0);
  for (const variant of [...found.values(), ...more]) {
    await agrees(device!, form, variant, emitMatmul(form, variant, limits));
  }
}

for (const [m, n, k, options = {}] of products) {
  const name = `emitMatmul() ${m}x${n}x${k} ${JSON.stringify(options)} agrees with the loop nest`;
  Deno.test({
    name,
    ignore,
    fn: () => {
      const turned = { ...tile(8, 8), name: "turned", turn: true };
      return allAgree(product(m, n, k, options), [tile(4, 8), tile(8, 16, "0,1"), turned]);
    },
  });
}

for (const turned of ["", "a", "b"] as const) {
  Deno.test({
    name: `emitMatmul() reads f16 operands and writes f16, turned: "${turned}"`,
    ignore,
    fn: async () => {
      const form = product(12, 24, 16, { turned, tail: "bias", dtype: "f16", out: "f16" });
      for (const variant of matmulVariants(form, "software")) {
        // One rounding to half: half a unit in the last of eleven binary places.
        await agrees(device!, form, variant, emitMatmul(form, variant, limits), 2 ** -11);
      }
    },
  });
}

Deno.test({
  name: "emitMatmul() sums integers without rounding",
  ignore,
  fn: () => allAgree(integerProduct(6, 8, 12)),
});

Deno.test({
  name: "emitMatmul() computes what is fused into an operand, coordinates included",
  ignore,
  fn: async () => {
    const form = product(8, 12, 16);
    const k = { kind: "axis", type: "i32", axis: 2, extent: 16 } as const;
    await allAgree({ ...form, a: s.max(form.a, 0), b: s.mul(form.b, s.toF32(k)) });
  },
});

Deno.test({
  name: "emitMatmul() computes an operand whose addresses are no sums",
  ignore,
  fn: async () => {
    const form = product(8, 12, 16);
    if (form.a.kind !== "load") throw new TypeError("internal: the operand is no load");
    const k = { kind: "axis", type: "i32", axis: 2, extent: 16 } as const;
    const guarded = { ...form.a, valid: s.lt(k, 9), fill: 2 };
    const scrambled = { ...form.a, index: s.rem(s.mul(form.a.index, 7), 128) };
    await allAgree({ ...form, a: guarded });
    await allAgree({ ...form, a: scrambled });
  },
});

Deno.test("matmulVariants() names images only for constants that can be one", () => {
  const images = (form: MatmulForm, constants: readonly number[]) =>
    matmulVariants(form, "software", constants)[0].images;
  assertEquals(images(product(8, 16, 8), []), "");
  assertEquals(images(product(8, 16, 8), [1]), "1");
  assertEquals(images(product(8, 16, 8, { tail: "bias" }), [1, 2]), "1");
  assertEquals(images(product(8, 16, 8, { dtype: "f16" }), [1]), "");
  assertEquals(matmulVariants(product(8, 16, 8), "gpu", [1])[0].images, "");
});

Deno.test("matmulVariants() leaves a loop that is too long to the plain reduction", () => {
  assertEquals(matmulVariants(product(1, 4, 65537), "software"), []);
  assertNotEquals(matmulVariants(product(1, 4, 65536), "software"), []);
});

Deno.test("emitMatmul() gives one text for layers that differ in size only", () => {
  const text = (m: number, n: number, k: number) =>
    emitMatmul(product(m, n, k, { tail: "bias" }), tile(8, 16), limits).text;
  assertEquals(text(128, 384, 1536), text(57, 64, 32));
});

Deno.test("emitMatmul() has the golden text of a small tile", async (t) => {
  const form = product(64, 64, 64, { tail: "residual" });
  await t.assertSnapshot(emitMatmul(form, tile(2, 4, "1"), limits).text, {
    serializer: (text) => text,
  });
});

Deno.test("emitMatmul() has the golden text of a shared tile", async (t) => {
  const variant = {
    name: "shared",
    kernel: "shared",
    wm: 8,
    wn: 8,
    wk: 4,
    rm: 2,
    rn: 4,
    turn: false,
  };
  await t.assertSnapshot(emitMatmul(product(64, 64, 64), variant, limits).text, {
    serializer: (text) => text,
  });
});
