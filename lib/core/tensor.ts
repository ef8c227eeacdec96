/**
 * Terms. A node is one application of one operation, frozen; a tensor is one output of one node.
 * `apply` is the only place where a node is made.
 * @module
 */
import type { Attrs, Op } from "./op.ts";
import { type Data, type Host, isHost, isResident } from "./host.ts";
import { printType, type Type } from "./type.ts";
import { DTypeError, placeOf, ShapeError, StageError, TraceError } from "./fault.ts";
import { printTerm } from "./print.ts";

/** A running traced call that terms depend on; compared by identity. */
export interface Call {
  /** What the call was made of, for messages. */
  readonly name: string;
  /** False once the call has returned. */
  live: boolean;
  /** Computes a value in the middle of the call; absent where nothing is computed. */
  readonly read?: (t: Tensor) => Promise<Host>;
  /** True where the author may not read values, as the call is symbolic. */
  readonly sealed?: boolean;
  /** Leaves a region out of the record, which takes some terms; `run` runs it on their values. */
  readonly exclude?: (taken: readonly Tensor[], run: HoleFn, site: Error) => Excluded;
}

/** A function that runs on the host in the middle of a program. */
export type HoleFn = (taken: readonly Host[]) => Promise<readonly Host[]>;

/** A region that a call leaves out of its record. */
export interface Excluded {
  /** What the terms that it takes are; absent where nothing is computed. */
  readonly taken?: Promise<readonly Host[]>;
  /** Makes leaves of the call for what the region gave, or for the types of it. */
  admit(given: readonly (Host | Type)[]): readonly Tensor[];
}

/** One application of one operation. Two nodes are the same only if they are one object. */
export interface Node {
  /** The operation applied. */
  readonly op: Op;
  /** Its operands. */
  readonly ins: readonly Tensor[];
  /** Plain data, checked by the operation's fields; axes are not negative. */
  readonly attrs: Attrs;
  /** Types of the outputs. */
  readonly outs: readonly Type[];
  /** The outputs as tensors. */
  readonly results: readonly Tensor[];
  /** Leaves only: the value, or where it comes from. */
  readonly data?: Data;
  /** Leaves only: the name of an argument or parameter. */
  readonly name?: string;
  /** The running call this term depends on; absent for constants. */
  readonly call?: Call;
  /** Where the author wrote it; its stack is parsed only when a message needs it. */
  readonly site: Error;
}

/** One output of one node: what operations take and give. A value only after `read`. */
export interface Tensor extends Type {
  /** The application that made it. */
  readonly node: Node;
  /** Which of its outputs. */
  readonly out: number;
  /** Gives a device-resident value back; does nothing for other terms. */
  dispose(): void;
  /** The canonical text of the graph behind it. */
  toString(): string;
}

const behaviour = {
  dispose(this: Tensor): void {
    if (isResident(this.node.data)) this.node.data.dispose();
  },
  toString(this: Tensor): string {
    return printTerm(this);
  },
  valueOf(this: Tensor): never {
    throw valueWanted(this);
  },
  [Symbol.toPrimitive](this: Tensor, hint: string): string {
    if (hint === "string") return printTerm(this);
    throw valueWanted(this);
  },
  [Symbol.iterator](this: Tensor): never {
    throw valueWanted(this);
  },
};

function valueWanted(t: Tensor): StageError {
  const place = placeOf(t.node.site);
  return new StageError(
    `Cannot use ${printType(t)} as a number: only its type is known while staging${
      place ? `\n  at ${place}` : ""
    }\n  try \`await read(t)\` outside the model, or an operation such as where()`,
    { code: "stage.value", place },
  );
}

function tensorOf(node: Node, out: number): Tensor {
  const { dtype, shape } = node.outs[out];
  // Fields one after another: the engine reads what it knows the shape of sooner.
  const made = Object.create(behaviour);
  made.node = node;
  made.out = out;
  made.dtype = dtype;
  made.shape = shape;
  return Object.freeze(made) as Tensor;
}

function frozen(type: Type): Type {
  return Object.freeze({ dtype: type.dtype, shape: Object.freeze([...type.shape]) });
}

/** Applies an operation: checks the operands' calls, infers the types and makes the node. */
export function apply(
  op: Op,
  ins: readonly Tensor[],
  attrs: Attrs,
  from: Origin = {},
): readonly Tensor[] {
  const site = from.site ?? new Error(op.name);
  const call = from.closed ? undefined : callOf(op, ins, from.call, site);
  let outs: readonly Type[];
  try {
    outs = (from.type ? [from.type] : op.infer(ins, attrs)).map(frozen);
  } catch (error) {
    throw located(error, site);
  }
  const results: Tensor[] = [];
  const node: Node = Object.freeze({
    op,
    ins: Object.freeze([...ins]),
    attrs: Object.freeze({ ...attrs }),
    outs: Object.freeze(outs),
    results,
    ...(from.data ? { data: from.data } : {}),
    ...(from.name !== undefined ? { name: from.name } : {}),
    ...(call ? { call } : {}),
    site,
  });
  outs.forEach((_, i) => results.push(tensorOf(node, i)));
  Object.freeze(results);
  return results;
}

/** Where a node comes from, besides its operands. */
export interface Origin {
  readonly data?: Data;
  readonly name?: string;
  readonly call?: Call;
  /** Leaves state their type; other nodes infer it. */
  readonly type?: Type;
  /** The author's place, where the node takes another's. */
  readonly site?: Error;
  /** True while rebuilding a closed graph: the node belongs to no call. */
  readonly closed?: boolean;
}

/** The one running call that operands may belong to. */
function callOf(
  op: Op,
  ins: readonly Tensor[],
  own: Call | undefined,
  site: Error,
): Call | undefined {
  let call = own;
  for (const t of ins) {
    const other = t.node.call;
    if (!other) continue;
    if (!other.live || (call && call !== other)) throw leaked(op, t, site);
    call = other;
  }
  return call;
}

function leaked(op: Op, t: Tensor, site: Error): TraceError {
  const place = placeOf(site);
  return new TraceError(
    "leaked",
    `Cannot use ${printType(t)} in ${op.name}: it belongs to another call of a traced function, ` +
      `or to one that has ended${
        place ? `\n  at ${place}` : ""
      }\n  try to return it from that call`,
    { place },
  );
}

/** Adds the author's place to an error of inference, once. */
export function located(error: unknown, site: Error): unknown {
  if (
    (error instanceof ShapeError || error instanceof DTypeError || error instanceof StageError ||
      error instanceof RangeError && "place" in error) &&
    (error as ShapeError).place === undefined
  ) {
    const place = placeOf(site);
    if (place) {
      (error as ShapeError).place = place;
      const [first, ...rest] = error.message.split("\n");
      error.message = [first, `  at ${place}`, ...rest].join("\n");
    }
  }
  return error;
}

/** True if a value is a tensor of this library. */
export function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === behaviour;
}

/** The single number that a scalar constant holds, or `undefined`. */
export function scalarOf(t: Tensor): number | undefined {
  const data = t.node.data;
  if (!isHost(data)) return undefined;
  const value: Host = data;
  return value.data.length === 1 ? Number(value.data[0]) : undefined;
}
