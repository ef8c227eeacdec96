/**
 * What loading a network takes on WebAssembly before its first run: planning, emission, packing.
 * `deno run -A bench/loading.ts [PROCESSES]` prints medians over fresh processes for the first model
 * of a process and those after it, with threads that are there, that start with the plan, and alone.
 * `deno run -A bench/loading.ts once MODE` is one process, as JSON.
 * @module
 */
import type { Took } from "../lib/core/target.ts";
import { openWasm } from "../lib/wasm/machine.ts";
import { f32, stage } from "../mod.ts";
import { rows } from "./peers/cases.ts";
import { modelOf } from "./workloads.ts";

/** How the target is opened, by what the table calls it. */
const modes = {
  "threads opened with the target": { threads: navigator.hardwareConcurrency },
  "threads when they are needed": {},
  "one thread": { threads: 1 },
};
type Mode = keyof typeof modes;

/** Models in the order in which one process loads them. */
const models = ["ResNet18 @224", "ResNet18 @64", "ResNet18 @224"];
const places = ["first", "second", "third"];

async function once(mode: Mode): Promise<Took[]> {
  if (!(mode in modes)) {
    throw new RangeError(`give one of "${Object.keys(modes).join('", "')}", not ${mode}`);
  }
  const machine = openWasm(modes[mode]);
  const all: Took[] = [];
  for (const name of models) {
    const row = rows.find((row) => row.name === name)!;
    const loaded = await machine.compile(stage(modelOf(row), [f32(row.input.shape)]));
    all.push(loaded.took);
    loaded.dispose();
  }
  machine.dispose();
  return all;
}

async function inProcess(mode: Mode): Promise<Took[]> {
  const args = ["run", "-A", import.meta.filename!, "once", mode];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

function median(values: readonly number[]): string {
  return values.toSorted((a, b) => a - b)[values.length >> 1].toFixed(1).padStart(9);
}

async function table(processes: number): Promise<void> {
  console.log(`${"ms, medians".padEnd(56)}     plan emission  packing both last`);
  for (const mode of Object.keys(modes) as Mode[]) {
    const all: Took[][] = [];
    for (let i = 0; i < processes; i++) all.push(await inProcess(mode));
    models.forEach((name, k) => {
      const each = all.map((list) => list[k]);
      const title = `${mode}: ${places[k]} model, ${name}`.padEnd(56);
      const parts = [
        (t: Took) => t.plan,
        (t: Took) => t.compile,
        (t: Took) => t.upload,
        (t: Took) => t.compile + t.upload,
      ];
      console.log(title + parts.map((part) => median(each.map(part))).join(""));
    });
  }
}

if (Deno.args[0] === "once") console.log(JSON.stringify(await once(Deno.args[1] as Mode)));
else {
  const processes = Number(Deno.args[0] ?? 9);
  if (!(processes >= 1)) throw new RangeError(`give a number of processes, not ${Deno.args[0]}`);
  await table(processes);
}
