/**
 * The command line around the commands, in this process: words, statuses, help, interrupts.
 * @module
 */
import { main } from "../../lib/cli/main.ts";
import { assert, assertEquals, assertFalse, assertStringIncludes } from "../std.ts";
import { fakeTerminal, program } from "./program.ts";

async function run(...args: string[]) {
  const terminal = fakeTerminal();
  const status = await main(program, args, terminal);
  assertEquals(terminal.stops.size, 0, "the interrupt's listener is gone");
  return { status, ...terminal.text };
}

Deno.test("main() runs a command with its flags, defaults and arguments", async () => {
  const { status, out, err } = await run(
    ...["show", "a.mge", "-o", "-", "--name", "x=1", "--name", "y=-2", "--atol", "-1e-3"],
    ...["--no-fold", "--no-assert", "--device=webgpu", "-"],
  );
  assertEquals([status, err], [0, "looking\n"]);
  assertEquals(JSON.parse(out), {
    args: ["a.mge", "-"],
    output: "-",
    device: "webgpu",
    name: ["x=1", "y=-2"],
    level: 2,
    atol: -1e-3,
    fold: false,
    "no-assert": true,
  });
});

Deno.test("main() with --json writes one document to standard output and nothing else", async () => {
  const { status, out, err } = await run("show", "a", "--json", "--", "--level");
  assertEquals([status, err], [0, "looking\n"]);
  assertEquals(JSON.parse(out).args, ["a", "--level"]);
  assertFalse(out.includes("no-assert"));
  const silent = await run("fail", "silent", "--json");
  assertEquals(silent.status, 1);
  assertStringIncludes(silent.err, "internal: fail gives no document");
  const poured = await run("pour", "--json");
  assertEquals([poured.status, poured.out], [2, ""]);
  assertStringIncludes(poured.err, "with --json: give -o a path");
});

Deno.test("main() suggests the nearest known flag, command and choice", async () => {
  const cases: readonly [string[], string][] = [
    [["shwo"], "Unknown command shwo: did you mean show?"],
    [["help", "pur"], "Unknown command pur: did you mean pour?"],
    [["--verison"], "Unknown flag --verison: did you mean --version?"],
    [["show", "a", "--levle", "3"], "Unknown flag --levle: did you mean --level?"],
    [["show", "a", "--no-fodl"], "Unknown flag --no-fodl: did you mean --no-fold?"],
    [["show", "a", "--__proto__=1"], "Unknown flag --__proto__: did you mean --"],
    [["show", "a", "-p"], "Unknown flag -p: did you mean -"],
    [["show", "a", "--device", "webgup"], "it takes auto, webgpu, reference; did you mean webgpu?"],
  ];
  for (const [args, text] of cases) {
    const { status, out, err } = await run(...args);
    assertEquals([status, out], [2, ""], args.join(" "));
    assertStringIncludes(err, `error: `);
    assertStringIncludes(err, text);
    assertStringIncludes(err, "--help");
  }
});

Deno.test("main() calls wrong values and counts wrong usage", async () => {
  const cases: readonly [string[], string][] = [
    [["show"], "it takes 1 to 3 arguments, none is given; try try show MODEL"],
    [["fail", "a", "b"], "it takes 1 argument, 2 are: a b"],
    [["show", "a", "--level", "high"], 'Cannot take "high" for --level: it is no number'],
    [["show", "a", "--level=NaN"], "it is no number"],
    [["show", "a", "--level="], "give it a value, --level VALUE"],
    [["show", "a", "--output", "--json"], "give it a value, --output FILE"],
    [["show", "a", "-o"], "give it a value, --output FILE"],
    [["show", "a", "--name"], "give it a value, --name NAME=SPEC"],
    [["show", "a", "--no-assert=yes"], 'Cannot take "yes" for --no-assert: it takes no value'],
    [["show", "a", "--no-fold=1"], 'Cannot take "1" for --no-fold: it takes no value'],
    [["show", "a", "--json=1"], 'Cannot take "1" for --json: it takes no value'],
  ];
  for (const [args, text] of cases) {
    const { status, out, err } = await run(...args);
    assertEquals([status, out], [2, ""], args.join(" "));
    assertStringIncludes(err, text);
  }
  assertEquals((await run("show", "a", "--no-fold")).out.includes('"fold":false'), true);
  assertEquals((await run("show", "a", "--no-fold", "--fold")).out.includes('"fold":true'), true);
});

Deno.test("main() gives each class of error its status and its words", async () => {
  const cases: readonly [string, number, string][] = [
    ["check", 1, ""],
    ["format", 3, "error: Cannot read a.mge: it ends early\n  at byte 12\n"],
    ["device", 4, "error: Cannot open WebGPU: there is no adapter; use --device cpu\n"],
    ["option", 2, "error: Cannot take seed -1: it is negative\n"],
    ["shape", 2, "error: Cannot add a to b\n  at model.ts:3:5\n"],
    [
      "permission",
      2,
      'error: Requires read access to "a"\n  "try fail --help" lists the permissions\n',
    ],
    ["pipe", 0, ""],
    [
      "text",
      1,
      "error: Error: only a text\n  this should not happen; --debug shows where, " +
      "please report it\n",
    ],
  ];
  for (const [way, code, text] of cases) {
    assertEquals(await run("fail", way), { status: code, out: "", err: text }, way);
  }
  const surprise = await run("fail", "surprise");
  assertEquals(surprise.status, 1);
  assertFalse(surprise.err.includes("program.ts"));
  const debug = await run("fail", "surprise", "--debug");
  assertStringIncludes(debug.err, "error: TypeError: x is undefined");
  assertStringIncludes(debug.err, "program.ts:");
});

Deno.test("main() prints help from the records, and the version", async () => {
  assertEquals(await run("--version"), { status: 0, out: "try 1.2.3\n", err: "" });
  const help = `try show: show what was given

Usage
  try show MODEL [MODEL…] -o FILE [flags]

Flags
  -o, --output FILE     where the result goes
      --device TEXT     what runs it (auto | webgpu | reference; default auto)
      --name NAME=SPEC  an input (repeatable)
      --level N         how far graphs are simplified (default 2)
      --atol N          the absolute tolerance
      --[no-]fold       fold constants (default on)
      --no-assert       write no checks
      --json            write one JSON document to standard output, and nothing else there
      --debug           show where an error arose
  -h, --help            print this help

Permissions
  --allow-read=MODEL --allow-write=FOLDER

Example
  try show digits.mge -o out.mge --level 3
  try show - --name x=3 --name y=4

A model that is a module is executed.
`;
  for (const args of [["show", "--help"], ["show", "-h", "--json"], ["help", "show"]]) {
    assertEquals(await run(...args), { status: 0, out: help, err: "" }, args.join(" "));
  }
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const { status, out, err } = await run(...args);
    assertEquals([status, err], [0, ""]);
    for (const { name, summary } of program.commands) assert(out.includes(`${name}`), summary);
    assert(out.split("\n").every((line) => line.length <= 100));
  }
  const none = await run();
  assertEquals([none.status, none.out], [2, ""]);
  assertStringIncludes(none.err, "Usage");
});

Deno.test("main() answers an interrupt with 130 once the command has cleaned up", async () => {
  const terminal = fakeTerminal();
  const running = main(program, ["wait"], terminal);
  while (!terminal.text.err.includes("waiting")) await new Promise((done) => setTimeout(done, 1));
  for (const stop of terminal.stops) stop();
  assertEquals(await running, 130);
  assertEquals(terminal.text.err, "waiting\ncleaned up\nInterrupted\n");
});

Deno.test("main() colours a terminal only, and draws a bar there only", async () => {
  const plain = fakeTerminal({ tick: 200 });
  assertEquals(await main(program, ["pour"], plain), 0);
  assertEquals(plain.text, { out: "AAAABBBBCCCCDDDD", err: "nearly\n" });
  const shown = fakeTerminal({ tick: 200, isTerminal: true });
  assertEquals(await main(program, ["pour"], shown), 0);
  assertEquals(shown.text.out, "AAAABBBBCCCCDDDD");
  assertStringIncludes(shown.text.err, "\r\x1b[Kpouring [");
  assertStringIncludes(shown.text.err, "\r\x1b[Knearly\n");
  assert(shown.text.err.endsWith("\r\x1b[K"), "the bar is gone at the end");
  const grey = fakeTerminal({ isTerminal: true, color: false });
  await main(program, ["fail", "device"], grey);
  assertFalse(grey.text.err.includes("\x1b["));
  if (Deno.noColor) return;
  const bright = fakeTerminal({ isTerminal: true, color: true });
  await main(program, ["fail", "device"], bright);
  assertStringIncludes(bright.text.err, "\x1b[31merror:\x1b[39m");
});
