/**
 * The command line of Weft: the list of its commands.
 * @module
 */
import deno from "./deno.json" with { type: "json" };
import { bench } from "./lib/cli/bench.ts";
import { check } from "./lib/cli/check.ts";
import type { Program } from "./lib/cli/command.ts";
import { convert } from "./lib/cli/convert.ts";
import { compare } from "./lib/cli/compare.ts";
import { doctor } from "./lib/cli/doctor.ts";
import { dump } from "./lib/cli/dump.ts";
import { inspect } from "./lib/cli/inspect.ts";
import { main } from "./lib/cli/main.ts";
import { ops } from "./lib/cli/ops.ts";
import { profile } from "./lib/cli/profile.ts";
import { run } from "./lib/cli/run.ts";
import { strip } from "./lib/cli/strip.ts";
import { processTerminal } from "./lib/cli/terminal.ts";

export type * from "./lib/cli/command.ts";
export type { Progress } from "./lib/cli/progress.ts";
export type { Colors, Paint } from "./lib/cli/std.ts";

/** The program. */
export const program: Program = {
  name: "weft",
  version: deno.version,
  summary: "functional dataflow models: staged, run, and written as MegEngine files",
  commands: [dump, run, inspect, convert, check, compare, profile, strip, ops, doctor, bench],
};

if (import.meta.main) Deno.exit(await main(program, Deno.args, processTerminal()));
