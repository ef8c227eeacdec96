/**
 * Help, printed from the records of the commands.
 * @module
 */
import { allFlags, type Command, type Flag, type Program } from "./command.ts";
import type { Colors } from "./std.ts";

/** The help of the program: what it is and its commands. */
export function programHelp(program: Program, paint: Colors): string {
  const rows = program.commands.map((c) => [`  ${c.name}`, c.summary] as const);
  return [
    `${paint.bold(program.name)} ${program.version}: ${program.summary}`,
    heading("Usage", paint),
    `  ${program.name} COMMAND [ARGUMENTS]`,
    heading("Commands", paint),
    ...table(rows, paint),
    heading("Flags", paint),
    ...table([["  -h, --help", "print this help, or that of a command"], [
      "      --version",
      "print the version",
    ]], paint),
    "",
    `"${program.name} COMMAND --help" prints the flags and the permissions of a command.`,
    "Exit status: 0 done, 1 a check of the model failed, 2 wrong usage, 3 bad input file,",
    "4 device trouble, 130 interrupted.",
  ].join("\n");
}

/** The help of one command: usage, flags with their defaults, permissions, examples. */
export function commandHelp(program: Program, command: Command, paint: Colors): string {
  const flags = Object.entries(allFlags(command));
  const example = command.example.map((line) => `  ${program.name} ${command.name} ${line}`);
  return [
    `${paint.bold(`${program.name} ${command.name}`)}: ${command.summary}`,
    heading("Usage", paint),
    `  ${program.name} ${command.name} ${command.usage}`.trimEnd(),
    heading("Flags", paint),
    ...table(flags.map(([name, flag]) => [spelling(name, flag), describe(flag)] as const), paint),
    heading("Permissions", paint),
    ...wrapped(command.permissions, "  "),
    ...(example.length > 0 ? [heading("Example", paint), ...example] : []),
    ...(command.notes ?? []).flatMap((note) => ["", ...wrapped(note, "")]),
  ].join("\n");
}

const width = 100;

function heading(text: string, paint: Colors): string {
  return `\n${paint.bold(text)}`;
}

function spelling(name: string, flag: Flag): string {
  const short = flag.short ? `-${flag.short}, ` : "    ";
  const off = flag.kind === "boolean" && flag.default ? "[no-]" : "";
  const value = flag.kind === "boolean"
    ? ""
    : ` ${flag.placeholder ?? (flag.kind === "number" ? "N" : "TEXT")}`;
  return `  ${short}--${off}${name}${value}`;
}

function describe(flag: Flag): string {
  const notes: string[] = [];
  if (flag.kind === "list") notes.push("repeatable");
  if ("choices" in flag && flag.choices) notes.push(flag.choices.join(" | "));
  if ("default" in flag && flag.default !== undefined && flag.default !== false) {
    notes.push(`default ${flag.default === true ? "on" : flag.default}`);
  }
  return notes.length > 0 ? `${flag.doc} (${notes.join("; ")})` : flag.doc;
}

/** Two columns; a long first one gets a line of its own. */
function table(rows: readonly (readonly [string, string])[], paint: Colors): string[] {
  const left = Math.min(32, Math.max(...rows.map(([name]) => name.length)) + 2);
  return rows.flatMap(([name, doc]) => {
    const [first, ...rest] = wrapped(doc, " ".repeat(left));
    // Padding counts letters, so the colour comes after it
    const head = paint.cyan(name.padEnd(left)) + first.trimStart();
    return name.length < left ? [head, ...rest] : [paint.cyan(name), first, ...rest];
  });
}

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(/\s+/)) {
    if (line.length > indent.length && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
    }
    line += line.length > indent.length ? ` ${word}` : word;
  }
  return [...lines, line];
}
