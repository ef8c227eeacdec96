/**
 * A new operation in ten lines: it computes, fuses, differentiates, prints, and is written to files
 * as what it is made of.
 * @module
 */
import { between } from "../../lib/op/kinds.ts";
import { s } from "../../lib/core/scalar.ts";
import { fromScalar } from "../../lib/ops/from_scalar.ts";
import {
  add,
  type DType,
  grad,
  load,
  mul,
  read,
  sum,
  type Tensor,
  tensor,
  trace,
  unary,
} from "../../mod.ts";
import { assertAgrees, kernelsOf } from "../plan/agree.ts";
import { targetTests } from "../targets.ts";
import { assert, assertAlmostEquals, assertEquals, assertNotMatch } from "../std.ts";

const softsign = unary({
  name: "softsign",
  doc: "x / (1 + |x|)",
  scalar: (x) => s.div(x, s.add(s.abs(x), 1)),
  vjp: ({ ct, ins: [x] }) => [mul(ct, slope(x))],
  cases: [{ ins: [between(-3, 3, [4, 5])] }],
});
const slope = unary({
  name: "softsignSlope",
  doc: "1 / (1 + |x|)²",
  scalar: (x) => s.div(1, s.mul(s.add(s.abs(x), 1), s.add(s.abs(x), 1))),
  cases: [{ ins: [between(-3, 3, [4, 5])] }],
});

const xs = [-3, -0.5, 0.25, 2];
const plain = (x: number) => x / (1 + Math.abs(x));
const test = await targetTests();

test("a new operation computes, and its gradient agrees with differences", async (on) => {
  await using f = trace((x: Tensor) => [softsign(x), grad((y: Tensor) => sum(softsign(y)))(x)], {
    on,
  });
  const [y, g] = await f(tensor(xs));
  const [ys, gs] = [(await read(y)).data, (await read(g)).data];
  for (const [i, x] of xs.entries()) {
    assertAlmostEquals(Number(ys[i]), plain(x), 1e-6);
    assertAlmostEquals(Number(gs[i]), (plain(x + 1e-4) - plain(x - 1e-4)) / 2e-4, 1e-4);
  }
});

Deno.test("a new operation fuses with its neighbours into one kernel", async () => {
  const x = { dtype: "f32", shape: [4], data: Float32Array.from(xs) } as const;
  const plan = await assertAgrees((x) => mul(softsign(add(x, 1)), 2), [x]);
  assertEquals(kernelsOf(plan), 1);
  const half = { dtype: "f16", shape: [4], data: Float16Array.from(xs) } as const;
  await assertAgrees((x) => softsign(mul(x, 2)), [half], { rtol: 1e-3 });
});

Deno.test("a new operation prints by its name", () => {
  assert(String(softsign(tensor(xs))).includes("%1: f32[4] = softsign(%0)"));
});

Deno.test("a new operation is a composition of others, with the same values", async () => {
  for (const dtype of ["f32", "f16"] as DType[]) {
    const x = tensor(Float32Array.from(xs), [4], dtype);
    const made = fromScalar(softsign.op, [x], {}, dtype);
    assertNotMatch(String(made), /softsign/);
    assertEquals((await read(made)).data, (await read(softsign(x))).data);
  }
});

Deno.test("a new operation is written to a file as its composition and loaded back", async () => {
  for (const format of ["FBS", "FBS_V2"] as const) {
    const f = trace((x: Tensor) => add(softsign(x), 1), { captureAsConst: true });
    await f(tensor(xs));
    const path = await Deno.makeTempFile({ suffix: ".mge" });
    try {
      await f.dump(path, { format });
      const model = await load(path);
      const out = await model(tensor(xs));
      const [value] = Object.values(out);
      const { data } = await read(value);
      xs.forEach((x, i) => assertAlmostEquals(Number(data[i]), plain(x) + 1, 1e-6));
    } finally {
      await Deno.remove(path);
    }
  }
});
