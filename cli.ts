/**
 * The command line of Weft: the list of its commands.
 * @module
 */
import { check } from "./lib/cli/check.ts";
import type { Program } from "./lib/cli/command.ts";
import { doctor } from "./lib/cli/doctor.ts";
import { inspect } from "./lib/cli/inspect.ts";
import { main } from "./lib/cli/main.ts";
import { run } from "./lib/cli/run.ts";
import { processTerminal } from "./lib/cli/terminal.ts";
import deno from "./deno.json" with { type: "json" };

/** The program. */
export const program: Program = {
  name: "weft",
  version: deno.version,
  summary: "functional dataflow models: staged, run, and written as MegEngine files",
  commands: [run, inspect, check, doctor],
};

if (import.meta.main) Deno.exit(await main(program, Deno.args, processTerminal()));
