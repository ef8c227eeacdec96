/**
 * Blocks of code into which scalar terms are written. A term is computed in the outermost block that
 * knows its axes and accumulators, once, and kept in a local. Along one axis of the innermost block
 * four neighbours are computed at a time; i32 terms that make addresses are computed one by one.
 * @module
 */
import { linearOf, rangeOf } from "../../lib/core/index.ts";
import { type Scalar, walk } from "../../lib/core/scalar.ts";
import { itemBytes } from "../../lib/core/type.ts";
import type { Code, Local } from "./code.ts";
import type { ModuleWriter } from "./module.ts";
import type { Names, Operand, Scope } from "./names.ts";
import { pushScalar } from "./single.ts";
import { pushVector } from "./vector.ts";

export type { Address, Names, Operand, Scope } from "./names.ts";

/** Tables that all blocks of a kernel share. */
interface Shared {
  readonly module: ModuleWriter;
  readonly operands: readonly Operand[];
  /** How often each part stands in the terms of the kernel. */
  readonly uses: ReadonlyMap<Scalar, number>;
  readonly needs: Map<Scalar, ReadonlySet<string>>;
  /** Numbers of terms, by which what is kept is found again. */
  readonly ids: Map<Scalar, number>;
}

/** The outermost block of a kernel that will compute these terms. */
export function rootScope(
  code: Code,
  module: ModuleWriter,
  operands: readonly Operand[],
  terms: readonly Scalar[],
  names: Names = {},
): Scope {
  const shared = { module, operands, uses: usesOf(terms), needs: new Map(), ids: new Map() };
  return block(code, shared, names, undefined);
}

function usesOf(terms: readonly Scalar[]): Map<Scalar, number> {
  const uses = new Map<Scalar, number>();
  const add = (part: Scalar) => uses.set(part, (uses.get(part) ?? 0) + 1);
  const seen = new Set<Scalar>();
  for (const term of terms) {
    add(term);
    walk(term, (part) => {
      if (part.kind === "call") part.args.forEach(add);
      if (part.kind === "load") {
        add(part.index);
        if (part.valid) add(part.valid);
      }
    }, seen);
  }
  return uses;
}

interface Block extends Scope {
  knows(need: string): boolean;
  pointerTo(operand: number, atoms: readonly Atom[]): Local;
  scaled(axis: Scalar, bytes: number): Local;
}

interface Atom {
  readonly atom: Scalar;
  readonly bytes: number;
}

function block(
  code: Code,
  shared: Shared,
  names: Names,
  parent: Block | undefined,
  memo: Map<string, Local> = new Map(),
): Block {
  const { module, operands, uses, ids } = shared;
  const idOf = (term: Scalar): string => {
    // Axes are made anew wherever they are named; other terms are shared.
    if (term.kind === "axis") return `@${term.axis}`;
    let id = ids.get(term);
    if (id === undefined) ids.set(term, id = ids.size);
    return `#${id}`;
  };
  const lanes = names.lanes ?? parent?.lanes;
  const needsOf = (term: Scalar): ReadonlySet<string> => {
    const known = shared.needs.get(term);
    if (known) return known;
    const made = new Set<string>();
    walk(term, (part) => {
      if (part.kind === "axis") made.add(`@${part.axis}`);
      if (part.kind === "acc") made.add(`#${part.index}`);
    });
    shared.needs.set(term, made);
    return made;
  };
  const isNamed = (need: string) =>
    need[0] === "@"
      ? names.axes?.has(Number(need.slice(1))) ?? false
      : names.accs?.has(Number(need.slice(1))) ?? false;
  const isMoved = (need: string) =>
    need[0] === "@" && (names.shift?.has(Number(need.slice(1))) ?? false) ||
    // Outside, what lies along the neighbours here may be one value for all of them.
    lanes !== parent?.lanes && need === `@${lanes}`;
  /** True if a term has the same value in the block outside. */
  const isOuter = (term: Scalar) =>
    parent !== undefined &&
    [...needsOf(term)].every((need) => parent.knows(need) && !isNamed(need) && !isMoved(need));
  /** The same for a part of an address: steps are added behind it, so that they do not matter. */
  const isOuterPart = (atom: Scalar) =>
    atom.kind === "axis"
      ? parent?.axis(atom.axis) !== undefined && !isNamed(`@${atom.axis}`)
      : isOuter(atom);

  function keep(key: string, type: "v128" | "i32" | "i64", push: () => void): Local {
    const known = memo.get(key);
    if (known !== undefined) return known;
    push();
    const local = code.local(type);
    code.set(local);
    memo.set(key, local);
    return local;
  }

  const scope: Block = {
    code,
    module,
    operands,
    lanes,
    alive: names.alive ?? parent?.alive ?? 4,
    axis: (axis) => names.axes?.get(axis) ?? parent?.axis(axis),
    acc: (index) => names.accs?.get(index) ?? parent?.acc(index),
    shift: (axis) =>
      (names.shift?.get(axis) ?? 0) + (names.axes?.has(axis) ? 0 : parent?.shift(axis) ?? 0),
    knows: (need) =>
      (need[0] === "@" ? scope.axis(Number(need.slice(1))) : scope.acc(Number(need.slice(1)))) !==
        undefined,
    varies: (term) =>
      needsOf(term).has(`@${lanes}`) || [...needsOf(term)].some((need) => need[0] === "#"),
    kept(term, form, lane = 0) {
      if (isOuter(term)) return parent!.kept(term, form, lane);
      const key = `${form}${lane}${idOf(term)}`;
      return form === "vector"
        ? keep(key, "v128", () => pushVector(scope, term))
        : keep(key, "i32", () => pushScalar(scope, term, lane));
    },
    vector(term) {
      if (term.kind === "acc") code.get(scope.acc(term.index)!);
      else if (term.kind === "lit" || !(isOuter(term) || (uses.get(term) ?? 1) > 1)) {
        pushVector(scope, term);
      } else code.get(scope.kept(term, "vector"));
    },
    scalar(term, lane = 0) {
      const isShared = isOuter(term) || (uses.get(term) ?? 1) > 1;
      if (term.kind === "lit" || term.kind === "axis" || !isShared) {
        pushScalar(scope, term, lane);
      } else code.get(scope.kept(term, "scalar", scope.varies(term) ? lane : 0));
    },
    scaled(axis, bytes) {
      if (isOuterPart(axis)) return parent!.scaled(axis, bytes);
      return keep(`*${bytes}:${idOf(axis)}`, code.wide ? "i64" : "i32", () => {
        if (axis.kind === "axis") code.get(scope.axis(axis.axis)!);
        else scope.scalar(axis);
        code.toAddress();
        if (bytes === 1) return;
        code.address(bytes);
        code.mulAddress();
      });
    },
    pointerTo(operand, atoms) {
      const inner = atoms.filter(({ atom }) => !isOuterPart(atom));
      if (parent && inner.length === 0) return parent.pointerTo(operand, atoms);
      if (atoms.length === 0) return operands[operand].pointer;
      const key = `&${operand}:${atoms.map(({ atom, bytes }) => `${idOf(atom)}*${bytes}`)}`;
      const known = memo.get(key);
      if (known !== undefined) return known;
      const outer = atoms.filter((a) => !inner.includes(a));
      code.get(parent ? parent.pointerTo(operand, outer) : operands[operand].pointer);
      for (const { atom, bytes } of inner) {
        code.get(scope.scaled(atom, bytes));
        code.addAddress();
      }
      const local = code.pointer();
      code.set(local);
      memo.set(key, local);
      return local;
    },
    address(operand, index) {
      const size = itemBytes(operands[operand].dtype);
      const { constant, terms } = linearOf(index);
      const atoms: Atom[] = [];
      let step = 0, moved = constant;
      for (const { atom, coef } of terms.values()) {
        if (atom.kind === "axis") moved += coef * scope.shift(atom.axis);
        if (scope.varies(atom)) {
          if (atom.kind !== "axis" || atom.axis !== lanes) return undefined;
          step = coef;
        }
        atoms.push({ atom, bytes: coef * size });
      }
      return { ...behind(scope.pointerTo(operand, atoms), moved * size), step };
    },
    single(operand, index, lane) {
      const size = itemBytes(operands[operand].dtype);
      code.get(operands[operand].pointer);
      scope.scalar(index, lane);
      clamped(index, operands[operand].size);
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
    child: (inner) => block(code.piece(), shared, inner, scope),
    within: (terms) => block(code, { ...shared, uses: usesOf(terms) }, names, parent, memo),
  };

  /** Brings an index that may lie outside inside; memory beyond the end would be a trap. */
  function clamped(index: Scalar, size: number): void {
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
  function behind(pointer: Local, bytes: number): { pointer: Local; offset: number } {
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

  return scope;
}
