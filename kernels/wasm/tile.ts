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
const unroll = 4;

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
): Local[][] {
  const vectors = width / 4;
  const [a, b] = [0, 1];
  const accs = Array.from(
    { length: rows },
    () => Array.from({ length: vectors }, () => code.local("v128")),
  );
  // The operand with fewer registers is held, the other streams through one.
  const holdsLeft = rows <= vectors;
  const held = Array.from({ length: Math.min(rows, vectors) }, () => code.local("v128"));
  const stream = code.local("v128");
  const splat = (row: number, offset: number) => {
    code.get(a);
    code.memory("v128.load32_splat", offset + row * rowStep * 4);
  };
  const quad = (vector: number, offset: number) => {
    code.get(b);
    code.memory("v128.load", offset + vector * 16);
  };
  const one = (offsetA: number, offsetB: number) => {
    held.forEach((local, i) => {
      if (holdsLeft) splat(i, offsetA);
      else quad(i, offsetB);
      code.set(local);
    });
    const many = holdsLeft ? vectors : rows;
    for (let j = 0; j < many; j++) {
      if (holdsLeft) quad(j, offsetB);
      else splat(j, offsetA);
      code.set(stream);
      held.forEach((local, i) => {
        const acc = holdsLeft ? accs[i][j] : accs[j][i];
        if (kind === "f32" && module.features.madd) {
          code.madd(holdsLeft ? local : stream, holdsLeft ? stream : local, acc);
          return;
        }
        code.get(acc);
        code.get(local);
        code.get(stream);
        code.op(kind === "f32" ? "f32x4.mul" : "i32x4.mul");
        code.op(kind === "f32" ? "f32x4.add" : "i32x4.add");
        code.set(acc);
      });
    }
  };
  const move = (pointer: Local, bytes: number, into: Code) => {
    if (bytes === 0) return;
    into.get(pointer);
    into.address(bytes);
    into.addAddress();
    into.set(pointer);
  };
  const levels = (index: number): void => {
    const { extent, a: stepA, b: stepB } = loops[index];
    if (index < loops.length - 1) {
      const inner = loops[index + 1];
      // What the inner loop moved is taken back; a packed operand only ever goes on.
      const backA = (stepA - inner.extent * inner.a) * 4;
      const backB = isPacked ? 0 : (stepB - inner.extent * inner.b) * 4;
      repeated(code, extent, () => {
        levels(index + 1);
        move(a, backA, code);
        move(b, backB, code);
      });
      return;
    }
    // Negative steps cannot be offsets; such loops are rare and take one step at a time.
    const at = stepA < 0 || stepB < 0 ? 1 : unroll;
    const whole = Math.floor(extent / at);
    const rest = extent % at;
    const steps = (count: number) => {
      for (let k = 0; k < count; k++) one(k * stepA * 4, k * stepB * 4);
      move(a, count * stepA * 4, code);
      move(b, count * stepB * 4, code);
    };
    if (whole) repeated(code, whole, () => steps(at));
    if (rest) steps(rest);
  };
  levels(0);
  return accs;
}

/** A body so many times; a single time without a loop. */
export function repeated(code: Code, times: number, body: () => void): void {
  if (times === 1) return body();
  const left = code.local("i32");
  code.i32(times);
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
