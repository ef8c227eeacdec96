/**
 * The program around the commands: it finds the command, takes its arguments apart, runs it, and
 * turns what comes of it into words and an exit status.
 * @module
 */
import { allFlags, type Command, type Context, type Program } from "./command.ts";
import { faultText, status, statusOf } from "./fault.ts";
import { commandHelp, programHelp } from "./help.ts";
import { parseFlags, suggestion, usageError } from "./parse.ts";
import { progress, type Screen } from "./progress.ts";
import { type Colors, colors, type Paint } from "./std.ts";
import { type Terminal, writeAll } from "./terminal.ts";

/** How long an interrupted command may take to clean up, in milliseconds. */
const grace = 3000;

/**
 * Runs the program with these arguments and gives the exit status; it throws nothing. The caller
 * ends the process with it, since an interrupted command may have work that never ends.
 */
export async function main(
  program: Program,
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const interrupt = new AbortController();
  const reason = new DOMException("Interrupted", "AbortError");
  const detach = terminal.onInterrupt(() => interrupt.abort(reason));
  const words = speech(terminal);
  try {
    return await dispatch(program, args, terminal, words, interrupt.signal);
  } catch (error) {
    // Whoever reads our output may leave early, as head does; there is nobody to tell.
    if (error instanceof Deno.errors.BrokenPipe) return status.done;
    if (interrupt.signal.aborted) {
      await words.log("Interrupted").catch(() => {});
      return status.interrupted;
    }
    const named = program.commands.some(({ name }) => name === args[0]);
    await words.log(faultText(error, {
      debug: given(args, "--debug"),
      help: `${program.name}${named ? ` ${args[0]}` : ""} --help`,
      paint: words.colorsOnError.red,
    })).catch(() => {});
    return statusOf(error);
  } finally {
    detach();
    await words.flush();
  }
}

async function dispatch(
  program: Program,
  args: readonly string[],
  terminal: Terminal,
  words: Speech,
  signal: AbortSignal,
): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined) {
    await words.log(programHelp(program, words.colorsOnError));
    return status.usage;
  }
  if (first === "--version") {
    await words.print(`${program.name} ${program.version}`);
    return status.done;
  }
  const asked = first === "help" ? rest[0] : undefined;
  if (first === "-h" || first === "--help" || (first === "help" && asked === undefined)) {
    await words.print(programHelp(program, words.colors));
    return status.done;
  }
  if (first.startsWith("-")) {
    throw usageError(`Unknown flag ${first}: ${suggestion(first, ["--help", "--version"])}`);
  }
  const command = findCommand(program, asked ?? first);
  const parsed = asked ? undefined : parseFlags(rest, allFlags(command));
  if (!parsed || parsed.flags.help) {
    await words.print(commandHelp(program, command, words.colors));
    return status.done;
  }
  checkCount(program, command, parsed.args);
  return await perform(command, parsed.args, parsed.flags, { terminal, words, signal });
}

function findCommand(program: Program, name: string): Command {
  const found = program.commands.find((command) => command.name === name);
  if (found) return found;
  const near = suggestion(name, program.commands.map((command) => command.name));
  throw usageError(`Unknown command ${name}: ${near}`);
}

function checkCount(program: Program, command: Command, args: readonly string[]): void {
  const [least, most] = command.arity;
  if (args.length >= least && args.length <= most) return;
  const found = args.length === 0 ? "none is given" : `${args.length} are: ${args.join(" ")}`;
  const number = least === most
    ? String(least)
    : most === Infinity
    ? `${least} or more`
    : `${least} to ${most}`;
  throw usageError(
    `Cannot run ${command.name}: it takes ${number} ${
      most === 1 ? "argument" : "arguments"
    }, ${found}; ` +
      `try ${program.name} ${command.name} ${command.usage}`.trimEnd(),
  );
}

interface Surroundings {
  readonly terminal: Terminal;
  readonly words: Speech;
  readonly signal: AbortSignal;
}

async function perform(
  command: Command,
  args: readonly string[],
  flags: Readonly<Record<string, unknown>>,
  { terminal, words, signal }: Surroundings,
): Promise<number> {
  const json = flags.json === true;
  let documents = 0;
  const context: Context = {
    args,
    flags: flags as Context["flags"],
    json,
    signal,
    colors: words.colors,
    get stdin() {
      return terminal.stdin();
    },
    get stdout() {
      if (!json) return rawOutput(terminal);
      throw usageError("Cannot write a file to standard output with --json: give -o a path");
    },
    print: (text) => json ? Promise.resolve() : words.print(text),
    log: words.log,
    progress: (label, options) => progress(words.screen, label, options),
    async document(value) {
      if (!json) return;
      if (++documents > 1) throw new Error(`internal: ${command.name} gives two documents`);
      await words.print(JSON.stringify(value, null, 2));
    },
  };
  const ended = await untilInterrupted(async () => await command.run(context), signal);
  signal.throwIfAborted();
  if (json && documents === 0) throw new Error(`internal: ${command.name} gives no document`);
  return ended;
}

/** The work's end, or the signal's reason once the work had its time to clean up. */
async function untilInterrupted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const late = Promise.withResolvers<never>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onAbort = () => {
    timer = setTimeout(() => late.reject(signal.reason), grace);
  };
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work(), late.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    clearTimeout(timer);
  }
}

interface Speech {
  readonly colors: Colors;
  readonly colorsOnError: Colors;
  readonly screen: Screen | undefined;
  print(text: string): Promise<void>;
  log(text: string): Promise<void>;
  flush(): Promise<void>;
}

/** Lines in order on both outputs, and a bar that makes way for them. */
function speech(terminal: Terminal): Speech {
  let last: Promise<void> = Promise.resolve();
  let bar = false;
  function write(to: "stdout" | "stderr", text: string | Uint8Array): Promise<void> {
    const done = last.then(() => writeAll(terminal[to], text));
    // A failed write is its caller's to hear, not the next one's.
    last = done.catch(() => {});
    return done;
  }
  function line(to: "stdout" | "stderr", text: string): Promise<void> {
    const clear = bar ? "\r\x1b[K" : "";
    bar = false;
    if (clear && to === "stdout") write("stderr", clear).catch(() => {});
    return write(to, `${to === "stderr" ? clear : ""}${text}\n`);
  }
  const screen = terminal.stderr.isTerminal()
    ? {
      draw(text: string) {
        bar = text !== "";
        write("stderr", `\r\x1b[K${text}`).catch(() => {});
      },
      now: terminal.now,
      columns: terminal.columns(),
    }
    : undefined;
  return {
    colors: terminal.color && terminal.stdout.isTerminal() ? colors : plain,
    colorsOnError: terminal.color && terminal.stderr.isTerminal() ? colors : plain,
    screen,
    print: (text) => line("stdout", text),
    log: (text) => line("stderr", text),
    flush: () => last,
  };
}

function rawOutput(terminal: Terminal): WritableStream<Uint8Array> {
  return new WritableStream({
    async write(chunk) {
      try {
        await writeAll(terminal.stdout, chunk);
      } catch (error) {
        // A model that is cut short is no success, unlike a list of which one read the head.
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
        throw usageError("Cannot write to standard output: its reader has closed it");
      }
    },
  });
}

function given(args: readonly string[], flag: string): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes(flag);
}

const same: Paint = (text) => text;

const plain: Colors = {
  bold: same,
  dim: same,
  red: same,
  green: same,
  yellow: same,
  cyan: same,
};
