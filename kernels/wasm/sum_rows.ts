/**
 * Deep sums: rows of a contraction whose sums are long are computed by functions that know nothing of
 * the step but how neighbours lie; all else is a parameter. All contractions of a module share them,
 * and what follows the sums is done after them, so that little is written and compiled before a model
 * runs for the first time.
 * @module
 */
import { linearOf } from "../../lib/core/index.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { coef } from "../sums.ts";
import type { Code, Local, ValueType } from "./code.ts";
import type { Contraction, SumLoop } from "./contraction.ts";
import type { ModuleWriter } from "./module.ts";
import { move, productsOf, repeated, unroll } from "./tile.ts";

/** What such a function is for. */
export interface SumShape {
  readonly kind: "f32" | "i32";
  /** Rows of a tile, and its columns. */
  readonly most: number;
  readonly width: number;
  /** The innermost sum's steps in both operands. */
  readonly a: number;
  readonly b: number;
  /** Steps that are left where the innermost sum is unrolled. */
  readonly rest: number;
}

/** Products from which a sum is deep: what follows it costs nothing beside them. */
const deep = 32;

/** True if the bare sums of a contraction can be computed so, where panels are full. */
export function isDeep({ kind, sums, outs, row, column }: Contraction): boolean {
  const index = linearOf(outs[0]);
  const { extent, a, b } = sums.at(-1)!;
  return sizeOf(sums.map(({ extent }) => extent)) >= deep && sums.length <= 2 &&
    extent >= unroll && a >= 0 && b >= 0 && outs[1].type === kind &&
    coef(index, column) === 1 && coef(index, row) >= 0;
}

/** What the functions of rows and tiles take, in this order. */
const [left, leftRow, right, result, resultRow, outer, inner, leftBack, rightBack, count] = [
  ...Array(10).keys(),
];

function paramsOf({ features }: ModuleWriter): ValueType[] {
  const address: ValueType = features.wide ? "i64" : "i32";
  const at = new Array<ValueType>(5).fill(address);
  return [...at, "i32", "i32", address, address];
}

/**
 * The function of some rows of one panel, by its index; `lefts` are the numbers of rows that full tiles
 * may leave. Parameters: the address of the left operand and bytes to its next row, the address of the
 * right operand, the same two of the result; how often the outer sum goes around, and the unrolled
 * inner one; bytes from the end of an inner sum to the next in both operands; the number of rows.
 */
export function sumRows(module: ModuleWriter, shape: SumShape, lefts: readonly number[]): number {
  const { most, width } = shape;
  const params = paramsOf(module);
  const key = `rows ${JSON.stringify(shape)} ${lefts}`;
  return module.fn(key, `rows_${most}x${width}`, [...params, "i32"], (code) => {
    const tile = (rows: number) => {
      params.forEach((_, i) => code.get(i));
      code.call(sumTile(module, shape, rows));
    };
    const pushMany = () => {
      code.get(count);
      code.i32(most);
      code.op("i32.ge_s");
    };
    pushMany();
    code.when(() =>
      code.loop(() => {
        tile(most);
        for (const [pointer, row] of [[left, leftRow], [result, resultRow]]) {
          for (let i = 0; i < most; i++) moveBy(code, pointer, row);
        }
        code.get(count);
        code.i32(-most);
        code.op("i32.add");
        code.set(count);
        pushMany();
        code.op("br_if", 0);
      })
    );
    for (const rows of lefts) {
      code.get(count);
      code.i32(rows);
      code.op("i32.eq");
      code.when(() => tile(rows));
    }
  });
}

/** The function of one tile; it takes what its rows do, but for their number. */
function sumTile(module: ModuleWriter, shape: SumShape, rows: number): number {
  const { kind, width, a, b, rest } = shape;
  const key = `sums ${JSON.stringify({ ...shape, most: rows })}`;
  return module.fn(key, `sums_${rows}x${width}`, paramsOf(module), (code) => {
    const lefts = [left];
    while (lefts.length < rows) lefts.push(nextRow(code, lefts.at(-1)!, leftRow));
    const { sums, step } = productsOf(code, module, kind, rows, width / 4, {
      left(row, k) {
        code.get(lefts[row]);
        code.memory("v128.load32_splat", k * a * 4);
      },
      right(vector, k) {
        code.get(right);
        code.memory("v128.load", (k * b + vector * 4) * 4);
      },
    });
    const steps = (count: number) => {
      for (let k = 0; k < count; k++) step(k);
      for (const pointer of lefts) move(code, pointer, count * a * 4);
      move(code, right, count * b * 4);
    };
    repeated(code, { local: outer }, () => {
      repeated(code, { local: inner }, () => steps(unroll));
      if (rest) steps(rest);
      for (const pointer of lefts) moveBy(code, pointer, leftBack);
      moveBy(code, right, rightBack);
    });
    sums.forEach((row, r) => {
      if (r) moveBy(code, result, resultRow);
      row.forEach((sum, v) => {
        code.get(result);
        code.get(sum);
        code.memory("v128.store", v * 16);
      });
    });
  });
}

/** Pushes what the function of some rows takes, from the outer sum on. */
export function pushSums(
  code: Code,
  sums: readonly SumLoop[],
  { a, b }: SumShape,
  isPacked: boolean,
): void {
  const { extent } = sums.at(-1)!;
  const around = sums.length > 1 ? sums[0] : { extent: 1, a: 0, b: 0 };
  code.i32(around.extent);
  code.i32(Math.floor(extent / unroll));
  code.address((around.a - extent * a) * 4);
  // A packed operand only ever goes on.
  code.address(isPacked ? 0 : (around.b - extent * b) * 4);
}

function moveBy(code: Code, pointer: Local, by: Local): void {
  code.get(pointer);
  code.get(by);
  code.addAddress();
  code.set(pointer);
}

function nextRow(code: Code, pointer: Local, by: Local): Local {
  const next = code.pointer();
  code.get(pointer);
  code.get(by);
  code.addAddress();
  code.set(next);
  return next;
}
