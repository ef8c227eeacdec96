/**
 * A list of file operators while it grows. Equal operators on equal operands become one, since a
 * loader merges them and the later name wins; what no output needs is left out at the end.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { bytesIn, type Data, type Host, isHost, isSource } from "../core/host.ts";
import { bytesOf, type DType, sizeOf, type Type } from "../core/type.ts";
import type { FileDTypeName, FileLayoutFormat, FileTensor, FileValue, Param } from "./model.ts";
import { operatorOf } from "./ids.ts";

/** A variable of the file: one output of one operator. */
export interface Var extends Type {
  /** The operator that computes it. */
  readonly from: Drafted;
  /** Which of the operator's counted outputs it is. */
  readonly out: number;
  /** Numbers that are the same as 0 and 1 of the operand's dtype, where this is a truth. */
  readonly mask?: Var;
}

/** An operator before its ids are known. */
export interface Drafted {
  readonly type: string;
  readonly params: readonly Param[];
  readonly ins: readonly Var[];
  /** Types of the counted outputs. */
  readonly outs: readonly Type[];
  /** Which of them is the result, where it has one. */
  readonly main: number;
  readonly tensor?: FileTensor;
  /** The value of a leaf that is in memory. */
  readonly host?: Host;
  readonly outputDtype?: DType;
  /** Name without what makes it unique. */
  readonly label: string;
  /** The name of a leaf. */
  readonly given?: string;
}

/** What an operator has besides type, operands and result. */
export interface Extra {
  readonly outs?: readonly Type[];
  readonly main?: number;
  readonly outputDtype?: DType;
  readonly label?: string;
  /** Tells operators apart that would be the same. */
  readonly nth?: number;
}

/** Adds operators. */
export interface Emitter {
  /** One operator of a type with parameter tables and operands; gives its result. */
  opr(
    type: string,
    params: readonly Param[],
    ins: readonly Var[],
    out: Type,
    extra?: Extra,
  ): Var;
  /** An input of the graph. */
  input(name: string, type: Type): Var;
  /** A value that the file holds: a parameter if it has a name. One in a format has none. */
  hold(data: Data, name?: string, format?: FileLayoutFormat): Var;
  /** An operator of another list, on operands of this one and with types of its own. */
  adopt(drafted: Drafted, ins: readonly Var[], outs: readonly Type[]): Var;
  /**
   * Calls the operator of a result what its operation is called, or, as MegEngine does with what it
   * adds itself, by its operands; leaves keep their names.
   */
  call(v: Var, label?: string): void;
  /** Runs with names inside a scope, such as `net.fc1`. */
  within<T>(scope: string, run: () => T): T;
  /** All operators so far, operands before users. */
  readonly all: readonly Drafted[];
}

/** The device that every tensor of a dump names: any. */
export const anyDevice = "xpux:0";

const names: Readonly<Record<DType, FileDTypeName>> = {
  f32: "Float32",
  f16: "Float16",
  i32: "Int32",
  i16: "Int16",
  i8: "Int8",
  u8: "Uint8",
  u16: "Uint16",
  bool: "Bool",
};

/** The file's name of an element type. */
export function fileDType(dtype: DType): FileDTypeName {
  return names[dtype];
}

/** Files have no rank 0: a single number is `[1]`. */
export function fileShape(shape: readonly number[]): readonly number[] {
  return shape.length ? shape : [1];
}

/** The type as a file has it. */
export function fileType({ dtype, shape }: Type): Type {
  return { dtype, shape: fileShape(shape) };
}

/** What a variable is known by, whichever object speaks of it. */
export function slotOf(v: Var): object {
  return v.from.outs[v.out];
}

/** One output of an operator as a variable. */
export function outputOf(from: Drafted, out: number): Var {
  const { dtype, shape } = from.outs[out];
  return { dtype, shape, from, out };
}

/** Starts an empty list. */
export function newEmitter(): Emitter {
  const all: Drafted[] = [];
  const known = new Map<string, Var>();
  const ids = new Map<Drafted, number>();
  let scope = "";
  const add = (given: Drafted): Var => {
    // each output is an object of its own, by which it is known
    const drafted = { ...given, outs: given.outs.map((t) => ({ ...t })) };
    const deep = drafted.outs.find(({ shape }) => shape.length > 7);
    if (deep) {
      throw new FormatError(
        `Cannot write ${drafted.type}: [${deep.shape}] has ${deep.shape.length} axes, files take 7`,
        { code: "format.write" },
      );
    }
    all.push(drafted);
    ids.set(drafted, ids.size);
    return outputOf(drafted, drafted.main);
  };
  const idOf = (v: Var) => `${ids.get(v.from)}.${v.out}`;
  const once = (key: string, make: () => Var): Var => {
    const before = known.get(key);
    if (before) return before;
    const made = make();
    known.set(key, made);
    return made;
  };
  return {
    all,
    opr(type, params, ins, out, extra = {}) {
      const key = [
        ...[type, extra.outputDtype, extra.main, extra.nth, ins.map(idOf)],
        JSON.stringify(params.map(({ table, fields }) => [table, fields])),
        ...(ins.length ? [] : [out.dtype, out.shape]),
      ].join("|");
      const label = scope +
        (extra.label ?? operatorOf(type)?.typeinfo.replace(/Forward$/, "") ?? type);
      return once(key, () =>
        add({
          ...{ type, params, ins, label, outs: extra.outs ?? [fileType(out)] },
          main: extra.main ?? 0,
          ...(extra.outputDtype ? { outputDtype: extra.outputDtype } : {}),
        }));
    },
    input(name, type) {
      const tensor = tensorOf(type, { name });
      const params = [{ table: "Host2DeviceCopy", fields: {} }];
      return add({
        ...{ type: "Host2DeviceCopy", params, ins: [], outs: [fileType(type)], main: 0 },
        ...{ tensor, label: name, given: name },
      });
    },
    hold(data, name, format) {
      if (format) return add(formatted(data, format));
      const make = () => {
        const tensor = tensorOf(data, { ...(name ? { name } : {}), value: valueOf(data) });
        const label = name ?? `const{${fileShape(data.shape)}}`;
        return add({
          type: name ? "SharedDeviceTensor" : "ImmutableTensor",
          ...{ params: [], ins: [], outs: [fileType(data)], main: 0, tensor, label },
          ...(isHost(data) ? { host: data } : {}),
          ...(name ? { given: name } : {}),
        });
      };
      const key = name === undefined ? keyOf(data) : undefined;
      return key === undefined ? make() : once(key, make);
    },
    adopt(drafted, ins, outs) {
      const { tensor } = drafted;
      const own = tensor && !tensor.value ? { ...tensor, shape: outs[0].shape } : tensor;
      return add({ ...drafted, ins, outs, ...(own ? { tensor: own } : {}) });
    },
    call({ from }, label) {
      if (!from.ins.length) return;
      const named = from as { label: string };
      const head = (text: string) => text.split("(")[0];
      named.label = label === undefined
        ? `${head(from.label)}(${from.ins.map((v) => head(v.from.label)).join(",")})`
        : scope + label;
    },
    within(inner, run) {
      const outer = scope;
      scope = inner === "" ? "" : `${inner}.`;
      try {
        return run();
      } finally {
        scope = outer;
      }
    },
  };
}

/** A value whose elements a device arranges in its own way. */
function formatted(data: Data, format: FileLayoutFormat): Drafted {
  return {
    ...{ type: "SharedDeviceTensorWithFormat", params: [], ins: [], main: 0 },
    ...{ outs: [fileType(data)], label: `const{${fileShape(data.shape)}}` },
    tensor: { ...tensorOf(data, { value: valueOf(data) }), format },
  };
}

function tensorOf(type: Type, more: { name?: string; value?: FileValue }): FileTensor {
  return {
    ...more,
    shape: fileShape(type.shape),
    dtype: { name: names[type.dtype] },
    compNode: anyDevice,
  };
}

/** The bytes of a leaf, given when the file comes to them. */
function valueOf(data: Data): FileValue {
  const bytes = bytesOf(data);
  if (isHost(data)) return { bytes, open: () => chunked(bytesIn(data.data)) };
  if (isSource(data)) return { bytes, open: () => data.open() };
  return {
    bytes,
    async *open() {
      yield* chunked(bytesIn((await data.read()).data));
    },
  };
}

async function* chunked(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const step = 1 << 20;
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

/** Constants of few elements are the same if their bytes are. */
function keyOf(data: Data): string | undefined {
  if (!isHost(data) || sizeOf(data.shape) > 64) return undefined;
  return `const ${data.dtype} [${fileShape(data.shape)}] ${bytesIn(data.data).join(" ")}`;
}

/** The value that a small constant holds. */
export function heldBy(v: Var): FileTensor | undefined {
  return v.from.type === "ImmutableTensor" ? v.from.tensor : undefined;
}

/** A host value of some integers. */
export function int32s(list: readonly number[]): Host {
  return { dtype: "i32", shape: [list.length], data: Int32Array.from(list) };
}

/** The operators that some variables need, in the order of the list. */
export function neededBy(all: readonly Drafted[], roots: readonly Var[]): readonly Drafted[] {
  const needed = new Set<Drafted>(roots.map((v) => v.from));
  for (const drafted of all.toReversed()) {
    if (needed.has(drafted)) { for (const v of drafted.ins) needed.add(v.from); }
  }
  return all.filter((drafted) => needed.has(drafted));
}
