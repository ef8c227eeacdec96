/**
 * What a target runs on, in words: WebGPU on an adapter, the other targets on a processor, which is
 * named by the system's own words and its number of cores.
 * @module
 */

/** What a target runs on. */
export async function placeOf(target: string): Promise<string> {
  if (target !== "webgpu") return processor();
  return (await navigator.gpu?.requestAdapter())?.info.description ?? "none";
}

/** Hypervisors give many processors one model name; family and model tell them apart. */
function processor(): string {
  const cores = `${navigator.hardwareConcurrency} cores`;
  try {
    const text = Deno.readTextFileSync("/proc/cpuinfo");
    const field = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, "m").exec(text)?.[1];
    const name = field("model name");
    if (name) return `${name}, family ${field("cpu family")} model ${field("model")}, ${cores}`;
  } catch {
    // Not Linux.
  }
  return `${Deno.build.os} ${Deno.build.arch}, ${cores}`;
}
