/**
 * A small module that packs panels as `packing.ts` says, for constants that are long: it is fast the
 * first time, when engines have not yet optimised anything else.
 * @module
 */
import type { Code, Local } from "./code.ts";
import { countedLoop } from "./kernel.ts";
import { type Features, newModule } from "./module.ts";
import { turn } from "./turned.ts";

/** An address: a number, or a bigint where the memory is wide. */
type At = number | bigint;

/** The exports of the module. */
export interface PackerExports {
  readonly columns: PackColumns;
  readonly rows: PackRows;
}

/** Packs a panel whose rows lie word by word in the source, four columns by four rows at a time. */
export type PackColumns = (
  /** Of the first column's first row; rows follow one another word by word. */
  source: At,
  /** Of the panel. */
  target: At,
  /** Of the rows' places in the panel, words. */
  places: At,
  /** Rows, at least 4. */
  count: number,
  /** Bytes from one column to the next in the source. */
  stride: number,
  /** Bytes of a row of the panel. */
  width: number,
  /** Columns, by four. */
  quads: number,
) => void;

/** Packs some rows of a panel whose columns lie word by word in the source. */
export type PackRows = (
  /** Of the first row's first column. */
  source: At,
  /** Of the same in the panel. */
  target: At,
  /** Rows. */
  count: number,
  /** Bytes from one row to the next in the source. */
  stride: number,
  /** Bytes of a row of the panel, a multiple of 16. */
  width: number,
) => void;

/** Rows in which all columns are read before the next: their part of the panel stays in a cache. */
const block = 32;

/** The module, for a memory of these features. */
export function packerModule(features: Features, most: number): Uint8Array<ArrayBuffer> {
  const module = newModule(features);
  const address = features.wide ? "i64" as const : "i32" as const;
  const byColumns = [address, address, address, "i32", "i32", "i32", "i32"] as const;
  const byRows = [address, address, "i32", "i32", "i32"] as const;
  module.export("columns", module.fn("columns", "columns", byColumns, writeBlocks));
  module.export("rows", module.fn("rows", "rows", byRows, writeRows));
  return module.finish(1, most);
}

/** Row after row, four columns at a time. */
function writeRows(code: Code): void {
  const [source, target, count, stride, width] = [0, 1, 2, 3, 4];
  const row = code.local("i32");
  code.i32(0);
  code.set(row);
  const body = code.piece();
  const at = body.local("i32");
  body.i32(0);
  body.set(at);
  const four = body.piece();
  pushBehind(four, target, () => four.get(at));
  pushBehind(four, source, () => four.get(at));
  four.memory("v128.load", 0);
  four.memory("v128.store", 0);
  countedLoop(body, at, { local: width }, 16, four);
  for (const [base, by] of [[source, stride], [target, width]]) {
    pushBehind(body, base, () => body.get(by));
    body.set(base);
  }
  countedLoop(code, row, { local: count }, 1, body);
}

/** Blocks of rows, all columns of one before the next. */
function writeBlocks(code: Code): void {
  const [count, quads] = [3, 6];
  const [first, end] = [code.local("i32"), code.local("i32")];
  const body = code.piece();
  // end = min(first + block, count)
  body.get(first);
  body.i32(block);
  body.op("i32.add");
  body.tee(end);
  body.get(count);
  body.get(end);
  body.get(count);
  body.op("i32.lt_s");
  body.op("select");
  body.set(end);
  const quad = body.local("i32");
  body.i32(0);
  body.set(quad);
  const columns = body.piece();
  writeColumns(columns, quad, first, end);
  countedLoop(body, quad, { local: quads }, 1, columns);
  countedLoop(code, first, { local: count }, block, body);
}

/** Four columns of the rows from `first` to `end`. */
function writeColumns(code: Code, quad: Local, first: Local, end: Local): void {
  const [source, target, places, count, stride, width] = [0, 1, 2, 3, 4, 5];
  const times = (local: Local, by: number) => {
    code.get(local);
    code.i32(by);
    code.op("i32.mul");
  };
  const [column, to] = [code.pointer(), code.pointer()];
  pushBehind(code, source, () => {
    times(quad, 4);
    code.get(stride);
    code.op("i32.mul");
  });
  code.set(column);
  pushBehind(code, target, () => times(quad, 16));
  code.set(to);
  const [row, at] = [code.local("i32"), code.local("i32")];
  code.get(first);
  code.set(row);
  const body = code.piece();
  /** A pointer to the word of row `at` behind a base. */
  const atRow = (base: Local): Local => {
    const pointer = body.pointer();
    pushBehind(body, base, () => {
      body.get(at);
      body.i32(2);
      body.op("i32.shl");
    });
    body.set(pointer);
    return pointer;
  };
  // The last four rows are always whole ones, some of them for a second time: at = min(row, count - 4).
  body.get(row);
  body.get(count);
  body.i32(-4);
  body.op("i32.add");
  body.tee(at);
  body.get(row);
  body.get(at);
  body.op("i32.lt_s");
  body.op("select");
  body.set(at);
  const pointer = atRow(column);
  const values = Array.from({ length: 4 }, (_, i) => {
    const value = body.local("v128");
    body.get(pointer);
    body.memory("v128.load", 0);
    body.set(value);
    if (i === 3) return value;
    pushBehind(body, pointer, () => body.get(stride));
    body.set(pointer);
    return value;
  });
  const place = atRow(places);
  turn(body, values).forEach((value, i) => {
    pushBehind(body, to, () => {
      body.get(place);
      body.memory("i32.load", 4 * i);
      body.get(width);
      body.op("i32.mul");
    });
    body.get(value);
    body.memory("v128.store", 0);
  });
  countedLoop(code, row, { local: end }, 4, body);
}

/** Pushes an address so many bytes behind another. */
function pushBehind(code: Code, base: Local, pushBytes: () => void): void {
  code.get(base);
  pushBytes();
  code.toAddress();
  code.addAddress();
}
