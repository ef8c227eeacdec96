/**
 * Tiles: some rows times some columns of a contraction in registers. Sums are fused multiply-adds
 * where the machine has them; what follows the sum is written on the way out.
 * @module
 */
import { printScalar } from "../../lib/core/scalar.ts";
import type { Code, Local, ValueType } from "./code.ts";
import type { Contraction, SumLoop } from "./contraction.ts";
import { store } from "./load.ts";
import type { ModuleWriter } from "./module.ts";
import { type Operand, rootScope } from "./scope.ts";

/** One tile of a contraction. */
export interface Tile {
  readonly contraction: Contraction;
  readonly rows: number;
  /** Columns computed, a multiple of 4. */
  readonly width: number;
  /** Columns that are there. */
  readonly columns: number;
  /** The step's operands and results. */
  readonly operands: readonly Operand[];
}

/** How often the innermost loop is unrolled. */
export const unroll = 4;

/**
 * The function of a tile, by its index. Parameters: addresses in the left and the right operand, the
 * axes of the contraction (i32; the first row and column of the tile), the operands' addresses.
 */
export function tileFunction(module: ModuleWriter, tile: Tile): number {
  const { contraction, rows, width, columns, operands } = tile;
  const { sums, left, extents, outs } = contraction;
  const address: ValueType = module.features.wide ? "i64" : "i32";
  const rowed = contraction.row >= extents.length ? 1 : 0;
  const axes = extents.length + rowed;
  const params = [address, address, ...new Array<ValueType>(axes).fill("i32")];
  params.push(...operands.map(() => address));
  const isPacked = contraction.right.packing !== undefined || contraction.right.staged;
  const loops = sums.map((sum) => isPacked ? { ...sum, b: width } : sum);
  const same = module.once(
    contraction,
    "tile",
    () =>
      `${contraction.kind} ${left.rowStep} ${extents} ${contraction.row} ${contraction.column} ` +
      outs.map(printScalar).join(";"),
  );
  const types = operands.map(({ dtype, size }) => `${dtype}${size}`);
  const text = `${rows}x${width}:${columns} ${JSON.stringify(loops)} ${same} ${types}`;
  return module.fn(`tile ${text}`, `tile_${rows}x${width}`, params, (code) => {
    const accs = sumsOf(
      code,
      module,
      contraction.kind,
      rows,
      width,
      left.rowStep,
      loops,
      isPacked,
    );
    writeOut(code, module, tile, 2, accs, params.length - operands.length);
  });
}

/** How one element of the left operand and four of the right one are pushed, `k` steps further on. */
export interface Reads {
  left(row: number, k: number): void;
  right(vector: number, k: number): void;
}

/** The sums of a tile, row by row in locals, and what adds one step of products to all of them. */
export function productsOf(
  code: Code,
  module: ModuleWriter,
  kind: "f32" | "i32",
  rows: number,
  vectors: number,
  { left, right }: Reads,
): { readonly sums: readonly (readonly Local[])[]; step(k: number): void } {
  const sums = Array.from(
    { length: rows },
    () => Array.from({ length: vectors }, () => code.local("v128")),
  );
  // The operand with fewer registers is held, the other streams through one.
  const holdsLeft = rows <= vectors;
  const held = Array.from({ length: Math.min(rows, vectors) }, () => code.local("v128"));
  const stream = code.local("v128");
  const fused = kind === "f32" && module.features.madd;
  const step = (k: number) => {
    held.forEach((local, i) => {
      if (holdsLeft) left(i, k);
      else right(i, k);
      code.set(local);
    });
    const many = holdsLeft ? vectors : rows;
    for (let j = 0; j < many; j++) {
      if (holdsLeft) right(j, k);
      else left(j, k);
      code.set(stream);
      for (let i = 0; i < held.length; i++) {
        const sum = holdsLeft ? sums[i][j] : sums[j][i];
        if (fused) {
          code.madd(holdsLeft ? held[i] : stream, holdsLeft ? stream : held[i], sum);
          continue;
        }
        code.get(sum);
        code.get(held[i]);
        code.get(stream);
        code.op(kind === "f32" ? "f32x4.mul" : "i32x4.mul");
        code.op(kind === "f32" ? "f32x4.add" : "i32x4.add");
        code.set(sum);
      }
    }
  };
  return { sums, step };
}

/** Pushes the sums of a tile into locals, row by row. */
function sumsOf(
  code: Code,
  module: ModuleWriter,
  kind: "f32" | "i32",
  rows: number,
  width: number,
  rowStep: number,
  loops: readonly SumLoop[],
  isPacked: boolean,
): readonly (readonly Local[])[] {
  const [a, b] = [0, 1];
  const { a: stepA, b: stepB } = loops.at(-1)!;
  const { sums, step } = productsOf(code, module, kind, rows, width / 4, {
    left(row, k) {
      code.get(a);
      code.memory("v128.load32_splat", (k * stepA + row * rowStep) * 4);
    },
    right(vector, k) {
      code.get(b);
      code.memory("v128.load", (k * stepB + vector * 4) * 4);
    },
  });
  const levels = (index: number): void => {
    const { extent, a: stepA, b: stepB } = loops[index];
    if (index < loops.length - 1) {
      const inner = loops[index + 1];
      // What the inner loop moved is taken back; a packed operand only ever goes on.
      const backA = (stepA - inner.extent * inner.a) * 4;
      const backB = isPacked ? 0 : (stepB - inner.extent * inner.b) * 4;
      repeated(code, extent, () => {
        levels(index + 1);
        move(code, a, backA);
        move(code, b, backB);
      });
      return;
    }
    // Negative steps cannot be offsets; such loops are rare and take one step at a time.
    const at = stepA < 0 || stepB < 0 ? 1 : unroll;
    const whole = Math.floor(extent / at);
    const rest = extent % at;
    const steps = (count: number) => {
      for (let k = 0; k < count; k++) step(k);
      move(code, a, count * stepA * 4);
      move(code, b, count * stepB * 4);
    };
    if (whole) repeated(code, whole, () => steps(at));
    if (rest) steps(rest);
  };
  levels(0);
  return sums;
}

/** Moves a pointer by so many bytes. */
export function move(code: Code, pointer: Local, bytes: number): void {
  if (bytes === 0) return;
  code.get(pointer);
  code.address(bytes);
  code.addAddress();
  code.set(pointer);
}

/** A body so many times; a single time without a loop. */
export function repeated(
  code: Code,
  times: number | { readonly local: Local },
  body: () => void,
): void {
  if (times === 1) return body();
  const left = code.local("i32");
  if (typeof times === "number") code.i32(times);
  else code.get(times.local);
  code.set(left);
  code.loop(() => {
    body();
    code.get(left);
    code.i32(-1);
    code.op("i32.add");
    code.tee(left);
    code.op("br_if", 0);
  });
}

/** What follows each sum, and where it goes. */
function writeOut(
  code: Code,
  module: ModuleWriter,
  { contraction, columns, operands }: Tile,
  firstAxis: number,
  accs: readonly (readonly Local[])[],
  firstPointer: number,
): void {
  const { extents, row, column, outs } = contraction;
  const axes = new Map<number, Local>();
  for (let i = 0; i < extents.length; i++) axes.set(i, firstAxis + i);
  if (row >= extents.length) axes.set(row, firstAxis + extents.length);
  const pointers = operands.map((operand, i) => ({ ...operand, pointer: firstPointer + i }));
  const root = rootScope(code, module, pointers, outs, { axes });
  const results = pointers.length - outs.length / 2;
  for (let v = 0; v < accs[0].length; v++) {
    const alive = Math.min(4, columns - 4 * v);
    if (alive <= 0) continue;
    const across = root.child({ lanes: column, alive, shift: new Map([[column, 4 * v]]) });
    for (let r = 0; r < accs.length; r++) {
      const cell = across.child({
        accs: new Map([[0, accs[r][v]]]),
        shift: new Map([[row, r]]),
      });
      for (let k = 0; 2 * k < outs.length; k++) {
        store(cell, results + k, outs[2 * k], outs[2 * k + 1]);
      }
      across.code.append(cell.code);
    }
    code.append(across.code);
  }
}
