/**
 * Plans in a memory. Loading writes the module, puts constants and tables into the memory and runs
 * the plan once on zeros, so that its memory is there and the engine optimises what loops; a run fills
 * in addresses and calls once.
 * @module
 */
import { assemble, scratchOf } from "../../kernels/wasm/assemble.ts";
import { control } from "../../kernels/wasm/control.ts";
import type { WasmKernel } from "../../kernels/wasm/kernel.ts";
import type { ConstantTable, Features } from "../../kernels/wasm/module.ts";
import { shareBytes } from "../../kernels/wasm/share.ts";
import { DeviceError } from "../core/fault.ts";
import { bytesIn, type Host, isResident, type Resident } from "../core/host.ts";
import type { Plan, SlotId } from "../core/plan.ts";
import type { Held, Residents } from "../core/residents.ts";
import type { Loaded } from "../core/target.ts";
import { checkArgs, takeovers } from "../plan/args.ts";
import { memoryReport } from "../plan/timeline.ts";
import { stepInfos } from "../plan/work.ts";
import { moduleOf } from "./compile.ts";
import type { Constants } from "./constants.ts";
import type { Block, Heap } from "./heap.ts";
import { partsOf, stepTimes } from "./parts.ts";
import { newBytes, readConstants } from "./room.ts";
import type { Threads } from "./threads.ts";

/** Where plans run. */
export interface Place {
  readonly heap: Heap;
  readonly threads: Threads;
  readonly constants: Constants;
  readonly residents: Residents<Block>;
  readonly features: Features;
  readonly table: ConstantTable;
  check(tried: string): void;
}

/** What else is known of a plan. */
export interface LoadOptions {
  readonly donate?: readonly number[];
  readonly once?: boolean;
  readonly variants?: readonly (string | undefined)[];
  readonly took?: { readonly plan: number; readonly emit: number };
}

/** Portions in which a thread takes its share of a step; others help with the last ones. */
const portions = 8;

/** What is measured of a run: when each call of a kernel was over, the first entry when it began. */
interface Watch {
  readonly stamps: number[];
  roused: number;
}

/** Puts a plan into a memory; `kernels` has one a step and `undefined` for copies. */
export async function loadPlan(
  place: Place,
  plan: Plan,
  kernels: readonly (WasmKernel | undefined)[],
  options: LoadOptions = {},
): Promise<Loaded> {
  const undo: (() => void)[] = [];
  try {
    return await load(place, plan, kernels, options, undo);
  } catch (error) {
    undo.forEach((f) => f());
    throw error;
  }
}

async function load(
  place: Place,
  plan: Plan,
  kernels: readonly (WasmKernel | undefined)[],
  { donate = [], once = false, variants = [], took = { plan: 0, emit: 0 } }: LoadOptions,
  undo: (() => void)[],
): Promise<Loaded> {
  const { heap, threads, constants, residents, features } = place;
  const own = (bytes: number, what: string) => {
    const block = heap.take(bytes, what);
    undo.push(() => heap.give(block));
    return block;
  };
  const begun = performance.now();
  const { parts: all, steps, packed } = partsOf(plan, kernels);
  const count = plan.slots.length + packed.length;
  const held = readConstants(plan, all);
  const grown = heap.reserve(newBytes(constants, plan, held, packed));
  const bytes = assemble(steps, count, features, 1, heap.most, place.table);
  const isAlone = !steps.some(({ barrier }) => barrier);
  let stamps: number[] = [];
  const stamp = (step: number) => void (stamps[step] = performance.now());
  const loading = moduleOf(bytes).then((made) => threads.load(made, isAlone, stamp));
  undo.push(() => void loading.then((made) => made.dispose(), () => {}));
  const assembled = performance.now();
  if (grown) threads.touch(grown);

  const tableBytes = 8 * (count + 1) + shareBytes * steps.length * threads.count;
  const tables = own(tableBytes, "the tables of a plan");
  const arenas = plan.arenas.map((bytes, i) => own(bytes, `arena ${i}`));
  arenas.forEach((block) => block.isNew || heap.bytes(block.address, block.bytes).fill(0));
  const scratch = scratchOf(steps);
  const addresses = new Float64Array(count + 1);
  if (scratch) addresses[count] = own(scratch * threads.count, "the threads' own memory").address;
  for (const [id, slot] of plan.slots.entries()) {
    if (slot.kind === "arena") addresses[id] = arenas[slot.arena].address + slot.offset;
  }
  const plain = held.map((constant) => ({ ...constant, packing: undefined }));
  for (const { slot, data, packing } of [...plain, ...packed]) {
    addresses[slot] = (await constants.hold(data, packing)).address;
    undo.push(() => constants.drop(data, packing));
  }
  place.table.words.forEach((at, bits) => {
    new Int32Array(heap.memory.buffer as ArrayBuffer, at, 4).fill(bits);
  });
  const inbox: (Block | undefined)[] = [];
  const inboxOf = (i: number): Block =>
    inbox[i] ??= own(plan.slots[plan.args[i]].bytes, `argument ${i}`);
  const received = (i: number, bytes: Uint8Array): Block => {
    const block = inboxOf(i);
    if (bytes.byteLength) heap.bytes(block.address, bytes.byteLength).set(bytes);
    return block;
  };
  const taken = takeovers(plan, donate, (a, b) => a >= b);
  let isDisposed = false;

  /** Units of each step for each thread, as they are when a run begins. */
  function sharesOf(): { readonly active: number; readonly words: Int32Array } {
    const { active } = threads;
    const words = new Int32Array(shareBytes / 4 * steps.length * active);
    for (let t = 0; t < active; t++) {
      all.forEach(({ kernel: { units }, single }, i) => {
        const of = (n: number) => single ? (n > 0 ? units : 0) : Math.floor(units * n / active);
        const many = Math.max(1, Math.ceil((of(t + 1) - of(t)) / portions));
        words.set([of(t), of(t + 1), many], 3 * (t * steps.length + i));
      });
    }
    return { active, words };
  }

  function writeAddresses(): void {
    const view = new DataView(heap.memory.buffer as ArrayBuffer, tables.address, 8 * (count + 1));
    addresses.forEach((address, i) => {
      view.setUint32(8 * i, address % 2 ** 32, true);
      view.setUint32(8 * i + 4, Math.floor(address / 2 ** 32), true);
    });
  }

  /** Runs once on blocks for arguments and results. */
  function perform(
    args: readonly (Held<Block> | Block | undefined)[],
    outs: readonly Block[],
    watch?: Watch,
  ) {
    plan.slots.forEach((slot, id) => {
      if (slot.kind === "arg") {
        const at = args[slot.index];
        addresses[id] = at ? ("block" in at ? at.block.address : at.address) : 0;
      } else if (slot.kind === "result") addresses[id] = outs[slot.index]?.address ?? 0;
    });
    writeAddresses();
    const at = tables.address + 8 * (count + 1);
    if (shares.active !== threads.active) shares = sharesOf();
    new Int32Array(heap.memory.buffer as ArrayBuffer, at, shares.words.length).set(shares.words);
    if (!watch) return program.run(tables.address);
    // Threads that sleep between calls would be the first step's time.
    watch.roused = threads.rouse();
    const flag = new Int32Array(heap.memory.buffer as ArrayBuffer, control.stamping, 1);
    ({ stamps } = watch);
    flag[0] = 3;
    try {
      stamps[0] = performance.now();
      program.run(tables.address);
    } finally {
      flag[0] = 0;
    }
  }

  async function run(
    given: readonly (Host | Resident)[],
    watch?: Watch,
  ): Promise<readonly Resident[]> {
    if (isDisposed) throw new DeviceError("Cannot run: the plan was disposed; load it again");
    place.check("run");
    checkArgs(plan, given);
    const isForeign = (v: Host | Resident): v is Resident =>
      isResident(v) && v.owner !== residents.owner;
    const args = given.some(isForeign)
      ? await Promise.all(given.map((v) => isForeign(v) ? v.read() : v))
      : given;
    if (isDisposed) throw new DeviceError("Cannot run: the plan was disposed; load it again");
    const results: (Held<Block> | undefined)[] = [];
    try {
      const blocks = args.map((value, i) => {
        if (plan.args[i] < 0) return undefined;
        if (isResident(value)) {
          const held = residents.held(value, `run with argument ${i}`);
          if (held.block.heap === heap) return held;
          // What lies in the machine's other memory is copied, as values from outside are.
          const { address, bytes, heap: other } = held.block;
          return received(i, other.bytes(address, bytes));
        }
        return received(i, bytesIn(value.data));
      });
      for (const slot of plan.slots) {
        if (slot.kind !== "result" || results[slot.index]) continue;
        const from = blocks[taken.get(slot.index) ?? -1];
        // Only memory that nobody else holds, and no other argument is, can become the result's.
        const isSole = from && "holders" in from && from.holders === 1 &&
          blocks.indexOf(from) === blocks.lastIndexOf(from);
        results[slot.index] = isSole
          ? residents.keep(from)
          : { block: heap.take(slot.bytes, `result ${slot.index}`), holders: 1 };
      }
      perform(blocks, results.map((held) => held!.block), watch);
      threads.ran();
      const outs = plan.outs.map((id) => outOf(id, blocks, results));
      giveAway(args);
      return outs;
    } finally {
      for (const held of results) if (held) residents.drop(held);
    }
  }

  /** A result as a resident; what the next call overwrites, or others share, is copied. */
  function outOf(
    id: SlotId,
    args: readonly (Held<Block> | Block | undefined)[],
    results: readonly (Held<Block> | undefined)[],
  ): Resident {
    const slot = plan.slots[id];
    if (slot.kind === "result") {
      return residents.make(slot.type, residents.keep(results[slot.index]!));
    }
    const arg = slot.kind === "arg" ? args[slot.index] : undefined;
    if (arg && "holders" in arg) return residents.make(slot.type, residents.keep(arg));
    const block = heap.take(slot.bytes, "a result");
    heap.bytes(block.address, slot.bytes).set(heap.bytes(addresses[id], slot.bytes));
    return residents.make(slot.type, { block, holders: 1 });
  }

  function giveAway(args: readonly (Host | Resident)[]): void {
    const given = donate.map((i) => args[i]).filter((value) => isResident(value));
    if (given.length === 0) return;
    const site = new Error();
    for (const value of given) residents.donate(value, site);
  }

  function warmUp(): void {
    const outs: Block[] = [];
    const given: Block[] = [];
    plan.args.forEach((id, i) => {
      if (id < 0) return;
      given[i] = inboxOf(i);
      heap.bytes(given[i].address, given[i].bytes).fill(0);
    });
    for (const slot of plan.slots) {
      if (slot.kind === "result") outs[slot.index] ??= heap.take(slot.bytes, "a first run");
    }
    try {
      perform(given, outs);
    } finally {
      outs.forEach((block) => heap.give(block));
    }
  }

  const uploaded = performance.now();
  const program = await loading;
  let shares = sharesOf();
  const compiled = performance.now();
  if (!once) warmUp();
  return {
    plan,
    run: (args) => run(args),
    async timed(args) {
      // What is measured is what goes on.
      await threads.start();
      const [watch, begun]: [Watch, number] = [{ stamps: [], roused: 0 }, performance.now()];
      const outs = await run(args, watch);
      const ms = performance.now() - begun - watch.roused;
      return { outs, clock: "host", ms, times: stepTimes(all, watch.stamps) };
    },
    memory: () => memoryReport(plan),
    steps: () =>
      stepInfos(plan, (i) => ({
        ...(variants[i] ? { variant: variants[i] } : {}),
        dispatch: [all.find(({ ends }) => ends === i)!.kernel.units],
      })),
    took: {
      plan: took.plan,
      compile: took.emit + assembled - begun + compiled - uploaded,
      upload: uploaded - assembled,
    },
    dispose() {
      if (isDisposed) return;
      isDisposed = true;
      undo.forEach((f) => f());
    },
  };
}
