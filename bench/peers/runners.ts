/**
 * Which runners there are, in groups that share a kind of hardware and sandbox. Each is loaded only
 * when it is used: a cold start must not pay for others.
 *
 * @module
 */
import type { Peer } from "./peer.ts";

/** What is compared with one another. */
export type Group = "webgpu" | "wasm";

/** The groups, in the order in which they run. */
export const groups: readonly Group[] = ["webgpu", "wasm"];

/** A runner by name; `load` imports its library. */
export interface Runner {
  readonly name: string;
  readonly group: Group;
  /** Ours, a shipped library of the group, or something that only stands beside them. */
  readonly role: "weft" | "peer" | "beside";
  /** True if every run ends with the result in a new array of the caller's. */
  readonly copies: boolean;
  load(): Promise<Peer>;
}

/** All runners; ours come first, and the first of all is what results are compared with. */
export const runners: readonly Runner[] = [
  runner("weft-webgpu", "webgpu", "weft", async () => (await weft()).ours("webgpu")),
  runner("tfjs-webgpu", "webgpu", "peer", async () => (await tfjs()).tfjs("webgpu")),
  runner("jax-js-webgpu", "webgpu", "peer", async () => (await jax()).jax("webgpu")),
  runner("raw", "webgpu", "beside", async () => (await import("./raw.ts")).raw),
  runner("weft-wasm", "wasm", "weft", async () => (await weft()).ours("wasm")),
  copying("weft-wasm-copied", "wasm", "weft", async () => (await weft()).ours("wasm", true)),
  runner("weft-wasm-x1", "wasm", "weft", async () => (await weft()).ours("wasm-x1")),
  runner("tfjs-wasm", "wasm", "peer", async () => (await tfjs()).tfjs("wasm")),
  copying("tfjs-wasm-copied", "wasm", "peer", async () => (await tfjs()).tfjs("wasm", true)),
  copying("ort-web", "wasm", "peer", async () => (await ort()).ortWeb),
  runner("jax-js-wasm", "wasm", "peer", async () => (await jax()).jax("wasm")),
  copying("ort-node", "wasm", "beside", async () => (await ort()).ortNode),
];

function runner(
  name: string,
  group: Group,
  role: Runner["role"],
  load: Runner["load"],
): Runner {
  return { name, group, role, copies: false, load };
}

function copying(...of: Parameters<typeof runner>): Runner {
  return { ...runner(...of), copies: true };
}

function weft(): Promise<typeof import("../ours.ts")> {
  return import("../ours.ts");
}

function tfjs(): Promise<typeof import("./tfjs.ts")> {
  return import("./tfjs.ts");
}

function jax(): Promise<typeof import("./jax.ts")> {
  return import("./jax.ts");
}

function ort(): Promise<typeof import("./ort.ts")> {
  return import("./ort.ts");
}
