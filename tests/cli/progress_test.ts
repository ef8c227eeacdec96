/**
 * The bar: nothing before half a second, then speed and time left, and no trace at the end.
 * @module
 */
import { progress } from "../../lib/cli/progress.ts";
import { formatBytes, formatDuration, parseArgs, stripAnsiCode } from "../../lib/cli/std.ts";
import { assert, assertEquals } from "../std.ts";

function screen(columns = 80) {
  const drawn: string[] = [];
  const made = {
    drawn,
    columns,
    clock: 0,
    draw: (text: string) => void drawn.push(text),
    now: (): number => made.clock,
  };
  return made;
}

Deno.test("progress() shows nothing for work under half a second", () => {
  const at = screen();
  {
    using bar = progress(at, "writing", { total: 1e6 });
    for (at.clock = 0; at.clock < 500; at.clock += 10) bar.at(at.clock * 2000);
  }
  assertEquals(at.drawn, []);
});

Deno.test("progress() shows share, speed and time left, and is wiped at the end", () => {
  const at = screen();
  const bar = progress(at, "writing", { total: 10e6 });
  for (at.clock = 0; at.clock <= 1000; at.clock += 10) bar.at(at.clock * 1000);
  assertEquals(at.drawn.length, 6, "at most ten a second");
  assertEquals(
    at.drawn.at(-1),
    "writing [###---------------------------] 10%  1 MB/s  9s left",
  );
  bar[Symbol.dispose]();
  bar[Symbol.dispose]();
  bar.at(10e6);
  assertEquals([at.drawn.length, at.drawn.at(-1)], [7, ""]);
});

Deno.test("progress() counts where no total is known, and fits a narrow terminal", () => {
  const at = screen();
  const bar = progress(at, "running", { unit: "cases" });
  at.clock = 1000;
  bar.at(20);
  assertEquals(at.drawn, ["running 20 cases  20 cases/s"]);
  const narrow = screen(20);
  const slim = progress(narrow, "writing", { total: 100e6 });
  narrow.clock = 1000;
  slim.at(1e6);
  assert(narrow.drawn[0].length < 20, narrow.drawn[0]);
});

Deno.test("the doorway to std gives what the command line needs", () => {
  assertEquals(formatBytes(1_500_000), "1.5 MB");
  assertEquals(formatBytes(1536, { binary: true }), "1.5 kiB");
  assertEquals(formatDuration(99_000, { style: "narrow", ignoreZero: true }), "1m 39s");
  assertEquals(parseArgs(["a", "--x", "1"], { string: ["x"] }), { _: ["a"], x: "1" });
  assertEquals(stripAnsiCode("\x1b[31mred\x1b[39m"), "red");
});
