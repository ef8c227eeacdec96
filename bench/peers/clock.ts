/**
 * Processor time beside the clock's. What a process used tells how many cores a runner kept busy, and
 * what its threads waited for a core tells whether something else disturbed the measurement.
 *
 * @module
 */
import process from "node:process";

/** Milliseconds since some beginning. */
export interface Usage {
  readonly wall: number;
  /** Processor time of all threads of this process. */
  readonly cpu: number;
  /** How long its threads were ready and had no core; undefined where the system does not tell. */
  readonly waited: number | undefined;
}

/** What this process has used so far. */
export function usage(): Usage {
  return { wall: performance.now(), cpu: cpu(), waited: waited() };
}

/**
 * Waits until this process is idle, 300 ms at most: threads of some runtimes go on spinning for a
 * while after a run and would take a core from the next runner.
 */
export async function settle(): Promise<void> {
  for (const began = performance.now(); performance.now() - began < 300;) {
    const [from, used] = [performance.now(), cpu()];
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (cpu() - used < 0.15 * (performance.now() - from)) return;
  }
}

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Linux keeps it for each thread, in nanoseconds. */
function waited(): number | undefined {
  try {
    let sum = 0;
    for (const { name } of Deno.readDirSync("/proc/self/task")) {
      sum += Number(Deno.readTextFileSync(`/proc/self/task/${name}/schedstat`).split(" ")[1]);
    }
    return sum / 1e6;
  } catch {
    return undefined;
  }
}
