/**
 * Memory for work: `sublinearMemory` and `dtr` choose an order in which works are done again, of
 * those that `sublinear.ts` and `dtr.ts` find, by the bytes that it takes in an arena.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Recomputed } from "../core/plan.ts";
import type { CompileOptions, Dtr, SublinearMemory } from "../core/target.ts";
import { evicting } from "./dtr.ts";
import { hoisted } from "./hoist.ts";
import type { Life } from "./memory.ts";
import { livesOf, type Order, peakOf, type Program, totalCost } from "./schedule.ts";
import { sublinear } from "./sublinear.ts";

/** An order and what it does again. */
export interface Scheduled {
  readonly order: Order;
  readonly recomputed: Recomputed;
}

/** Thresholds that eviction is tried with where the one given does not hold; then as many closer. */
const tries = 16;

/** True for options that ask for an order of their own. */
export function isRescheduled({ sublinearMemory, dtr }: CompileOptions): boolean {
  return sublinearMemory !== undefined || dtr !== undefined;
}

/**
 * The order of a program's works with the options; `arenaOf` says what lives take where they are
 * placed. Throws an OptionError for a threshold that no order found here keeps.
 */
export function rescheduled(
  program: Program,
  options: CompileOptions,
  arenaOf: (lives: readonly Life[]) => number,
): Scheduled {
  const { sublinearMemory = {}, dtr } = options;
  const written = [...program.works.keys()];
  const bytesOf = (order: Order) => arenaOf(livesOf(program, order));
  const moved = hoisted(program);
  const plain = peakOf(program, moved) <= peakOf(program, written) ? moved : written;
  const order = dtr
    ? within(program, [written, plain], complete(dtrDefaults, dtr), bytesOf)
    : least(program, [written, plain], complete(sublinearDefaults, sublinearMemory), bytesOf);
  const flops = (list: Order) => list.reduce((sum, w) => sum + program.works[w].flops, 0);
  return {
    order,
    recomputed: {
      steps: order.length - written.length,
      flops: flops(order) - flops(written),
      arenaBytesWithout: bytesOf(written),
    },
  };
}

/** The order of least bytes that cutting finds, the plain ones among them. */
function least(
  program: Program,
  plain: readonly Order[],
  options: Required<SublinearMemory>,
  bytesOf: (order: Order) => number,
): Order {
  const found = sublinear(program, plain[plain.length - 1], options).map(({ order }) => order);
  return cheapest(program, [...plain, ...found], bytesOf, options.lbMemoryMb * 2 ** 20);
}

/** Of some orders the one of least bytes; of those that have enough, the cheapest. */
function cheapest(
  program: Program,
  orders: readonly Order[],
  bytesOf: (order: Order) => number,
  enough: number,
): Order {
  const all = orders.map((order) => ({
    order,
    bytes: Math.max(bytesOf(order), enough),
    cost: totalCost(program, order),
  }));
  return all.sort((a, b) => a.bytes - b.bytes || a.cost - b.cost)[0].order;
}

/** An order under the threshold: a plain one if it fits, else what eviction makes of it. */
function within(
  program: Program,
  plain: readonly Order[],
  options: Required<Dtr>,
  bytesOf: (order: Order) => number,
): Order {
  const { evictionThreshold, evicteeMinimumSize } = options;
  const isEnough = (order: Order) => bytesOf(order) <= evictionThreshold;
  const fitting = plain.find(isEnough);
  if (fitting) return fitting;
  const from = plain[plain.length - 1];
  const evicted = (most: number) => evicting(program, from, most, options);
  const direct = evicted(evictionThreshold);
  if (direct && isEnough(direct)) return direct;

  const orders = [...plain, ...searched(program, from, evicted)];
  const smallest = Math.min(...orders.map(bytesOf));
  if (smallest <= evictionThreshold) {
    return cheapest(program, orders, bytesOf, evictionThreshold);
  }
  const values = program.sizes.filter((_, v) => program.bytes[v] > 0);
  const held = values.filter((n) => n < evicteeMinimumSize).length;
  const without = Math.min(...plain.map(bytesOf));
  throw new OptionError(
    `Cannot plan with dtr.evictionThreshold: ${evictionThreshold} bytes: the smallest that is ` +
      `feasible is ${smallest}; from ${without} bytes on nothing is computed again\n` +
      `  try this, or a smaller batch` +
      (held
        ? `, or dtr.evicteeMinimumSize under ${evicteeMinimumSize}, which keeps ` +
          `${held} of ${values.length} values`
        : ""),
    { code: "option.threshold" },
  );
}

/**
 * Orders for other thresholds, down to the smallest that is found: values may not fit side by side
 * though their sum does, so orders are judged by what they take.
 */
function searched(
  program: Program,
  from: Order,
  evicted: (most: number) => Order | undefined,
): readonly Order[] {
  const peak = peakOf(program, from);
  const orders: Order[] = [];
  let below = 0, above = peak;
  const isHeld = (most: number) => {
    const order = evicted(most);
    if (order) orders.push(order);
    return order !== undefined;
  };
  for (let i = 1; i < tries; i++) {
    const most = Math.round(peak * i / tries);
    if (isHeld(most)) above = Math.min(above, most);
    else if (most < above) below = most;
  }
  for (let i = 0; i < tries; i++) {
    const most = Math.round((below + above) / 2);
    if (isHeld(most)) above = most;
    else below = most;
  }
  return orders;
}

const sublinearDefaults: Required<SublinearMemory> = {
  threshNrTry: 10,
  geneticNrIter: 0,
  geneticPoolSize: 20,
  lbMemoryMb: 0,
  numWorker: 1,
};

const dtrDefaults: Required<Omit<Dtr, "evictionThreshold">> = {
  evicteeMinimumSize: 2 ** 20,
  recompMemoryFactor: 1,
  recompTimeFactor: 1,
};

/** Options with what was left out. */
function complete<A extends object, B extends object>(defaults: A, given: B): A & B {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) } as A & B;
}
