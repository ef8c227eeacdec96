/**
 * Reading the value of a term: it runs where its residents live, else where the caller says, else
 * on the best CPU target.
 * @module
 */
import { StageError, TraceError } from "../core/fault.ts";
import { orderOf, rebuild } from "../core/graph.ts";
import {
  checkInto,
  type Host,
  type HostArray,
  isHost,
  isResident,
  type Resident,
} from "../core/host.ts";
import { arg } from "../core/leaf.ts";
import type { Machine } from "../core/target.ts";
import { isTensor, type Tensor } from "../core/tensor.ts";
import { printType } from "../core/type.ts";
import { graphOf } from "../stage/stage.ts";
import { cpuMachine } from "./cpu.ts";

/** Where to read. */
export interface ReadOptions {
  /** A target from `open`. */
  readonly on?: Machine;
  /** An array that takes the values, instead of one of their own; it has their type and number. */
  readonly into?: HostArray;
}

/** The machine that holds some residents; they must agree. */
export function ownerOf(residents: readonly Resident[]): Machine | undefined {
  const owners = new Set(residents.map((r) => r.owner));
  if (owners.size > 1) {
    throw new StageError(
      "Cannot compute with values of two devices\n  try read() on one of them, and tensor() of what it gives",
    );
  }
  return owners.values().next().value as Machine | undefined;
}

/** Residents behind some tensors, each once, and the tensors with these as arguments. */
export function liftResidents(
  roots: readonly Tensor[],
): { roots: readonly Tensor[]; args: Tensor[]; residents: Resident[] } {
  const args = new Map<Resident, Tensor>();
  const made = rebuild(roots, (t) => {
    const { data } = t.node;
    if (!isResident(data)) return undefined;
    let leaf = args.get(data);
    if (!leaf) args.set(data, leaf = arg(t));
    return leaf;
  });
  return { roots: made, args: [...args.values()], residents: [...args.keys()] };
}

/**
 * The value of a tensor: `{ dtype, shape, data }` with a typed array of its own. Throws a StageError
 * for a term of a function being staged, and a DeviceError if its memory was given back.
 */
export async function read(t: Tensor, options: ReadOptions = {}): Promise<Host> {
  if (!isTensor(t)) {
    throw new StageError(`Cannot read ${typeof t}: it is no tensor\n  try tensor() on it`);
  }
  const { data } = t.node;
  const { into } = options;
  if (isResident(data)) return await readInto(data, into);
  if (isHost(data)) return copyInto(data, into);
  const { call } = t.node;
  if (call?.live && call.read && !call.sealed) {
    const value = await call.read(t);
    return into ? copyInto(value, into) : value;
  }
  refuseOpen(t);
  const { roots, args, residents } = liftResidents([t]);
  const machine = options.on ?? ownerOf(residents) ?? await cpuMachine();
  const loaded = await machine.compile(graphOf(args, roots), { once: true });
  try {
    const [out] = await loaded.run(residents);
    try {
      return await readInto(out, into);
    } finally {
      out.dispose();
    }
  } finally {
    loaded.dispose();
  }
}

async function readInto(value: Resident, into: HostArray | undefined): Promise<Host> {
  return into ? (await (value.owner as Machine).read([value], [into]))[0] : await value.read();
}

function copyInto({ dtype, shape, data }: Host, into: HostArray | undefined): Host {
  if (!into) return { dtype, shape: [...shape], data: data.slice() };
  checkInto({ dtype, shape }, into);
  into.set(data);
  return { dtype, shape: [...shape], data: into };
}

/** An argument has no value until its function runs. */
function refuseOpen(t: Tensor): void {
  if (t.node.call && !t.node.call.live) {
    throw new TraceError(
      "leaked",
      `Cannot read ${printType(t)}: it belongs to a call of ${t.node.call.name} that has ended\n` +
        "  try returning it from the traced function",
    );
  }
  if (t.node.call) {
    throw new TraceError(
      "value unreadable",
      `Cannot read ${printType(t)} here: it depends on an argument of a traced call\n` +
        "  try returning it from the traced function",
    );
  }
  const open = orderOf([t]).find((node) => node.op.name === "arg");
  if (open) {
    throw new StageError(
      `Cannot read ${printType(t)}: it depends on argument ${open.name ?? "of a staged function"}`,
      { code: "stage.value" },
    );
  }
}
