/**
 * A small program for the tests of the command line, in this process or (run as a script) in one
 * of its own; and a terminal that keeps what is written to it.
 * @module
 */
import { command, type Program } from "../../lib/cli/command.ts";
import { main } from "../../lib/cli/main.ts";
import { processTerminal, type Terminal } from "../../lib/cli/terminal.ts";
import { DeviceError, FormatError, OptionError, ShapeError } from "../../lib/core/fault.ts";

const show = command({
  name: "show",
  summary: "show what was given",
  usage: "MODEL [MODEL…] -o FILE [flags]",
  arity: [1, 3],
  example: ["digits.mge -o out.mge --level 3", "- --name x=3 --name y=4"],
  json: true,
  permissions: "--allow-read=MODEL --allow-write=FOLDER",
  notes: ["A model that is a module is executed."],
  flags: {
    output: { kind: "string", short: "o", placeholder: "FILE", doc: "where the result goes" },
    device: {
      kind: "string",
      choices: ["auto", "webgpu", "reference"],
      default: "auto",
      doc: "what runs it",
    },
    name: { kind: "list", placeholder: "NAME=SPEC", doc: "an input" },
    level: { kind: "number", default: 2, doc: "how far graphs are simplified" },
    atol: { kind: "number", doc: "the absolute tolerance" },
    fold: { kind: "boolean", default: true, doc: "fold constants" },
    "no-assert": { kind: "boolean", doc: "write no checks" },
  },
  async run({ args, flags, print, document, log, colors }) {
    // each has the type that its record states
    const level: number = flags.level;
    const atol: number | undefined = flags.atol;
    const device: string = flags.device;
    const fold: boolean = flags.fold;
    const seen = { args, output: flags.output, device, name: flags.name, level, atol, fold };
    await log("looking");
    await print(colors.green(JSON.stringify({ ...seen, "no-assert": flags["no-assert"] })));
    await document(seen);
    return 0;
  },
});

const faults: Record<string, () => unknown> = {
  format: () => new FormatError("Cannot read a.mge: it ends early", { place: "byte 12" }),
  device: () => new DeviceError("Cannot open WebGPU: there is no adapter; use --device cpu"),
  option: () => new OptionError("Cannot take seed -1: it is negative"),
  shape: () => new ShapeError("Cannot add a to b", { place: "model.ts:3:5" }),
  surprise: () => new TypeError("x is undefined"),
  permission: () => new Deno.errors.NotCapable('Requires read access to "a"'),
  pipe: () => new Deno.errors.BrokenPipe("Broken pipe"),
  text: () => "only a text",
};

const fail = command({
  name: "fail",
  summary: "fail in a way",
  usage: "WAY",
  arity: [1, 1],
  example: [],
  flags: {},
  json: true,
  permissions: "none",
  run({ args: [way] }) {
    if (way === "check") return 1;
    if (way === "silent") return 0;
    throw faults[way]();
  },
});

const wait = command({
  name: "wait",
  summary: "wait for an interrupt",
  usage: "",
  arity: [0, 0],
  example: [],
  flags: { deaf: { kind: "boolean", doc: "do not listen" } },
  permissions: "none",
  async run({ signal, log, flags }) {
    const end = Promise.withResolvers<void>();
    // The timer keeps the process alive, as real work would.
    const timer = setTimeout(() => {}, 60_000);
    // Before the word that the test answers with a signal.
    if (!flags.deaf) signal.addEventListener("abort", () => end.resolve());
    await log("waiting");
    await end.promise;
    clearTimeout(timer);
    await log("cleaned up");
    return 0;
  },
});

const pour = command({
  name: "pour",
  summary: "write bytes to standard output, with a bar",
  usage: "",
  arity: [0, 0],
  example: [],
  flags: {},
  json: true,
  permissions: "none",
  async run({ stdout, progress, log }) {
    const writer = stdout.getWriter();
    using bar = progress("pouring", { total: 4e6 });
    for (let n = 1; n <= 4; n++) {
      await writer.write(new Uint8Array(4).fill(64 + n));
      bar.at(n * 1e6);
      if (n === 3) await log("nearly");
    }
    await writer.close();
    return 0;
  },
});

/** The program of the tests. */
export const program: Program = {
  name: "try",
  version: "1.2.3",
  summary: "a program for tests",
  commands: [show, fail, wait, pour],
};

/** A terminal that remembers; `stops` interrupts, and each look at the clock takes `tick` ms. */
export function fakeTerminal(
  options: { readonly isTerminal?: boolean; readonly color?: boolean; readonly tick?: number } = {},
): Terminal & { readonly text: { out: string; err: string }; readonly stops: Set<() => void> } {
  const { isTerminal = false, color = false, tick = 0 } = options;
  const text = { out: "", err: "" };
  const stops = new Set<() => void>();
  let clock = 0;
  const output = (to: "out" | "err") => {
    const decoder = new TextDecoder();
    return {
      isTerminal: () => isTerminal,
      write(bytes: Uint8Array) {
        // Half of it at most, as a pipe may do; letters may be cut in two.
        const part = bytes.subarray(0, Math.ceil(bytes.byteLength / 2));
        text[to] += decoder.decode(part, { stream: true });
        return Promise.resolve(part.byteLength);
      },
    };
  };
  return {
    text,
    stops,
    stdout: output("out"),
    stderr: output("err"),
    color,
    stdin: () => new ReadableStream(),
    columns: () => 80,
    now: () => clock += tick,
    onInterrupt(stop) {
      stops.add(stop);
      return () => stops.delete(stop);
    },
  };
}

if (import.meta.main) Deno.exit(await main(program, Deno.args, processTerminal()));
