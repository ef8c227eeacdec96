/**
 * The layered layout: no boxes overlap, edges go down and keep out of boxes, nothing is lost, the
 * same graph always looks the same, and thousands of nodes take little time.
 * @module
 */
import fc from "fast-check";
import { crossings, ordered } from "../../lib/report/order.ts";
import { type Box, layered, type Layout, type Point, type Size } from "../../lib/report/layered.ts";
import { layersOf } from "../../lib/report/layers.ts";
import { type Link, ranksOf } from "../../lib/report/ranks.ts";
import { OptionError } from "../../lib/core/fault.ts";
import { assert, assertEquals, assertLess, assertThrows } from "../std.ts";

interface Case {
  readonly sizes: readonly Size[];
  readonly links: readonly Link[];
}

/** Graphs without circles, in any order of their nodes, with repeated links. */
const cases: fc.Arbitrary<Case> = fc.integer({ min: 1, max: 40 }).chain((count) =>
  fc.record({
    sizes: fc.array(
      fc.record({
        width: fc.integer({ min: 20, max: 300 }),
        height: fc.integer({ min: 10, max: 90 }),
      }),
      { minLength: count, maxLength: count },
    ),
    pairs: fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 80 }),
    names: fc.shuffledSubarray(Array.from({ length: count }, (_, i) => i), { minLength: count }),
  }).map(({ sizes, pairs, names }) => ({
    sizes,
    links: pairs.filter(([a, b]) => a !== b)
      .map(([a, b]) => [names[Math.min(a, b)], names[Math.max(a, b)]] as const),
  }))
);

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
    b.y < a.y + a.height;
}

function assertSound({ sizes, links }: Case, layout: Layout): void {
  const { boxes, routes } = layout;
  assertEquals(boxes.map(({ width, height }) => ({ width, height })), [...sizes]);
  for (const [i, a] of boxes.entries()) {
    assert(
      a.x >= 0 && a.y >= 0 && a.x + a.width <= layout.width && a.y + a.height <= layout.height,
    );
    for (const b of boxes.slice(i + 1)) assert(!overlap(a, b), `${JSON.stringify([a, b])}`);
  }
  assertEquals(routes.length, links.length);
  links.forEach(([from, to], i) => {
    const { points, loose } = routes[i];
    const [source, target] = [boxes[from], boxes[to]];
    const [first, last] = [points[0], points.at(-1)!];
    assertEquals([first[1], last[1]], [source.y + source.height, target.y]);
    assert(first[0] > source.x && first[0] < source.x + source.width);
    assert(last[0] > target.x && last[0] < target.x + target.width);
    assert(source.y + source.height < target.y, "an edge goes up");
    points.slice(1).forEach((point, k) => {
      assert(point[1] >= points[k][1], "a way goes up");
      if (!loose) assert(!boxes.some((box) => crosses(points[k], point, box)), "through a box");
    });
  });
}

/** True if a straight vertical goes through a box, or a curve between rows reaches into one. */
function crosses([x0, y0]: Point, [x1, y1]: Point, box: Box): boolean {
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
  return right > box.x && left < box.x + box.width && y1 > box.y && y0 < box.y + box.height;
}

Deno.test("layered() keeps boxes apart, edges going down and around boxes, and loses nothing", () => {
  fc.assert(fc.property(cases, (c) => assertSound(c, layered(c.sizes, c.links))), { numRuns: 300 });
});

Deno.test("layered() stays sound where long edges are loose", () => {
  fc.assert(fc.property(cases, fc.nat(12), (c, bends) => {
    const layout = layered(c.sizes, c.links, { bends });
    assertSound(c, layout);
    const ranks = ranksOf(c.sizes.length, c.links);
    c.links.forEach(([from, to], i) => {
      if (layout.routes[i].loose) assert(ranks[to] - ranks[from] > 1);
    });
  }));
});

Deno.test("layered() gives the same picture for the same graph", () => {
  fc.assert(
    fc.property(cases, (c) => {
      assertEquals(layered(c.sizes, c.links), layered(c.sizes, c.links));
    }),
    { numRuns: 30 },
  );
});

Deno.test("ranksOf() puts users below operands, and what only gives next to its nearest user", () => {
  fc.assert(fc.property(cases, ({ sizes, links }) => {
    const rank = ranksOf(sizes.length, links);
    for (const [from, to] of links) assert(rank[from] < rank[to]);
    sizes.forEach((_, node) => {
      const users = links.filter(([from]) => from === node).map(([, to]) => rank[to]);
      const gives = links.some(([, to]) => to === node);
      if (users.length && !gives) assertEquals(rank[node], Math.min(...users) - 1);
    });
  }));
  const error = assertThrows(() => ranksOf(2, [[0, 1], [1, 0]]), OptionError, "in a circle");
  assertEquals(error.code, "option");
});

Deno.test("crossings() counts as the slow way does, and ordered() keeps each row's cells", () => {
  fc.assert(
    fc.property(cases, ({ sizes, links }) => {
      const layers = layersOf(ranksOf(sizes.length, links), links, 10_000);
      const rows = ordered(layers);
      const sorted = (all: readonly (readonly number[])[]) =>
        all.map((row) => [...row].sort((a, b) => a - b));
      assertEquals(sorted(rows), sorted(layers.rows));
      const at = placesIn(rows, layers.count);
      let slow = 0;
      for (const row of rows) {
        const ends = row.flatMap((a) => layers.below[a].map((b) => [at[a], at[b]]));
        ends.forEach(([a, b], i) =>
          ends.slice(i + 1).forEach(([c, d]) => slow += (a - c) * (b - d) < 0 ? 1 : 0)
        );
      }
      assertEquals(crossings(rows, layers.below, at), slow);
    }),
    { numRuns: 100 },
  );
});

function placesIn(rows: readonly (readonly number[])[], count: number): Float64Array {
  const at = new Float64Array(count);
  for (const row of rows) row.forEach((cell, i) => at[cell] = i);
  return at;
}

Deno.test("ordered() untangles what needs no crossing", () => {
  // two chains whose nodes come in turns, and a tree
  const links: Link[] = [[0, 3], [1, 2], [2, 5], [3, 4], [6, 7], [6, 8], [7, 10], [8, 9]];
  const layers = layersOf(ranksOf(11, links), links, 100);
  const rows = ordered(layers);
  assertEquals(crossings(rows, layers.below, placesIn(rows, layers.count)), 0);
});

Deno.test("layered() draws a chain as one straight line", () => {
  const sizes = Array.from({ length: 12 }, (_, i) => ({ width: 60 + 10 * i, height: 30 }));
  const links = sizes.slice(1).map((_, i): Link => [i, i + 1]);
  const { boxes, routes } = layered(sizes, links);
  assertEquals(new Set(boxes.map(({ x, width }) => x + width / 2)).size, 1);
  assert(routes.every(({ points }) => points.length === 2 && points[0][0] === points[1][0]));
});

Deno.test("layered() keeps the long side of a residual block straight", () => {
  const sizes = Array.from({ length: 6 }, () => ({ width: 100, height: 40 }));
  const links: Link[] = [[0, 1], [1, 2], [2, 3], [3, 4], [0, 4], [4, 5]];
  const bends = layered(sizes, links).routes[4].points.slice(1, -1).map(([x]) => x);
  assertEquals(new Set(bends.slice(1, -1)).size, 1);
});

Deno.test("layered() takes 3,000 nodes in under two seconds, tangled or long", () => {
  let seed = 1;
  const random = (n: number) => (seed = (seed * 1664525 + 1013904223) >>> 0) % n;
  const sizes = Array.from({ length: 3000 }, () => ({ width: 80 + random(120), height: 46 }));
  const near = sizes.slice(4).map((_, i): Link => [i + random(4), i + 4]);
  const skips = sizes.slice(40).map((_, i): Link => [i + random(36), i + 40]);
  const back = sizes.slice(1500).map((_, i): Link => [1499 - i, 1500 + i]);
  for (const links of [[...near, ...skips], [...near, ...back]]) {
    const begun = performance.now();
    const { routes } = layered(sizes, links);
    assertLess(performance.now() - begun, 2000);
    assertEquals(routes.length, links.length);
  }
});

Deno.test("layered() takes nothing, one node, and edges that repeat", () => {
  assertEquals(layered([], []), { width: 0, height: 0, boxes: [], routes: [] });
  const size = { width: 50, height: 20 };
  assertEquals(layered([size], []).boxes, [{ x: 0, y: 0, ...size }]);
  const { routes } = layered([size, size], [[0, 1], [0, 1]]);
  assertEquals(routes[0], routes[1]);
});
