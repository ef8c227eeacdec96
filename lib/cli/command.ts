/**
 * What a command is: one record, from which arguments are parsed and help is printed. `command()`
 * gives `run` the types of the flags that stand beside it.
 * @module
 */
import type { Colors } from "./std.ts";
import type { Progress } from "./progress.ts";

/** A flag without a value; with `default: true` it is turned off by `--no-NAME`. */
export interface BooleanFlag {
  /** A flag without a value. */
  readonly kind: "boolean";
  /** What it is when it is not given; `false` unless stated. */
  readonly default?: boolean;
  /** One letter, for `-x`. */
  readonly short?: string;
  /** What it does, in a line of help. */
  readonly doc: string;
}

/** A flag with a text or a number as its value. */
export interface ValueFlag<Kind extends "string" | "number", Value> {
  /** What its value is. */
  readonly kind: Kind;
  /** What it is when it is not given; `undefined` unless stated. */
  readonly default?: Value;
  /** The only values it takes. */
  readonly choices?: readonly string[];
  /** What the help calls its value. */
  readonly placeholder?: string;
  /** One letter, for `-x`. */
  readonly short?: string;
  /** What it does, in a line of help. */
  readonly doc: string;
}

/** A flag that may be given several times; its value is the list of texts. */
export interface ListFlag {
  /** A flag that may be given several times. */
  readonly kind: "list";
  /** What the help calls a value. */
  readonly placeholder?: string;
  /** One letter, for `-x`. */
  readonly short?: string;
  /** What it does, in a line of help. */
  readonly doc: string;
}

/** Any flag. */
export type Flag =
  | BooleanFlag
  | ValueFlag<"string", string>
  | ValueFlag<"number", number>
  | ListFlag;

/** Flags by name, in kebab-case and without the dashes. */
export type Flags = Readonly<Record<string, Flag>>;

/** The value of a flag: numbers and texts are `undefined` where neither given nor by default. */
export type FlagValue<F extends Flag> = F extends { kind: "boolean" } ? boolean
  : F extends { kind: "list" } ? readonly string[]
  : F extends { kind: "number" } ? F extends { default: number } ? number : number | undefined
  : F extends { default: string } ? string
  : string | undefined;

/** The values of flags by name. */
export type FlagValues<F extends Flags> = { readonly [K in keyof F]: FlagValue<F[K]> };

/** What `run` is given. */
export interface Context<F extends Flags = Flags> {
  /** The arguments that are no flags. */
  readonly args: readonly string[];
  /** The values of the flags. */
  readonly flags: FlagValues<F>;
  /** True with `--json`. */
  readonly json: boolean;
  /** Aborted by an interrupt; long work takes it. */
  readonly signal: AbortSignal;
  /** Colours for standard output; plain text where colour is not wanted. */
  readonly colors: Colors;
  /** Standard input. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Raw standard output, for a command that writes a file there; not with `--json`. */
  readonly stdout: WritableStream<Uint8Array>;
  /** A line of the result on standard output; with `--json` it is left out. */
  print(text: string): Promise<void>;
  /** The one document that `--json` gives; without `--json` nothing is written. */
  document(value: unknown): Promise<void>;
  /** A line for people, on standard error. */
  log(text: string): Promise<void>;
  /** A bar on standard error, for work over half a second on a terminal; use it with `using`. */
  progress(label: string, options?: { readonly total?: number; readonly unit?: string }): Progress;
}

/** A command. */
export interface Command {
  /** The word that calls it. */
  readonly name: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** Its arguments, as in `MODEL -o FILE`. */
  readonly usage: string;
  /** How many arguments that are no flags it takes: at least and at most. */
  readonly arity: readonly [least: number, most: number];
  /** Lines one can type, without the program's name. */
  readonly example: readonly string[];
  /** Its own flags; `--help` and `--debug` come with every command. */
  readonly flags: Flags;
  /** True if it has `--json`. */
  readonly json?: boolean;
  /** The narrowest permissions of Deno that it needs, as flags. */
  readonly permissions: string;
  /** More paragraphs for its help. */
  readonly notes?: readonly string[];
  /** Does it, and gives the exit status: 0, or 1 when the model's own checks failed. */
  run(context: Context): Promise<number> | number;
}

/** A command whose `run` knows the types of its flags. */
export function command<const F extends Flags>(
  record: Omit<Command, "flags" | "run"> & {
    readonly flags: F;
    run(context: Context<F>): Promise<number> | number;
  },
): Command {
  // The parser gives each flag the value that its record states, so the types hold.
  return record as unknown as Command;
}

/** A program: what `cli.ts` lists. */
export interface Program {
  /** The name that people type. */
  readonly name: string;
  /** What `--version` prints. */
  readonly version: string;
  /** What it is, in one line. */
  readonly summary: string;
  /** Its commands, in the order of the help. */
  readonly commands: readonly Command[];
}

/** The flags of a command with those that come by themselves. */
export function allFlags(command: Command): Flags {
  return {
    ...command.flags,
    ...(command.json ? { json: jsonFlag } : {}),
    debug: { kind: "boolean", doc: "show where an error arose" },
    help: { kind: "boolean", short: "h", doc: "print this help" },
  };
}

const jsonFlag: Flag = {
  kind: "boolean",
  doc: "write one JSON document to standard output, and nothing else there",
};
