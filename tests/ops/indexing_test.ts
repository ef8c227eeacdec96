/**
 * Indexing against what NumPy makes of the same expressions (tests/data/numpy), with constant
 * indices and with those that are only known when they run; and what is refused.
 * @module
 */
import { type Host, host } from "../../lib/core/host.ts";
import { constant, tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { bool, f32, i32 } from "../../lib/core/type.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { grad } from "../../lib/grad/vjp.ts";
import { mul } from "../../lib/ops/arithmetic.ts";
import { gt } from "../../lib/ops/compare.ts";
import { addIndex, type Index, index, setIndex } from "../../lib/ops/indexing.ts";
import { sum } from "../../lib/ops/reduce.ts";
import { condTake, nonzero } from "../../lib/ops/search.ts";
import { assertAgrees } from "../plan/agree.ts";
import { assertEquals, assertThrows } from "../std.ts";

interface Recorded {
  readonly shape: readonly number[];
  readonly index: readonly (number | null | "..." | {
    readonly slice?: readonly (number | null)[];
    readonly ints?: unknown;
    readonly mask?: unknown;
  })[];
  readonly part: { readonly shape: readonly number[]; readonly data: readonly number[] };
  readonly set: readonly number[];
  readonly added: readonly number[];
}

async function recorded(): Promise<readonly Recorded[]> {
  const file = new URL("../data/numpy/index.json", import.meta.url);
  return JSON.parse(await Deno.readTextFile(file));
}

function counting(shape: readonly number[], from = 0): Host {
  const n = shape.reduce((a, b) => a * b, 1);
  return host(i32(shape), Int32Array.from({ length: n }, (_, i) => from + i));
}

function nested(list: unknown, as: "i32" | "bool"): Host {
  const shape: number[] = [];
  for (let at = list; Array.isArray(at); at = at[0]) shape.push(at.length);
  const flat = [list].flat(8).map(Number);
  return as === "i32"
    ? host(i32(shape), Int32Array.from(flat))
    : host(bool(shape), Uint8Array.from(flat));
}

/** The items of a case; tensors come from `given`, or are constants. */
function itemsOf(c: Recorded, given?: readonly Tensor[]): { items: Index[]; tensors: Host[] } {
  const tensors: Host[] = [];
  const items = c.index.map((item): Index => {
    if (typeof item !== "object" || item === null) return item;
    if (item.slice) {
      const [begin, end, step] = item.slice.map((n) => n ?? undefined);
      return [begin, end, step];
    }
    const value = item.ints === undefined ? nested(item.mask, "bool") : nested(item.ints, "i32");
    tensors.push(value);
    return given ? given[tensors.length - 1] : constant(value);
  });
  return { items, tensors };
}

Deno.test("index, setIndex and addIndex agree with NumPy", async () => {
  for (const c of await recorded()) {
    const x = constant(counting(c.shape));
    const { items } = itemsOf(c);
    const value = constant(counting(c.part.shape, 100));
    const found = [index(x, items), setIndex(x, items, value), addIndex(x, items, value)];
    const [part, put, added] = evaluateNow(found);
    const what = JSON.stringify([c.shape, c.index]);
    assertEquals(part.shape, c.part.shape, what);
    assertEquals([...part.data], c.part.data, what);
    assertEquals([...put.data], c.set, `set ${what}`);
    assertEquals([...added.data], c.added, `add ${what}`);
  }
});

Deno.test("indices and masks that are arguments agree with NumPy", async () => {
  for (const c of (await recorded()).filter((_, i) => i % 3 === 0)) {
    const { tensors } = itemsOf(c);
    if (!tensors.length) continue;
    const masks = tensors.filter((t) => t.dtype === "bool");
    const max = Math.max(0, ...masks.map((t) => t.data.filter(Boolean).length));
    const value = counting(c.part.shape, 100);
    const f = (x: Tensor, value: Tensor, ...given: Tensor[]) => {
      const { items } = itemsOf(c, given);
      return [
        index(x, items, { max }),
        setIndex(x, items, value, { max }),
        addIndex(x, items, value, { max }),
      ];
    };
    // several masks of one index choose equally many, as they must in NumPy
    const [part, put, added] = evaluateNow(
      f(constant(counting(c.shape)), constant(value), ...tensors.map((t) => notConstant(t))),
    );
    const what = JSON.stringify([c.shape, c.index]);
    assertEquals([...part.data], c.part.data, what);
    assertEquals([...put.data], c.set, `set ${what}`);
    assertEquals([...added.data], c.added, `add ${what}`);
    await assertAgrees(f, [counting(c.shape), value, ...tensors]);
  }
});

/** A value that staging does not look into. */
function notConstant(t: Host): Tensor {
  const zero = constant(host(i32(t.shape), new Int32Array(t.data.length)));
  return t.dtype === "bool"
    ? gt(constant(host(i32(t.shape), Int32Array.from(t.data))), zero)
    : mul(constant(t), 1);
}

Deno.test("masks have room for a stated number of elements", () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  const mask = gt(mul(x, 1), 2);
  const values = (t: Tensor) => [...evaluateNow([t])[0].data];
  assertEquals(values(index(x, [mask], { max: 6 })), [3, 4, 5, 6, 0, 0]);
  assertEquals(values(index(x, [mask], { max: 2 })), [3, 4]);
  assertEquals(values(setIndex(x, [mask], 0, { max: 6 })), [1, 2, 0, 0, 0, 0]);
  assertEquals(values(setIndex(x, [mask], 0, { max: 2 })), [1, 2, 0, 0, 5, 6]);
  assertEquals(values(addIndex(x, [mask], 10, { max: 5 })), [1, 2, 13, 14, 15, 16]);
  const taken = condTake(x, mask, { max: 5 });
  assertEquals(values(taken.values), [3, 4, 5, 6, 0]);
  assertEquals(values(taken.indices), [2, 3, 4, 5, -1]);
  assertEquals(values(taken.count), [4]);
  const found = nonzero(mask, { max: 5 });
  assertEquals(values(found.indices), [0, 1, 1, 1, -1, 2, 0, 1, 2, -1]);
  assertEquals(values(condTake(x, tensor([[true, false, true], [false, false, false]])).values), [
    1,
    3,
  ]);
  const none = nonzero(tensor(new Float32Array(0), [0, 2]));
  assertEquals([none.indices.shape, values(none.count)], [[2, 0], [0]]);
});

Deno.test("indexing differentiates: what was overwritten gets nothing, what was named twice both", () => {
  const x = tensor([1, 2, 3, 4]);
  const i = tensor(new Int32Array([1, 3, 1]), [3]);
  const w = tensor([10, 20, 30]);
  const values = (t: Tensor) => [...evaluateNow([t])[0].data];
  assertEquals(values(grad((x: Tensor) => sum(mul(index(x, [i]), w)))(x)), [0, 40, 0, 20]);
  const all = tensor([1, 2, 3, 4]);
  assertEquals(values(grad((x: Tensor) => sum(mul(setIndex(x, [i], w), all)))(x)), [1, 0, 3, 0]);
  assertEquals(values(grad((v: Tensor) => sum(mul(setIndex(x, [i], v), all)))(w)), [0, 4, 2]);
  assertEquals(values(grad((v: Tensor) => sum(mul(addIndex(x, [i], v), all)))(w)), [2, 4, 2]);
});

Deno.test("an index outside, shapes and dtypes that do not fit are refused by name", () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  const refuse = (run: () => unknown, kind: typeof RangeError, text: string) =>
    assertThrows(run, kind, text);
  refuse(() => index(x, [2]), RangeError, "index 2 of axis 0 of f32[2,3]: it has 2 elements");
  const outside = tensor(new Int32Array([0, 3]), [2]);
  refuse(() => index(x, [[], outside]), RangeError, "index 3 of axis 1 of f32[2,3]");
  refuse(() => index(x, [0, 0, 0]), RangeError, "by 3 axes: it has 2");
  refuse(() => index(x, ["...", "..."]), RangeError, "2 ellipses");
  refuse(() => index(x, [x] as never), TypeError as never, "must hold integers or be a mask");
  const mask = gt(mul(x, 1), 2);
  refuse(() => index(x, [mask]), RangeError, "chooses is not known while staging");
  refuse(() => index(x, [[], mask]), RangeError, "by 3 axes");
  refuse(() => setIndex(x, [0], tensor([1, 2])), RangeError, "the index names [3]");
  const whole = tensor(new Int32Array([1]), [1]);
  refuse(() => setIndex(x, [0], whole), TypeError as never, "the dtypes differ");
  const [a, b] = [2, 3].map((n) => tensor(new Int32Array(n), [n]));
  refuse(() => index(x, [a, b]), RangeError, "do not broadcast together");
  refuse(() => condTake(x, gt(tensor([1, 2]), 1)), RangeError, "the shapes differ");
  assertEquals(index(x, [null, "...", 1]).shape, [1, 2]);
  assertEquals(f32(index(x, []).shape).shape, [2, 3]);
});
