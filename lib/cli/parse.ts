/**
 * Arguments to values, by std's parser and the records of the flags. What does not fit is an
 * `OptionError` with the code `usage` that says what would.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Flag, Flags } from "./command.ts";
import { closestString, parseArgs } from "./std.ts";

/** Arguments taken apart. */
export interface Parsed {
  /** What is no flag, in order. */
  readonly args: readonly string[];
  /** The value of every flag: given, by default, or empty. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/** Takes arguments apart; unknown flags, missing values and wrong numbers are a usage error. */
export function parseFlags(args: readonly string[], flags: Flags): Parsed {
  const entries = Object.entries(flags);
  const of = (...kinds: Flag["kind"][]) =>
    entries.filter(([, flag]) => kinds.includes(flag.kind)).map(([name]) => name);
  const shorts = entries.flatMap(([name, { short }]) => short ? [[short, name] as const] : []);
  const parsed = parseArgs(joined(args, flags, new Map(shorts)), {
    boolean: of("boolean"),
    // Numbers stay text as well: std would read "0x10" and leave "1O" as it is.
    string: ["_", ...of("string", "number", "list")],
    collect: of("list"),
    negatable: entries.flatMap(([name, f]) => f.kind === "boolean" && f.default ? [name] : []),
    alias: Object.fromEntries(shorts.map(([short, name]) => [name, short])),
    unknown(arg, key) {
      if (key !== undefined) throw unknownFlag(arg, flags);
    },
  });
  const values = entries.map(([name, flag]) => [name, valueOf(name, flag, parsed, args)] as const);
  return { args: parsed._, flags: Object.fromEntries(values) };
}

/** The error for wrong usage. */
export function usageError(message: string): OptionError {
  return new OptionError(message, { code: "usage" });
}

/** ", did you mean X?" for the nearest of the known words. */
export function suggestion(word: string, known: readonly string[]): string {
  return known.length > 0 ? `did you mean ${closestString(word, known)}?` : "there are none";
}

/**
 * std gives a long flag no value that begins with a dash, so `--output -` and `--atol -1` would
 * lose theirs: flags that need a value are tied to the next argument before.
 */
function joined(
  args: readonly string[],
  flags: Flags,
  shorts: ReadonlyMap<string, string>,
): string[] {
  const out: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === "--") return [...out, ...args.slice(i)];
    refuseValue(arg, flags);
    const found = /^--([^=]+)$/.exec(arg)?.[1] ?? shorts.get(/^-([^-])$/.exec(arg)?.[1] ?? "");
    const flag = found !== undefined && Object.hasOwn(flags, found) ? flags[found] : undefined;
    const next = args[i + 1];
    const takes = flag && flag.kind !== "boolean" && next !== undefined;
    if (!takes || isFlag(next, flags, shorts)) {
      out.push(arg);
      continue;
    }
    out.push(`--${found}=${next}`);
    i++;
  }
  return out;
}

function isFlag(arg: string, flags: Flags, shorts: ReadonlyMap<string, string>): boolean {
  if (arg === "--") return true;
  const long = /^--(?:no-)?([^=]+)/.exec(arg)?.[1];
  if (long !== undefined) return true;
  const letter = /^-([A-Za-z])/.exec(arg)?.[1];
  return letter !== undefined && (shorts.has(letter) || Object.hasOwn(flags, letter));
}

function valueOf(
  name: string,
  flag: Flag,
  parsed: Readonly<Record<string, unknown>>,
  args: readonly string[],
): unknown {
  // std keeps a dotted or repeated value as it came; what is there is text, a list or a boolean
  const given = Object.hasOwn(parsed, name) ? parsed[name] : undefined;
  switch (flag.kind) {
    case "boolean":
      return booleanOf(name, flag.default ?? false, given, args);
    case "list": {
      const list = (given ?? []) as readonly string[];
      if (list.includes("")) throw missing(name, flag);
      return list;
    }
    case "string":
      if (given === "") throw missing(name, flag);
      return chosen(name, flag.choices, (given ?? flag.default) as string | undefined);
    case "number": {
      if (given === "") throw missing(name, flag);
      if (given === undefined) return flag.default;
      const value = Number(given);
      if (!Number.isFinite(value) || String(given).trim() === "") {
        throw usageError(`Cannot take ${JSON.stringify(given)} for --${name}: it is no number`);
      }
      return value;
    }
    default:
      flag satisfies never;
  }
}

/** std reads `--no-x=1` as `--x=1` and any value but "false" as true, so none is let through. */
function refuseValue(arg: string, flags: Flags): void {
  const found = /^--((?:no-)?([^=]+))=(.*)$/s.exec(arg);
  if (!found) return;
  const name = [found[1], found[2]].find((key) => Object.hasOwn(flags, key));
  if (name === undefined || flags[name].kind !== "boolean") return;
  throw usageError(`Cannot take ${JSON.stringify(found[3])} for --${found[1]}: it takes no value`);
}

/** std sets a boolean that is not given to false, so a default of true looks for the word itself. */
function booleanOf(
  name: string,
  fallback: boolean,
  given: unknown,
  args: readonly string[],
): boolean {
  if (given === true || !fallback) return given === true;
  const end = args.indexOf("--");
  return !(end < 0 ? args : args.slice(0, end)).includes(`--no-${name}`);
}

function chosen(name: string, choices: readonly string[] | undefined, value: string | undefined) {
  if (!choices || value === undefined || choices.includes(value)) return value;
  throw usageError(
    `Cannot take "${value}" for --${name}: it takes ${choices.join(", ")}; ${
      suggestion(value, choices)
    }`,
  );
}

function missing(name: string, flag: Flag): OptionError {
  const placeholder = "placeholder" in flag ? flag.placeholder : undefined;
  return usageError(
    `Cannot take --${name} alone: give it a value, --${name} ${placeholder ?? "VALUE"}`,
  );
}

function unknownFlag(arg: string, flags: Flags): OptionError {
  const word = arg.replace(/=.*$/s, "");
  const known = Object.entries(flags).flatMap(([name, flag]) => [
    `--${name}`,
    ...(flag.kind === "boolean" && flag.default ? [`--no-${name}`] : []),
  ]);
  const short = Object.values(flags).flatMap((flag) => flag.short ? [`-${flag.short}`] : []);
  const near = suggestion(word, word.startsWith("--") || short.length === 0 ? known : short);
  return usageError(`Unknown flag ${word}: ${near}`);
}
