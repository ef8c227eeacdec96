/**
 * Blocks of code into which scalar terms are written. A term is computed in the outermost block that
 * knows its axes and accumulators, once, and kept in a local. Along one axis of the innermost block
 * four neighbours are computed at a time; i32 terms that make addresses are computed one by one.
 * @module
 */
import { rangeOf } from "../../lib/core/index.ts";
import type { Scalar } from "../../lib/core/scalar.ts";
import { itemBytes } from "../../lib/core/type.ts";
import type { Code, Local, ValueType } from "./code.ts";
import type { ModuleWriter } from "./module.ts";
import type { Address, Form, Names, Operand, Scope } from "./names.ts";
import { type Atom, type Notes, notesOf, usesOf } from "./notes.ts";
import { pushScalar } from "./single.ts";
import { pushVector } from "./vector.ts";

export type { Address, Names, Operand, Scope } from "./names.ts";

/** What all blocks of a kernel share. */
interface Shared {
  readonly module: ModuleWriter;
  readonly operands: readonly Operand[];
  readonly notes: Notes;
}

/** A block with what only blocks know of one another. */
interface Block extends Scope {
  readonly shared: Shared;
  /** How often each part stands in the terms that are computed here. */
  readonly uses: ReadonlyMap<Scalar, number>;
  readonly names: Names;
  readonly parent: Block | undefined;
  readonly memo: Map<string, Local>;
  /** The same pointers as in `memo`, for each operand by the parts that they are made of. */
  pointers: Map<readonly Atom[], Local[]> | undefined;
  pointerTo(operand: number, atoms: readonly Atom[]): Local;
  scaled(axis: Scalar, bytes: number): Local;
}

/** The outermost block of a kernel that will compute these terms. */
export function rootScope(
  code: Code,
  module: ModuleWriter,
  operands: readonly Operand[],
  terms: readonly Scalar[],
  names: Names = {},
): Scope {
  const uses = module.once(terms, "uses", () => usesOf(terms));
  return block(code, { module, operands, notes: notesOf(module) }, uses, names, undefined);
}

function block(
  code: Code,
  shared: Shared,
  uses: ReadonlyMap<Scalar, number>,
  names: Names,
  parent: Block | undefined,
  memo: Map<string, Local> = new Map(),
): Block {
  const made = Object.create(behaviour);
  made.code = code;
  made.module = shared.module;
  made.operands = shared.operands;
  made.lanes = names.lanes ?? parent?.lanes;
  made.alive = names.alive ?? parent?.alive ?? 4;
  made.shared = shared;
  made.uses = uses;
  made.names = names;
  made.parent = parent;
  made.memo = memo;
  made.pointers = undefined;
  return made as Block;
}

function idOf({ shared }: Block, term: Scalar): string {
  // Axes are made anew wherever they are named; other terms are shared.
  return term.kind === "axis" ? `@${term.axis}` : `#${shared.notes.id(term)}`;
}

/** True if a term has the same value in the block outside. */
function isOuter(at: Block, term: Scalar): boolean {
  const { parent, names, lanes } = at;
  if (parent === undefined) return false;
  const { axes, accs } = at.shared.notes.needs(term);
  for (let i = 0; i < accs.length; i++) {
    if (names.accs?.has(accs[i]) || parent.acc(accs[i]) === undefined) return false;
  }
  for (let i = 0; i < axes.length; i++) {
    const axis = axes[i];
    if (names.axes?.has(axis) || names.shift?.has(axis)) return false;
    // Outside, what lies along the neighbours here may be one value for all of them.
    if (axis === lanes && lanes !== parent.lanes) return false;
    if (parent.axis(axis) === undefined) return false;
  }
  return true;
}

/** The same for a part of an address: steps are added behind it, so that they do not matter. */
function isOuterPart(at: Block, atom: Scalar): boolean {
  return atom.kind === "axis"
    ? at.parent !== undefined && !at.names.axes?.has(atom.axis)
    : isOuter(at, atom);
}

function keep({ code, memo }: Block, key: string, type: ValueType, push: () => void): Local {
  const known = memo.get(key);
  if (known !== undefined) return known;
  push();
  const local = code.local(type);
  code.set(local);
  memo.set(key, local);
  return local;
}

/** Shared by all blocks, for there are very many. */
const behaviour = {
  axis(this: Block, axis: number): Local | undefined {
    return this.names.axes?.get(axis) ?? this.parent?.axis(axis);
  },
  acc(this: Block, index: number): Local | undefined {
    return this.names.accs?.get(index) ?? this.parent?.acc(index);
  },
  shift(this: Block, axis: number): number {
    const own = this.names.shift?.get(axis) ?? 0;
    return this.names.axes?.has(axis) ? own : own + (this.parent?.shift(axis) ?? 0);
  },
  varies(this: Block, term: Scalar): boolean {
    const { axes, accs } = this.shared.notes.needs(term);
    return accs.length > 0 || (this.lanes !== undefined && axes.includes(this.lanes));
  },
  kept(this: Block, term: Scalar, form: Form, lane: number = 0): Local {
    if (isOuter(this, term)) return this.parent!.kept(term, form, lane);
    const key = `${form}${lane}${idOf(this, term)}`;
    return form === "vector"
      ? keep(this, key, "v128", () => pushVector(this, term))
      : keep(this, key, "i32", () => pushScalar(this, term, lane));
  },
  vector(this: Block, term: Scalar): void {
    if (term.kind === "acc") this.code.get(this.acc(term.index)!);
    else if (term.kind === "lit" || !isKept(this, term)) pushVector(this, term);
    else this.code.get(this.kept(term, "vector"));
  },
  scalar(this: Block, term: Scalar, lane: number = 0): void {
    if (term.kind === "lit" || term.kind === "axis" || !isKept(this, term)) {
      pushScalar(this, term, lane);
    } else this.code.get(this.kept(term, "scalar", this.varies(term) ? lane : 0));
  },
  scaled(this: Block, axis: Scalar, bytes: number): Local {
    if (isOuterPart(this, axis)) return this.parent!.scaled(axis, bytes);
    const { code } = this;
    return keep(this, `*${bytes}:${idOf(this, axis)}`, code.wide ? "i64" : "i32", () => {
      if (axis.kind === "axis") code.get(this.axis(axis.axis)!);
      else this.scalar(axis);
      code.toAddress();
      if (bytes === 1) return;
      code.address(bytes);
      code.mulAddress();
    });
  },
  pointerTo(this: Block, operand: number, atoms: readonly Atom[]): Local {
    const { code, parent, operands } = this;
    const outer: Atom[] = [];
    for (let i = 0; parent && i < atoms.length; i++) {
      if (isOuterPart(this, atoms[i].atom)) outer.push(atoms[i]);
    }
    if (parent && outer.length === atoms.length) return parent.pointerTo(operand, atoms);
    if (atoms.length === 0) return operands[operand].pointer;
    this.pointers ??= new Map();
    let found = this.pointers.get(atoms);
    if (!found) this.pointers.set(atoms, found = []);
    if (found[operand] !== undefined) return found[operand];
    const size = itemBytes(operands[operand].dtype);
    const key = `&${operand}:${atoms.map(({ atom, coef }) => `${idOf(this, atom)}*${coef}`)}`;
    return found[operand] = keep(this, key, code.wide ? "i64" : "i32", () => {
      code.get(parent ? parent.pointerTo(operand, outer) : operands[operand].pointer);
      for (const one of atoms) {
        if (outer.includes(one)) continue;
        code.get(this.scaled(one.atom, one.coef * size));
        code.addAddress();
      }
    });
  },
  address(this: Block, operand: number, index: Scalar): Address | undefined {
    const size = itemBytes(this.operands[operand].dtype);
    const { constant, atoms } = this.shared.notes.sum(index);
    let step = 0, moved = constant;
    for (let i = 0; i < atoms.length; i++) {
      const { atom, coef } = atoms[i];
      if (atom.kind === "axis") moved += coef * this.shift(atom.axis);
      if (!this.varies(atom)) continue;
      if (atom.kind !== "axis" || atom.axis !== this.lanes) return undefined;
      step = coef;
    }
    return { ...behind(this, this.pointerTo(operand, atoms), moved * size), step };
  },
  single(this: Block, operand: number, index: Scalar, lane: number): Address {
    const { code, operands } = this;
    const size = itemBytes(operands[operand].dtype);
    code.get(operands[operand].pointer);
    this.scalar(index, lane);
    clamped(code, index, operands[operand].size);
    code.toAddress();
    if (size > 1) {
      code.address(size);
      code.mulAddress();
    }
    code.addAddress();
    const pointer = code.pointer();
    code.set(pointer);
    return { pointer, offset: 0, step: 0 };
  },
  child(this: Block, inner: Names): Scope {
    return block(this.code.piece(), this.shared, this.uses, inner, this);
  },
  within(this: Block, terms: readonly Scalar[]): Scope {
    return block(this.code, this.shared, usesOf(terms), this.names, this.parent, this.memo);
  },
};

/** True if a term is computed outside, or needed more than once. */
function isKept(at: Block, term: Scalar): boolean {
  return (at.uses.get(term) ?? 1) > 1 || isOuter(at, term);
}

/** Brings an index that may lie outside inside; memory beyond the end would be a trap. */
function clamped(code: Code, index: Scalar, size: number): void {
  const [low, high] = rangeOf(index);
  if (low >= 0 && high < size) return;
  const at = code.local("i32");
  for (const [bound, better] of [[Math.max(0, size - 1), "i32.lt_s"], [0, "i32.gt_s"]] as const) {
    code.tee(at);
    code.i32(bound);
    code.get(at);
    code.i32(bound);
    code.op(better);
    code.op("select");
  }
}

/** Constants that may be immediates are; others move the pointer. */
function behind(
  { code, memo }: Block,
  pointer: Local,
  bytes: number,
): { pointer: Local; offset: number } {
  if (bytes >= 0 && bytes < 2 ** 30) return { pointer, offset: bytes };
  const key = `+${pointer}:${bytes}`;
  const known = memo.get(key);
  if (known !== undefined) return { pointer: known, offset: 0 };
  code.get(pointer);
  code.address(bytes);
  code.addAddress();
  const moved = code.pointer();
  code.set(moved);
  memo.set(key, moved);
  return { pointer: moved, offset: 0 };
}
