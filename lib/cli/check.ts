/**
 * `check`: runs every recorded test below some paths and compares.
 * @module
 */
import { command } from "./command.ts";
import { deviceFlag, openDeviceFlag } from "./device.ts";
import { status } from "./fault.ts";
import { findTests } from "./find_tests.ts";
import { patternOf } from "./pattern_flag.ts";
import { usageError } from "./parse.ts";
import { runPlace, type TestResult } from "./run_place.ts";
import { jsonGap, jsonNumbers } from "./value_text.ts";
import { toleranceFlags, toleranceOf } from "./tolerance.ts";

/** The command. */
export const check: ReturnType<typeof command> = command({
  name: "check",
  summary: "run every recorded test below some paths and compare",
  usage: "PATH… [flags]",
  arity: [1, Infinity],
  example: ["digits.mge", "cases --device webgpu", "cases --filter conv --fail-fast --json"],
  json: true,
  permissions: "--allow-read=PATH",
  notes: [
    "A test is an embedded case of a .mge file, or a folder with model.mge, inputs/NAME.npy and " +
    "outputs/NAME.npy; NAME is the tensor's name, every character outside A-Za-z0-9._- " +
    "percent-encoded, or else its position from 0; .npz, .safetensors and ONNX's .pb will do as " +
    "well. inputs.safetensors or inputs.npz holds all in one, and so with outputs. Outputs " +
    "without a file are not looked at. tolerance.json with rtol and atol is the folder's default.",
    "Integers and truths agree exactly, floats within atol + rtol times the recorded value; NaN " +
    "equals NaN, and the shapes [] and [1] agree. Embedded cases are judged by their own " +
    "assertions unless --rtol or --atol is given. A .mge file without cases is skipped.",
    "With --device webgpu every operator runs on the GPU, or the test fails and names it.",
  ],
  flags: {
    device: deviceFlag,
    ...toleranceFlags,
    filter: { kind: "string", placeholder: "REGEXP", doc: "only tests with a name that matches" },
    "fail-fast": { kind: "boolean", doc: "stop at the first test that fails" },
  },
  async run({ args, flags, print, document, log, progress, signal, colors }) {
    const tolerance = toleranceOf(flags);
    const filter = patternOf("filter", flags.filter);
    const places = await findTests(args, filter, signal);
    if (places.length === 0) throw nothing(args, flags.filter);
    await using machine = await openDeviceFlag(flags.device, log);
    const tests: TestResult[] = [];
    const failed = () => tests.some(({ result }) => result === "failed");
    {
      using bar = progress("checking", { total: places.length, unit: "places" });
      for (const [i, place] of places.entries()) {
        for await (const test of runPlace(place, { machine, signal, tolerance, filter })) {
          signal.throwIfAborted();
          tests.push(test);
          if (test.result === "failed") {
            await print(`${colors.red("FAILED")} ${test.name}: ${test.reason}`);
          }
          if (flags["fail-fast"] && failed()) break;
        }
        if (flags["fail-fast"] && failed()) break;
        bar.at(i + 1);
      }
    }
    if (tests.length === 0) throw nothing(args, flags.filter);
    const count = (result: TestResult["result"]) =>
      tests.filter((test) => test.result === result).length;
    const counts = {
      passed: count("passed"),
      failed: count("failed"),
      skipped: count("skipped"),
    };
    await document({ ...counts, tests: tests.map(jsonResult) });
    await print(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
    return counts.failed > 0 ? status.failed : status.done;
  },
});

function nothing(paths: readonly string[], filter: string | undefined): Error {
  const why = filter === undefined ? "" : ` with a name that matches ${filter}`;
  return usageError(
    `Cannot check ${paths.join(", ")}: there is no test below${why}\n` +
      "  a test is a .mge file, or a folder with model.mge and inputs or outputs",
  );
}

function jsonResult(test: TestResult): unknown {
  return { ...test, worst: jsonGap(test.worst), ...jsonNumbers({ ms: test.ms }) };
}
