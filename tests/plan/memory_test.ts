/**
 * Memory planning: nothing overlaps what lives at the same time, offsets are aligned, arenas stay
 * within their bound.
 * @module
 */
import fc from "fast-check";
import { assign, type Life } from "../../lib/plan/memory.ts";
import { assert, assertEquals, assertGreaterOrEqual } from "../std.ts";

const lives = fc.array(
  fc.tuple(
    fc.integer({ min: 4, max: 5000 }),
    fc.integer({ min: 0, max: 30 }),
    fc.integer({ min: 0, max: 12 }),
  ).map(([bytes, from, length]): Life => ({ bytes, from, to: from + length })),
  { maxLength: 40 },
);

Deno.test("values alive at one time never overlap, and places are aligned and bounded", () => {
  fc.assert(
    fc.property(
      lives,
      fc.constantFrom(4, 32, 256),
      fc.constantFrom(8192, 1 << 20),
      (list, align, most) => {
        const { places, arenas, lowerBound } = assign(list, align, most);
        for (const [i, a] of list.entries()) {
          const p = places[i];
          assertEquals(p.offset % align, 0);
          assert(p.offset + a.bytes <= arenas[p.arena] && arenas[p.arena] <= most);
          for (const [j, b] of list.slice(0, i).entries()) {
            const q = places[j];
            const meet = a.from <= b.to && b.from <= a.to && p.arena === q.arena;
            const apart = p.offset + a.bytes <= q.offset || q.offset + b.bytes <= p.offset;
            assert(!meet || apart, `${i} and ${j} overlap`);
          }
        }
        const total = arenas.reduce((n, x) => n + x, 0);
        assertGreaterOrEqual(total, lowerBound);
        for (let step = 0; step <= 42; step++) {
          const live = list.filter((l) => l.from <= step && step <= l.to)
            .reduce((n, l) => n + Math.ceil(l.bytes / align) * align, 0);
          assertGreaterOrEqual(lowerBound, live);
        }
      },
    ),
  );
});

Deno.test("a chain of equal values needs two places", () => {
  const chain = Array.from({ length: 50 }, (_, i): Life => ({ bytes: 1000, from: i, to: i + 1 }));
  const { arenas, lowerBound } = assign(chain, 256, 1 << 20);
  assertEquals([arenas, lowerBound], [[2048], 2048]);
});

Deno.test("arenas multiply where a binding is too small for all", () => {
  const all = Array.from({ length: 10 }, (): Life => ({ bytes: 1000, from: 0, to: 1 }));
  const { arenas } = assign(all, 256, 3000);
  assertEquals(arenas, [2048, 2048, 2048, 2048, 2048]);
});
