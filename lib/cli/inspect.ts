/**
 * `inspect`: what a model holds, or the canonical text of its graph after some passes.
 * @module
 */
import type { Graph } from "../core/graph.ts";
import { passesOf } from "../stage/level.ts";
import { stage } from "../stage/stage.ts";
import { type Colors, formatBytes } from "./std.ts";
import { command } from "./command.ts";
import { describeFile, describeModule, type Inspection } from "./inspection.ts";
import { modelNotes } from "./model_argument.ts";
import { argumentOf, openArgument, type Opened } from "./opened.ts";
import { knownInputs } from "./known_inputs.ts";
import { usageError } from "./parse.ts";
import {
  checkPass,
  explained,
  graphText,
  levelOf,
  passDocument,
  passed,
  passesAsked,
  passLines,
  passNames,
} from "./passes.ts";
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
    "model.ts --passes --graph",
    "model.ts --known 'mask=#rand(0,1)' --graph --binding --after simplify",
    "digits.mge --html digits.html",
  ],
  json: true,
  permissions: "--allow-read=MODEL (for a module also what it imports); with --html also " +
    "--allow-read and --allow-write for the folder of FILE (it is written beside and renamed)",
  notes: [
    ...modelNotes,
    "A file with operators that this version cannot run is described in full, and --html shows " +
    "the file's own operators. --graph needs operators that have a meaning here.",
    `Passes, in order: ${
      passesOf(2).map(({ name, doc }) => `${name} ${doc}`).join("; ")
    }. Level 0 has the first alone, level 1 all, level 2 fuses into kernels as well, and level 3 ` +
    "measures which kernel is the fastest.",
    "SPEC is what `run` takes: #rand(min,max) or a file of values.",
  ],
  flags: {
    graph: { kind: "boolean", doc: "print the canonical text of the graph" },
    passes: {
      kind: "boolean",
      doc: "print what each pass does: laws applied, terms shared and folded, operations fused; " +
        "with --graph the text before and after each",
    },
    binding: {
      kind: "boolean",
      doc: "with --graph: say of each value whether it is static, known before any run, or dynamic",
    },
    known: {
      kind: "list",
      placeholder: "NAME=SPEC",
      doc: "take the value of an input as known, so that what depends on it alone is folded",
    },
    html: {
      kind: "string",
      placeholder: "FILE",
      doc: "write the graph as a picture to explore: one page, for any browser",
    },
    "opt-level": {
      kind: "number",
      doc: "with --graph, --passes or --html: the passes of this level, 0 to 3",
    },
    after: {
      kind: "string",
      placeholder: "PASS",
      doc: `the same up to this pass (${passNames().join(", ")})`,
    },
  },
  async run(context) {
    const { args: [model], flags, print, document, colors, log, signal } = context;
    const { graph: wanted, html, after } = flags;
    const level = levelOf(flags["opt-level"]);
    const { passes, binding, known } = flags;
    const asked = level !== undefined || after !== undefined || known.length > 0;
    const shows = wanted || passes || html !== undefined;
    if (asked && !shows) {
      throw usageError(
        "Cannot take --opt-level, --after or --known without --graph, --passes or --html FILE: " +
          "add one of them",
      );
    }
    if (binding && !wanted) throw usageError("Cannot take --binding without --graph: add it");
    if (after !== undefined) checkPass(after, level ?? 2);
    if (html !== undefined) checkPage(html, model);
    const opened = await openArgument(await argumentOf(model), context);
    const found = opened.kind === "file"
      ? describeFile(opened.model)
      : describeModule(opened.module, graphOf(opened));
    const own = html !== undefined && !wanted && !passes && !asked && found.refusal !== null;
    const names = passesAsked(level, after);
    const written = shows && !own ? await knownInputs(graphOf(opened), known) : undefined;
    const graph = written && passed(written, level, names.length);
    if (html !== undefined) {
      const summary = await writePicture(html, { opened, found, graph, passes: names }, signal);
      await log(`${html}: ${summary}`);
    }
    const textOf = (g: Graph) => graphText(g, binding);
    const told = passes && written ? explained(written, level ?? 2, after) : undefined;
    await document({
      ...found,
      ...(wanted ? { graph: textOf(graph!) } : {}),
      ...(told ? passDocument(told, wanted ? textOf : undefined) : {}),
      ...(html ? { html } : {}),
    });
    if (told) {
      for (const line of passLines(told, colors, wanted ? textOf : undefined)) await print(line);
    } else if (wanted) await print(textOf(graph!));
    if (told || wanted) return 0;
    for (const line of describe(opened.title, found, colors)) await print(line);
    if (opened.kind === "file" && opened.model.refusal) {
      await print(`${colors.yellow("runs here:")} no. ${opened.model.refusal.message}`);
    }
    return 0;
  },
});

/** A page is a file of its own; names that were meant otherwise are refused. */
function checkPage(file: string, model: string): void {
  if (file === "" || file === "-") {
    throw usageError("Cannot write the picture to standard output: give --html a file's name");
  }
  if (file === model) {
    throw usageError(`Cannot write the picture to ${file}: it is the model; name another file`);
  }
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
