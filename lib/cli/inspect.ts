/**
 * `inspect`: what a model holds, or the canonical text of its graph after some passes.
 * @module
 */
import type { Graph } from "../core/graph.ts";
import { stage } from "../stage/stage.ts";
import { type Level, passesOf } from "../stage/level.ts";
import { type Colors, formatBytes } from "./std.ts";
import { command } from "./command.ts";
import { describeFile, describeModule, type Inspection } from "./inspection.ts";
import { modelNotes } from "./model_argument.ts";
import { argumentOf, openArgument, type Opened } from "./opened.ts";
import { suggestion, usageError } from "./parse.ts";
import { writePicture } from "./picture.ts";

/** The command. */
export const inspect: ReturnType<typeof command> = command({
  name: "inspect",
  summary: "what a model holds: inputs, outputs, operators, parameters, test cases",
  usage: "MODEL [flags]",
  arity: [1, 1],
  example: [
    "digits.mge",
    "digits.mge --graph --opt-level 2",
    "model.ts --graph --after fold",
    "digits.mge --html digits.html",
  ],
  json: true,
  permissions: "--allow-read=MODEL (for a module also what it imports); with --html also " +
    "--allow-read and --allow-write for the folder of FILE (it is written beside and renamed)",
  notes: [
    ...modelNotes,
    "A file with operators that this version cannot run is described in full, and --html shows " +
    "the file's own operators. --graph needs operators that have a meaning here.",
  ],
  flags: {
    graph: { kind: "boolean", doc: "print the canonical text of the graph" },
    html: {
      kind: "string",
      placeholder: "FILE",
      doc: "write the graph as a picture to explore: one page, for any browser",
    },
    "opt-level": {
      kind: "number",
      doc: "with --graph or --html: the graph after the passes of this level, 0 to 3",
    },
    after: {
      kind: "string",
      placeholder: "PASS",
      doc: `with --graph or --html: the graph after this pass (${passNames().join(", ")})`,
    },
  },
  async run(context) {
    const { args: [model], flags, print, document, colors, log, signal } = context;
    const { graph: wanted, html, after } = flags;
    const level = levelOf(flags["opt-level"]);
    const asked = level !== undefined || after !== undefined;
    if (!wanted && html === undefined && asked) {
      throw usageError(
        "Cannot take --opt-level or --after without --graph or --html FILE: add one of them",
      );
    }
    if (after !== undefined) checkPass(after, level ?? 2);
    if (html !== undefined) checkPage(html, model);
    const opened = await openArgument(await argumentOf(model), context);
    const found = opened.kind === "file"
      ? describeFile(opened.model)
      : describeModule(opened.module, graphOf(opened));
    const own = html !== undefined && !wanted && !asked && found.refusal !== null;
    const names = passesAsked(level, after);
    const graph = (wanted || html !== undefined) && !own
      ? passed(graphOf(opened), level, names.length)
      : undefined;
    if (html !== undefined) {
      const summary = await writePicture(html, { opened, found, graph, passes: names }, signal);
      await log(`${html}: ${summary}`);
    }
    const text = wanted ? String(graph) : undefined;
    await document({ ...found, ...(text ? { graph: text } : {}), ...(html ? { html } : {}) });
    if (text) {
      await print(text);
      return 0;
    }
    for (const line of describe(opened.title, found, colors)) await print(line);
    if (opened.kind === "file" && opened.model.refusal) {
      await print(`${colors.yellow("runs here:")} no. ${opened.model.refusal.message}`);
    }
    return 0;
  },
});

/** The level that a number names. */
export function levelOf(value: number | undefined): Level | undefined {
  if (value === undefined || [0, 1, 2, 3].includes(value)) return value as Level | undefined;
  throw usageError(`Cannot take ${value} for --opt-level: it takes 0, 1, 2 or 3`);
}

function passNames(level: Level = 2): string[] {
  return passesOf(level).map(({ name }) => name);
}

function checkPass(name: string, level: Level): void {
  const known = passNames(level);
  if (known.includes(name)) return;
  throw usageError(
    `Cannot take ${name} for --after: level ${level} has the passes ${known.join(", ")}; ` +
      suggestion(name, known),
  );
}

/** A page is a file of its own; names that were meant otherwise are refused. */
function checkPage(file: string, model: string): void {
  if (file === "" || file === "-") {
    throw usageError("Cannot write the picture to standard output: give --html a file's name");
  }
  if (file === model) {
    throw usageError(`Cannot write the picture to ${file}: it is the model; name another file`);
  }
}

/** The passes asked for, in order: none for the graph as it is written. */
function passesAsked(level: Level | undefined, after: string | undefined): string[] {
  if (level === undefined && after === undefined) return [];
  const names = passNames(level ?? 2);
  return after === undefined ? names : names.slice(0, names.indexOf(after) + 1);
}

function passed(graph: Graph, level: Level | undefined, count: number): Graph {
  return passesOf(level ?? 2).slice(0, count).reduce((g, { pass }) => pass(g), graph);
}

function graphOf(opened: Opened): Graph {
  return opened.kind === "file"
    ? opened.model.graph()
    : stage(opened.module.source, opened.module.types);
}

const most = 40;

/** The description as a person reads it. */
function describe(title: string, found: Inspection, paint: Colors): string[] {
  const { format, inputs, outputs, params, operators, metadata, testcases, bytes } = found;
  const total = Object.values(operators).reduce((a, b) => a + b, 0);
  const weight = params.reduce((n, p) => n + p.bytes, 0);
  return [
    `${paint.bold(title)}: ${format}, ${formatBytes(bytes)}, ${total} operators`,
    ...section("inputs", inputs.map((t) => [t.name, typeText(t)]), paint),
    ...section("outputs", outputs.map((t) => [t.name, typeText(t)]), paint),
    ...section(
      `parameters (${params.length}, ${formatBytes(weight)})`,
      params.map((t) => [t.name, `${typeText(t)}  ${formatBytes(t.bytes)}`]),
      paint,
    ),
    ...section("operators", Object.entries(operators).map(([k, n]) => [k, String(n)]), paint),
    ...(metadata
      ? section("metadata", Object.entries(metadata).map(([k, v]) => [k, plain(v)]), paint)
      : []),
    ...section(
      `test cases (${testcases.length})`,
      testcases.map(({ name, inputs }) => [
        name,
        inputs.map((t) => `${t.name}: ${typeText(t)}`).join(", "),
      ]),
      paint,
    ),
  ];
}

function section(
  title: string,
  rows: readonly (readonly [string, string])[],
  paint: Colors,
): string[] {
  if (rows.length === 0) return [];
  const width = Math.min(48, Math.max(...rows.map(([name]) => name.length)));
  const lines = rows.slice(0, most).map(([name, text]) => `  ${name.padEnd(width)}  ${text}`);
  if (rows.length > most) lines.push(paint.dim(`  … ${rows.length - most} more; --json has all`));
  return [paint.bold(title), ...lines];
}

function typeText(t: { readonly dtype?: string; readonly shape?: readonly number[] }): string {
  return `${t.dtype ?? "?"}[${t.shape?.join(",") ?? "?"}]`;
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
}
