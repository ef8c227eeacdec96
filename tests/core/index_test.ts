/**
 * Index arithmetic against plain evaluation: whatever is simplified, every point keeps its value.
 * @module
 */
import fc from "fast-check";
import {
  addressOf,
  axesOf,
  constant,
  divIndex,
  linearOf,
  modIndex,
  plusIndex,
  rangeOf,
  substitute,
  timesIndex,
} from "../../lib/core/index.ts";
import { coordsOf } from "../../lib/core/coords.ts";
import { printScalar, s, type Scalar } from "../../lib/core/scalar.ts";
import { denseStrides, sizeOf } from "../../lib/core/type.ts";
import { compile, environment } from "../../lib/cpu/scalar.ts";
import { assert, assertEquals, assertLess } from "../std.ts";

/** A sum of axes with the function that it stands for. */
interface Indexed {
  readonly term: Scalar;
  readonly at: (point: readonly number[]) => number;
}

const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });

/** Sums of axes times constants, of either sign, with divisions and remainders of what came. */
function indexed(shape: readonly number[]): fc.Arbitrary<Indexed> {
  const axes = axesOf(shape);
  const sum = fc.tuple(
    fc.array(fc.integer({ min: -9, max: 9 }), { minLength: shape.length, maxLength: shape.length }),
    fc.integer({ min: -40, max: 40 }),
  ).map(([coefs, c]): Indexed => ({
    term: coefs.reduce((t, k, i) => plusIndex(t, timesIndex(axes[i], k)), constant(c)),
    at: (p) => coefs.reduce((n, k, i) => n + k * p[i], c),
  }));
  const steps = fc.array(
    fc.tuple(fc.constantFrom("div", "mod", "times", "plus"), fc.integer({ min: 1, max: 7 })),
    { maxLength: 4 },
  );
  return fc.tuple(sum, steps).map(([first, list]) =>
    list.reduce(({ term, at }, [what, k]): Indexed => {
      switch (what) {
        case "div":
          return { term: divIndex(term, k), at: (p) => Math.floor(at(p) / k) };
        case "mod":
          return { term: modIndex(term, k), at: (p) => at(p) - k * Math.floor(at(p) / k) };
        case "times":
          return { term: timesIndex(term, k - 4), at: (p) => at(p) * (k - 4) };
        default:
          return { term: plusIndex(term, k - 4), at: (p) => at(p) + k - 4 };
      }
    }, first)
  );
}

function* points(shape: readonly number[]): Generator<number[]> {
  const strides = denseStrides(shape);
  for (let i = 0; i < sizeOf(shape); i++) {
    yield shape.map((e, d) => Math.floor(i / strides[d]) % e);
  }
}

function evaluated(term: Scalar): (point: readonly number[]) => number {
  const run = compile(term);
  const env = environment();
  return (point) => {
    env.axes.splice(0, env.axes.length, ...point);
    return run(env);
  };
}

Deno.test("sums, quotients and remainders keep their values, also below zero", () => {
  fc.assert(
    fc.property(
      shapes.chain((shape) => fc.tuple(fc.constant(shape), indexed(shape))),
      ([shape, { term, at }]) => {
        const value = evaluated(term);
        const [lo, hi] = rangeOf(term);
        for (const point of points(shape)) {
          const want = at(point) + 0;
          assertEquals(value(point) + 0, want);
          assert(lo <= want && want <= hi, `${want} is outside ${lo}..${hi}`);
        }
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("addressOf() and coordsOf() undo each other", () => {
  fc.assert(fc.property(shapes, (shape) => {
    const axes = axesOf(shape);
    const address = addressOf(axes, shape);
    const back = coordsOf(address, shape);
    const strides = denseStrides(shape);
    const values = [address, ...back].map(evaluated);
    for (const point of points(shape)) {
      const want = point.reduce((n, x, i) => n + x * strides[i], 0);
      assertEquals(values.map((v) => v(point)), [want, ...point]);
    }
    assertEquals(back.map((t, i) => t.kind === axes[i].kind), shape.map(() => true));
  }));
});

Deno.test("an address taken apart by another shape of the same size keeps its place", () => {
  const pairs = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 5 })
    .chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(list, { minLength: list.length }),
      )
    );
  fc.assert(fc.property(pairs, ([shape, other]) => {
    const address = addressOf(axesOf(shape), shape);
    const again = addressOf(coordsOf(address, other), other);
    const [a, b] = [address, again].map(evaluated);
    for (const point of points(shape)) assertEquals(b(point), a(point));
  }));
});

Deno.test("coordsOf() takes any sum within a shape apart", () => {
  const digits = fc.tuple(shapes, shapes).chain(([shape, over]) =>
    fc.record({
      shape: fc.constant(shape),
      over: fc.constant(over),
      coefs: fc.array(fc.integer({ min: -30, max: 30 }), {
        minLength: over.length,
        maxLength: over.length,
      }),
      first: fc.integer({ min: 0, max: 120 }),
    })
  );
  fc.assert(
    fc.property(digits, ({ shape, over, coefs, first }) => {
      const axes = axesOf(over);
      const sum = coefs.reduce((t, k, i) => plusIndex(t, timesIndex(axes[i], k)), constant(first));
      const [lo, hi] = rangeOf(sum);
      fc.pre(lo >= 0 && hi < sizeOf(shape));
      const strides = denseStrides(shape);
      const values = coordsOf(sum, shape).map(evaluated);
      const at = evaluated(sum);
      for (const point of points(over)) {
        const want = shape.map((extent, i) => Math.floor(at(point) / strides[i]) % extent);
        assertEquals(values.map((v) => v(point) + 0), want);
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("coordsOf() takes a sum apart that lies within a shape only where a condition holds", () => {
  const given = shapes.chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      steps: fc.array(fc.constantFrom(1, 1, 2, -1), {
        minLength: shape.length,
        maxLength: shape.length,
      }),
      // How far coordinates begin and end beyond the shape, and what the condition lets through of it.
      before: fc.array(fc.integer({ min: -1, max: 3 }), {
        minLength: shape.length,
        maxLength: shape.length,
      }),
      kept: fc.integer({ min: -1, max: 1 }),
    })
  );
  let apart = 0;
  fc.assert(
    fc.property(given, ({ shape, steps, before, kept }) => {
      const over = shape.map((extent, i) => extent + before[i] + 2);
      // Backwards, the last coordinate is the first.
      const coords = axesOf(over).map((axis, i) =>
        plusIndex(timesIndex(axis, steps[i]), steps[i] < 0 ? shape[i] + 1 : -before[i])
      );
      const inside = coords.map((c, i) =>
        s.and(s.ge(c, Math.max(0, kept)), s.lt(c, shape[i] + Math.min(0, kept)))
      );
      const valid = inside.reduce((all, one) => s.and(all, one));
      const found = coordsOf(addressOf(coords, shape), shape, valid);
      if (!found.map(printScalar).join().match(/div|rem/)) apart++;
      const [holds, ...values] = [valid, ...found].map(evaluated);
      const wanted = coords.map(evaluated);
      for (const point of points(over)) {
        if (!holds(point)) continue;
        assertEquals(values.map((v) => v(point) + 0), wanted.map((v) => v(point) + 0));
      }
    }),
    { numRuns: 400 },
  );
  // Most need no division; where the condition keeps more out than what lies outside, some do.
  assert(apart > 200, `${apart}`);
});

Deno.test("substitute() agrees with evaluating at other coordinates", () => {
  const given = shapes.chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      indexed(shape),
      fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 }),
    )
  );
  fc.assert(fc.property(given, ([shape, { term }, by]) => {
    // each axis is replaced by a sum of two others, kept within its extent
    const outer = [3, 3];
    const [u, v] = axesOf(outer);
    const at = shape.map((e, i) => modIndex(plusIndex(plusIndex(u, v), by[i]), e));
    const made = evaluated(substitute(term, at));
    const plain = evaluated(term);
    for (const point of points(outer)) {
      assertEquals(
        made(point) + 0,
        plain(shape.map((e, i) => (point[0] + point[1] + by[i]) % e)) + 0,
      );
    }
  }));
});

Deno.test("a chain of views costs one plain address", () => {
  const shape = [4, 6, 5];
  const address = addressOf(axesOf(shape), shape);
  const there = addressOf(coordsOf(address, [24, 5]), [24, 5]);
  const back = addressOf(coordsOf(there, [4, 30]), [4, 30]);
  assertEquals([...linearOf(back).terms.values()].map(({ coef }) => coef), [30, 5, 1]);
});

Deno.test("what may wrap has no range, so that no division is simplified over it", () => {
  const x: Scalar = { kind: "load", type: "i32", operand: 0, index: constant(0) };
  const sum = s.add(s.add(x, 2 ** 30), 2 ** 30);
  assertEquals(rangeOf(sum), [-(2 ** 31), 2 ** 31 - 1]);
  const run = (data: number, term: Scalar) => {
    const env = environment([Int32Array.of(data)]);
    return compile(term)(env);
  };
  const axis = s.axis(0, 1);
  const quotient = s.div(s.add(s.add(s.add(x, 2 ** 30), 2 ** 30), axis), 3);
  const moved = substitute(quotient, [constant(0)]);
  for (const data of [5, -5, 2 ** 31 - 1, -(2 ** 31)]) {
    const env = environment([Int32Array.of(data)]);
    env.axes[0] = 0;
    assertEquals(run(data, moved), compile(quotient)(env), String(data));
  }
});

Deno.test("a shared part is looked at once, so that doublings stay cheap", () => {
  let term: Scalar = { kind: "load", type: "i32", operand: 0, index: s.axis(0, 8) };
  for (let i = 0; i < 60; i++) term = s.add(s.bitXor(term, 1), s.bitXor(term, 2));
  let sums: Scalar = s.axis(0, 8);
  for (let i = 0; i < 40; i++) sums = s.add(sums, sums);
  const from = performance.now();
  assertEquals(rangeOf(term), [-(2 ** 31), 2 ** 31 - 1]);
  assertEquals(linearOf(plusIndex(term, plusIndex(term, 0))).terms.size, 2);
  assertEquals(rangeOf(sums).length, 2);
  assertEquals(linearOf(sums).terms.size, 0, "2^40 is 0 in 32 bits");
  assertLess(performance.now() - from, 500);
});
