/**
 * Plans on a device. Loading makes everything that does not change from call to call; a run fills
 * in the buffers of arguments and results, records one pass and submits once.
 * @module
 */
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import { DeviceError } from "../core/fault.ts";
import { bytesIn, type Host, isResident, type Resident } from "../core/host.ts";
import type { Plan } from "../core/plan.ts";
import type { Loaded, StepInfo } from "../core/target.ts";
import { memoryReport } from "../plan/timeline.ts";
import { stepInfos } from "../plan/work.ts";
import { checkArgs, takeovers } from "../plan/args.ts";
import { type Block, roundUp, sizeClass, storage } from "./buffers.ts";
import type { Gpu } from "./device.ts";
import {
  type Action,
  actionsOf,
  encode,
  type Frame,
  kernelsOf,
  type Place,
  titleOf,
} from "./encode.ts";
import { fits } from "./fits.ts";
import { heldConstants } from "./held_constants.ts";
import type { Pipeline } from "./pipelines.ts";
import { timedRun } from "./profile.ts";
import type { Held } from "../core/residents.ts";

/** Records some actions of a run; the passes that hold them may write timestamps. */
export type Record = (
  actions: readonly Action[],
  timestampWrites?: GPUComputePassTimestampWrites,
) => void;

/** A plan on a device. */
export interface LoadedPlan extends Loaded {
  readonly plan: Plan;
  readonly gpu: Gpu;
  readonly actions: readonly Action[];
  /** A run that is recorded in another way: `write` is given the encoder and records all actions. */
  runBy(
    args: readonly (Host | Resident)[],
    write: (encoder: GPUCommandEncoder, record: Record) => void,
  ): Promise<readonly Resident[]>;
  /** Records actions with the buffers of the latest host arguments, for measuring. */
  rehearse(
    encoder: GPUCommandEncoder,
    actions: readonly Action[],
    timestampWrites?: GPUComputePassTimestampWrites,
  ): void;
}

/** What one call has taken and made so far. */
interface Call {
  readonly args: (Held<Block> | undefined)[];
  readonly results: (Held<Block> | undefined)[];
  readonly outs: Resident[];
  frame?: Frame;
}

/** What else is known of a plan that is loaded. */
export interface LoadOptions {
  /** Indices of arguments whose memory the results may take over. */
  readonly donate?: readonly number[];
  /** The name of each step's kernel, for reports. */
  readonly variants?: readonly (string | undefined)[];
  /** Milliseconds that planning took, and writing the kernels. */
  readonly took?: { readonly plan: number; readonly emit: number };
}

/** Puts a plan on a device; `kernels` has one a step and `undefined` for copies. */
export async function loadPlan(
  gpu: Gpu,
  plan: Plan,
  kernels: readonly (WgslKernel | undefined)[],
  options: LoadOptions = {},
): Promise<LoadedPlan> {
  gpu.health.check("load a plan");
  const all = kernelsOf(plan, kernels);
  fits(gpu, plan, all);
  const undo: (() => void)[] = [];
  try {
    return await load(gpu, plan, all, options, undo);
  } catch (error) {
    undo.forEach((f) => f());
    throw error;
  }
}

async function load(
  gpu: Gpu,
  plan: Plan,
  kernels: readonly (WgslKernel | undefined)[],
  { donate = [], variants = [], took = { plan: 0, emit: 0 } }: LoadOptions,
  undo: (() => void)[],
): Promise<LoadedPlan> {
  const { buffers, residents, health } = gpu;
  const begun = performance.now();
  const pipelines = await pipelinesFor(gpu, plan, kernels);
  const compiled = performance.now();
  const own = (bytes: number, label: string) => {
    const block = buffers.create(bytes, storage, label);
    undo.push(() => buffers.destroy(block));
    return block;
  };
  const arenas = plan.arenas.map((bytes, i) => own(bytes, `arena ${i}`));
  const { constants, images } = await heldConstants(gpu, plan, kernels, undo);
  const place: Place = (id, frame) => {
    const slot = plan.slots[id];
    switch (slot.kind) {
      case "arena":
        return { block: arenas[slot.arena], offset: slot.offset };
      case "constant":
        return { block: constants[id]?.block ?? buffers.nothing, offset: 0 };
      case "arg":
        return { block: frame.args[slot.index]!, offset: 0 };
      case "result":
        return { block: frame.results[slot.index]!, offset: 0 };
      default:
        throw new TypeError(`internal: unknown slot ${slot satisfies never}`);
    }
  };
  const { actions } = await health.scoped("load a plan", () => {
    const made = actionsOf(gpu, plan, kernels, pipelines, place, (id) => images[id]);
    undo.push(() => buffers.destroy(made.params));
    return made;
  });

  // Host arguments come into the same buffers at each call; the queue keeps calls apart.
  const inbox: (Block | undefined)[] = [];
  const inboxOf = (i: number): Block => inbox[i] ??= own(slotOf(plan, i).bytes, `argument ${i}`);
  const scratch: Block[] = [];
  const taken = takeovers(plan, donate, (a, b) => sizeClass(a) === sizeClass(b));
  const uploaded = performance.now();
  let isDisposed = false;

  /** The buffers of a call; a result that nobody takes in the end is to be dropped. */
  function begin(args: readonly (Host | Resident)[], call: Call): Frame {
    const blocks = args.map((value, i) => {
      if (plan.args[i] < 0) return undefined;
      if (isResident(value)) {
        call.args[i] = residents.held(value, `run with argument ${i}`);
        return call.args[i]!.block;
      }
      const block = inboxOf(i);
      buffers.write(block, 0, bytesIn(value.data));
      return block;
    });
    for (const slot of plan.slots) {
      if (slot.kind !== "result" || call.results[slot.index]) continue;
      const from = call.args[taken.get(slot.index) ?? -1];
      // Only a buffer that nobody else holds, and no other argument is, can become the result's.
      const isSole = from?.holders === 1 &&
        blocks.indexOf(from.block) === blocks.lastIndexOf(from.block);
      call.results[slot.index] = from && isSole
        ? residents.keep(from)
        : { block: buffers.take(slot.bytes, `result ${slot.index}`), holders: 1 };
    }
    return call.frame = { args: blocks, results: call.results.map((held) => held?.block) };
  }

  /** The results of a call whose actions are recorded; may record copies behind them. */
  function finish(encoder: GPUCommandEncoder, call: Call, frame: Frame): void {
    for (const id of plan.outs) {
      const slot = plan.slots[id];
      const held = slot.kind === "result"
        ? call.results[slot.index]
        : slot.kind === "constant"
        ? constants[id]
        : slot.kind === "arg"
        ? call.args[slot.index]
        : undefined;
      if (held) {
        call.outs.push(residents.make(slot.type, residents.keep(held)));
        continue;
      }
      // What the next call overwrites, an arena or a host argument, is copied out.
      const block = buffers.take(slot.bytes, "a result");
      call.outs.push(residents.make(slot.type, { block, holders: 1 }));
      const bytes = roundUp(slot.bytes, 4);
      if (bytes === 0) continue;
      const from = place(id, frame);
      encoder.copyBufferToBuffer(from.block.buffer, from.offset, block.buffer, 0, bytes);
    }
  }

  const run = (given: readonly (Host | Resident)[]) => runBy(given, (_, record) => record(actions));

  async function runBy(
    given: readonly (Host | Resident)[],
    write: (encoder: GPUCommandEncoder, record: Record) => void,
  ): Promise<readonly Resident[]> {
    if (isDisposed) throw new DeviceError("Cannot run: the plan was disposed; load it again");
    health.check("run");
    checkArgs(plan, given);
    const isForeign = (v: Host | Resident): v is Resident =>
      isResident(v) && v.owner !== residents.owner;
    const args = given.some(isForeign)
      ? await Promise.all(given.map((v) => isForeign(v) ? v.read() : v))
      : given;
    const call: Call = { args: [], results: [], outs: [] };
    try {
      await health.scoped("run", () => {
        try {
          const encoder = gpu.device.createCommandEncoder();
          const frame = begin(args, call);
          write(encoder, (some, stamps) => encode(encoder, some, frame, place, stamps));
          finish(encoder, call, frame);
          gpu.queue.hold(encoder.finish());
        } finally {
          // The residents hold the results now.
          for (const held of call.results) if (held) residents.drop(held);
        }
        giveAway(args);
      });
      return call.outs;
    } catch (error) {
      call.outs.forEach((out) => out.dispose());
      if (call.frame) await blame(call.frame);
      throw error;
    }
  }

  function giveAway(args: readonly (Host | Resident)[]): void {
    const given = donate.map((i) => args[i]).filter((value) => isResident(value));
    if (given.length === 0) return;
    const site = new Error();
    for (const value of given) residents.donate(value, site);
  }

  /** Records each action by itself, without running it, and throws for the first that fails. */
  async function blame(frame: Frame): Promise<void> {
    if (health.isGone()) return;
    for (const action of actions) {
      await health.scoped(`run ${titleOf(plan.steps[action.step])}`, () => {
        const encoder = gpu.device.createCommandEncoder();
        encode(encoder, [action], frame, place);
        encoder.finish();
      });
    }
  }

  const loaded: LoadedPlan = {
    plan,
    gpu,
    actions,
    run,
    runBy,
    timed: (args) => timedRun(loaded, args),
    memory: () => memoryReport(plan),
    steps: (): readonly StepInfo[] =>
      stepInfos(plan, (i) => ({
        ...(variants[i] ? { variant: variants[i] } : {}),
        ...(kernels[i] ? { dispatch: kernels[i]!.workgroups } : {}),
      })),
    took: {
      plan: took.plan,
      compile: took.emit + compiled - begun,
      upload: uploaded - compiled,
    },
    rehearse(encoder, some, timestampWrites) {
      const args = plan.args.map((id, i) => id < 0 ? undefined : inboxOf(i));
      for (const slot of plan.slots) {
        if (slot.kind === "result") scratch[slot.index] ??= own(slot.bytes, "a rehearsal");
      }
      encode(encoder, some, { args, results: scratch }, place, timestampWrites);
    },
    dispose() {
      if (isDisposed) return;
      isDisposed = true;
      undo.forEach((f) => f());
    },
  };
  return loaded;
}

async function pipelinesFor(
  gpu: Gpu,
  plan: Plan,
  kernels: readonly (WgslKernel | undefined)[],
): Promise<readonly (Pipeline | undefined)[]> {
  const at = kernels.flatMap((kernel, i) => kernel ? [i] : []);
  const made = await gpu.pipelines.of(
    at.map((i) => kernels[i]!),
    at.map((i) => titleOf(plan.steps[i])),
  );
  const out: (Pipeline | undefined)[] = kernels.map(() => undefined);
  at.forEach((i, j) => out[i] = made[j]);
  return out;
}

function slotOf(plan: Plan, arg: number) {
  return plan.slots[plan.args[arg]];
}
