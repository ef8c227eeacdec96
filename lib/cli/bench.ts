/**
 * `bench`: runs a suite of benches, compares it with its stored history and keeps it there.
 * @module
 */
import {
  type BenchColumn,
  type Measured,
  openSuite,
  type Stored,
  type Suite,
} from "./bench_suite.ts";
import { store, stored } from "./bench_history.ts";
import { command } from "./command.ts";
import { status } from "./fault.ts";
import { patternOf } from "./pattern_flag.ts";
import { suggestion, usageError } from "./parse.ts";

/** A row that takes longer than it did. */
interface Regression {
  readonly name: string;
  readonly target: string;
  readonly ms: number;
  readonly stored: number;
  readonly ratio: number;
}

/** The command. */
export const bench: ReturnType<typeof command> = command({
  name: "bench",
  summary: "run the project's benches and compare them with the stored history",
  usage: "[flags]",
  arity: [0, 0],
  example: [
    "--targets wasm --rows 'matmul|softmax' --no-first",
    "--save",
    "--regression 1.1 --against ../main/bench/results",
  ],
  json: true,
  permissions: "--allow-read --allow-write --allow-run: the suite runs processes " +
    "of its own, with all permissions",
  notes: [
    "The suite is a module that exports `targets` and `measure`; the project's own is in its " +
    "repository (bench/suite.ts) and not in the package. Its history is the folder results beside " +
    "it: a file for each target and what that ran on, with a line for each run. A row is compared " +
    "with the last line of the same place; what is not stored is new. Only with -A (--allow-all) does " +
    "the name of a place say which processor it is: Deno lets nothing else read /proc/cpuinfo.",
    "The exit status is 1 where a row took longer than --regression allows.",
  ],
  flags: {
    suite: { kind: "string", placeholder: "FILE", doc: "another suite" },
    targets: { kind: "string", placeholder: "A,B", doc: "the targets, separated by commas" },
    rows: { kind: "string", placeholder: "REGEXP", doc: "only rows with a name that matches" },
    first: { kind: "boolean", default: true, doc: "with the time to a first result" },
    save: { kind: "boolean", doc: "add the run to the history" },
    against: { kind: "string", placeholder: "DIR", doc: "compare with the history in this folder" },
    regression: {
      kind: "number",
      default: 1.25,
      doc: "how many times its stored time a row may take",
    },
  },
  async run({ flags, print, document, log, progress, signal }) {
    const { regression } = flags;
    if (!(regression >= 1)) {
      throw usageError(`Cannot take ${regression} for --regression: it takes a number from 1 on`);
    }
    const rows = patternOf("rows", flags.rows);
    const { suite, title, history } = await openSuite(flags.suite);
    const targets = targetsOf(suite, flags.targets);
    let measured: Measured;
    {
      using _bar = progress("measuring");
      measured = await suite.measure({ targets, rows, first: flags.first, signal });
    }
    const { columns } = measured;
    const before: Stored = new Map(
      await Promise.all(
        columns.map(async (column) =>
          [column.target, await stored(flags.against ?? history, column)] as const
        ),
      ),
    );
    const worse = columns.flatMap((column) => regressions(column, before, regression));
    const saved: string[] = [];
    for (const column of flags.save ? columns : []) {
      if (column.results.length) saved.push(await store(history, column, signal));
    }
    await document({ suite: title, regression, columns, regressions: worse, saved });
    await print(measured.table(before));
    for (const file of saved) await log(`stored in ${file}`);
    for (const { name, target, ms, stored, ratio } of worse) {
      await print(
        `SLOWER ${name} on ${target}: ${ms.toFixed(3)} ms, ${ratio.toFixed(2)} times the stored ` +
          `${stored.toFixed(3)} ms; ${regression} times is allowed`,
      );
    }
    return worse.length ? status.failed : status.done;
  },
});

function targetsOf({ targets, usual }: Suite, text: string | undefined): readonly string[] {
  const asked = text?.split(",") ?? targets.slice(0, usual);
  const unknown = asked.find((name) => !targets.includes(name));
  if (unknown === undefined) return asked;
  throw usageError(
    `Cannot take ${unknown} for --targets: the suite has ${targets.join(", ")}; ` +
      suggestion(unknown, targets),
  );
}

function regressions(
  { target, results }: BenchColumn,
  before: Stored,
  most: number,
): readonly Regression[] {
  return results.flatMap(({ name, ms }) => {
    const old = before.get(target)?.get(name);
    const ratio = old ? ms / old : 0;
    return old && ratio > most ? [{ name, target, ms, stored: old, ratio }] : [];
  });
}
