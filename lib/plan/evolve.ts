/**
 * Where to cut an order, searched by mutation and crossover; the numbers that decide are the same
 * each time.
 * @module
 */

/** Positions at which an order is cut, ascending. */
export type Cuts = readonly number[];

/** Tries cuts that come of the best ones by mutation and crossover, in so many rounds. */
export function evolve(
  iterations: number,
  length: number,
  parentsOf: () => readonly { readonly cuts: Cuts }[],
  attempt: (cuts: Cuts) => void,
): void {
  const random = randomFrom(2333);
  const below = (n: number) => Math.floor(random() * n);
  const mutated = (cuts: Cuts): Cuts => {
    const list = [...cuts];
    const at = below(list.length + 1);
    switch (below(4)) {
      case 0:
        list.push(1 + below(length - 1));
        break;
      case 1:
        list.splice(at, 1);
        break;
      case 2: {
        const from = (list[at - 1] ?? 0) + 1, to = list[at + 1] ?? length;
        if (at < list.length && to > from) list[at] = from + below(to - from);
        break;
      }
      default:
    }
    return [...new Set(list)].sort((a, b) => a - b);
  };
  const crossed = (a: Cuts, b: Cuts): Cuts => {
    const at = below(length);
    return [...a.filter((x) => x < at), ...b.filter((x) => x >= at)];
  };
  for (let i = 0; i < iterations && length > 1; i++) {
    const parents = parentsOf();
    for (const { cuts } of parents) {
      attempt(mutated(mutated(cuts)));
      attempt(crossed(cuts, parents[below(parents.length)].cuts));
    }
  }
}

/** Numbers from 0 to below 1, the same for a seed: a Weyl sequence, mixed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let x = Math.imul(state ^ state >>> 16, 0x21f0aaad);
    x = Math.imul(x ^ x >>> 15, 0x735a2d97);
    return ((x ^ x >>> 15) >>> 0) / 2 ** 32;
  };
}
