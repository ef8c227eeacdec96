/**
 * Two recordings that `run --io-dump` made: folders of arrays, compared within a tolerance, or
 * texts, whose hashes say what is equal.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import type { Host } from "../core/host.ts";
import { arrayIn } from "../io/arrays.ts";
import type { ComparedValue, CompareReport } from "./compare_report.ts";
import { compareValues, type Tolerance } from "./compare_values.ts";
import { distinct, type NamedValues, namesOnlyIn, pairs } from "./paired.ts";
import { inFolder, statOf } from "./path.ts";

/** What a path holds that `run --io-dump` may have written. */
export type DumpKind = "folder" | "text";

/** Which recording a path holds, if it is one; a folder without an index is a FormatError. */
export async function dumpKind(path: string): Promise<DumpKind | undefined> {
  const info = await statOf(path);
  if (info?.isDirectory) {
    if ((await casesIn(path)).length > 0) return "folder";
    throw new FormatError(
      `Cannot compare ${path}: it is a folder without index.json, which run --io-dump writes`,
    );
  }
  if (!info?.isFile) return undefined;
  using file = await Deno.open(path);
  const head = new Uint8Array(16);
  const count = await file.read(head) ?? 0;
  const text = new TextDecoder().decode(head.subarray(0, count));
  return /^(case 0\n)?0 "/.test(text) ? "text" : undefined;
}

/** Compares two folders. */
export async function compareFolders(
  a: string,
  b: string,
  tolerance: Tolerance,
  signal: AbortSignal,
): Promise<CompareReport> {
  const [all, others] = [await recordedIn(a), await recordedIn(b)];
  const values: ComparedValue[] = [];
  for await (const { name, a, b } of pairs(all, others)) {
    signal.throwIfAborted();
    values.push({ name, kind: "value", found: compareValues(a, b, tolerance) });
  }
  return { values, ...lost(all, others), strict: false };
}

/** Compares two texts, by the hashes of the values. */
export async function compareTexts(a: string, b: string): Promise<CompareReport> {
  const [all, others] = [await linesIn(a), await linesIn(b)];
  const values: ComparedValue[] = [];
  for await (const { name, a, b } of pairs(all, others)) {
    const passed = a.hash === b.hash && typeIn(a.text) === typeIn(b.text);
    const share = passed ? 0 : Infinity;
    const reason = passed ? {} : { reason: `is ${a.text} in A, ${b.text} in B` };
    values.push({
      ...{ name, kind: "value" },
      found: { passed, ...reason, share, wrong: passed ? 0 : 1, total: 1 },
    });
  }
  return { values, ...lost(all, others), strict: false };
}

function lost(a: NamedValues<unknown>, b: NamedValues<unknown>) {
  return { onlyA: namesOnlyIn(a.names, b.names), onlyB: namesOnlyIn(b.names, a.names) };
}

interface Line {
  readonly hash: string;
  readonly text: string;
}

async function linesIn(path: string): Promise<NamedValues<Line>> {
  const lines: Line[] = [];
  const names: string[] = [];
  let prefix = "";
  for (const [i, text] of (await Deno.readTextFile(path)).split("\n").entries()) {
    const [, number] = /^case (\d+)$/.exec(text) ?? [];
    if (number !== undefined) prefix = `${number}/`;
    if (number !== undefined || text === "") continue;
    const parts = /^\d+ ("(?:[^"\\]|\\.)*") \S+ #([0-9a-f]{16}) (.*?)(?: at \S+:\d+:\d+)?$/.exec(
      text,
    );
    if (!parts) {
      throw new FormatError(
        `Cannot compare ${path}: line ${i + 1} is none of run --io-dump: ${text.slice(0, 60)}`,
      );
    }
    names.push(prefix + JSON.parse(parts[1]));
    lines.push({ hash: parts[2], text: parts[3] });
  }
  return { names: distinct(names), values: () => ReadableStream.from(lines) };
}

/** The dtype and shape, which stand first. */
function typeIn(text: string): string {
  return text.split(" ")[0];
}

/** The folders of a recording: itself, or one for each case. */
async function casesIn(folder: string): Promise<readonly string[]> {
  if (await statOf(inFolder(folder, "index.json"))) return [""];
  const cases: string[] = [];
  while (await statOf(inFolder(folder, `${cases.length}/index.json`))) {
    cases.push(`${cases.length}/`);
  }
  return cases;
}

async function recordedIn(folder: string): Promise<NamedValues<Host>> {
  const names: string[] = [];
  const files: string[] = [];
  for (const part of await casesIn(folder)) {
    const path = inFolder(folder, `${part}index.json`);
    for (const { name, file } of entriesOf(path, await Deno.readTextFile(path))) {
      names.push(part + name);
      files.push(inFolder(folder, part + file));
    }
  }
  return {
    names: distinct(names),
    async *values() {
      for (const file of files) yield await arrayIn(file, "");
    },
  };
}

function entriesOf(
  path: string,
  text: string,
): readonly { readonly name: string; readonly file: string }[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`Cannot read ${path}: it is no JSON (${(error as Error).message})`);
  }
  const isEntry = (x: unknown) => {
    const { name, file } = (x ?? {}) as Record<string, unknown>;
    // A path elsewhere is nothing that a recording names.
    return typeof name === "string" && typeof file === "string" && !/[/\\]/.test(file);
  };
  if (Array.isArray(value) && value.every(isEntry)) return value;
  throw new FormatError(`Cannot read ${path}: it is no list of names and files`);
}
