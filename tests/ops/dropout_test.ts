/**
 * Dropout keeps the share, the scale and the key's choice.
 * @module
 */
import { OptionError } from "../../lib/core/fault.ts";
import { tensor } from "../../lib/core/leaf.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { grad } from "../../lib/grad/vjp.ts";
import { ones } from "../../lib/ops/create.ts";
import { dropout } from "../../lib/ops/dropout.ts";
import { key } from "../../lib/ops/random.ts";
import { sum } from "../../lib/ops/reduce.ts";
import { assert, assertEquals, assertThrows } from "../std.ts";

Deno.test("dropout() zeroes about rate of the elements and scales the others", () => {
  const [out] = evaluateNow([dropout(ones([4000]), 0.25, key(7))]);
  const left = out.data.filter((x) => x !== 0);
  assert(Math.abs(left.length / 4000 - 0.75) < 0.03, `${left.length} of 4000 are left`);
  assertEquals(new Set(left), new Set([Math.fround(4 / 3)]));
});

Deno.test("dropout() zeroes the same elements for the same key, gradients too", () => {
  const x = ones([200]);
  const f = (seed: number) => dropout(x, 0.5, key(seed));
  const [a, b, c] = evaluateNow([f(1), f(1), f(2)]);
  assertEquals(a.data, b.data);
  assert(a.data.some((v, i) => v !== c.data[i]), "two keys gave one mask");
  const [g] = evaluateNow([grad((t) => sum(dropout(t, 0.5, key(1))))(x)]);
  assertEquals(g.data, a.data);
});

Deno.test("dropout() of rate 0 is its operand; a rate of 1 is refused", () => {
  const x = tensor([1, 2]);
  assert(dropout(x, 0, key(1)) === x);
  assertThrows(() => dropout(x, 1, key(1)), OptionError, "not including 1");
});
