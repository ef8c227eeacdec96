/**
 * `ops`: the table of operations and where each one is there.
 * @module
 */
import type { Op } from "../core/op.ts";
import { ops as all } from "../ops/mod.ts";
import { isWritable } from "../mge/writable.ts";
import { command } from "./command.ts";

/** One row of the table. */
export interface OpRow {
  readonly name: string;
  readonly reference: boolean;
  readonly webgpu: boolean;
  readonly wasm: boolean;
  readonly gradient: boolean;
  readonly v1: boolean;
  readonly v2: boolean;
  readonly onnx: boolean;
}

const columns = ["reference", "webgpu", "wasm", "gradient", "v1", "v2", "onnx"] as const;

function rowOf(op: Op): OpRow {
  const runs = Boolean(op.scalar || op.view || op.lower || op.compose);
  return {
    name: op.name,
    reference: Boolean(op.eval) || runs,
    webgpu: runs,
    wasm: runs,
    gradient: Boolean(op.vjp || op.compose),
    v1: isWritable(op, "FBS"),
    v2: isWritable(op, "FBS_V2"),
    onnx: false,
  };
}

/** The rows of all operations, by name. */
export function opRows(): readonly OpRow[] {
  return all.map(rowOf).sort((a, b) => a.name < b.name ? -1 : 1);
}

/** The command. */
export const ops: ReturnType<typeof command> = command({
  name: "ops",
  summary: "the table of operations",
  usage: "[flags]",
  arity: [0, 0],
  example: ["", "--markdown", "--json"],
  json: true,
  permissions: "none",
  flags: { markdown: { kind: "boolean", doc: "print a Markdown table" } },
  async run({ flags, print, document }) {
    const rows = opRows();
    await document(rows);
    const mark = (row: OpRow, name: typeof columns[number]) => row[name] ? "yes" : "-";
    if (flags.markdown) {
      await print(`| operation | ${columns.join(" | ")} |`);
      await print(`| --- |${" --- |".repeat(columns.length)}`);
      for (const row of rows) {
        await print(`| ${row.name} | ${columns.map((c) => mark(row, c)).join(" | ")} |`);
      }
      return 0;
    }
    const width = Math.max(...rows.map(({ name }) => name.length)) + 2;
    await print("operation".padEnd(width) + columns.map((c) => c.padEnd(10)).join(""));
    for (const row of rows) {
      await print(row.name.padEnd(width) + columns.map((c) => mark(row, c).padEnd(10)).join(""));
    }
    return 0;
  },
});
