/**
 * Which runners there are, each loaded only when it is used: a cold start must not pay for others.
 *
 * @module
 */
import type { Peer } from "./cases.ts";

/** A runner by name; `load` imports its library. */
export interface Runner {
  readonly name: string;
  load(): Promise<Peer>;
}

/** All runners, our own first where `bench/ours.ts` exists, the hand-written kernels last. */
export async function runners(): Promise<readonly Runner[]> {
  const ours = new URL("../../bench/ours.ts", import.meta.url);
  const peers: Runner[] = [
    { name: "tfjs-webgpu", load: async () => (await import("./tfjs.ts")).tfjs },
    { name: "jax-js-webgpu", load: async () => (await import("./jax.ts")).jax },
  ];
  if (await exists(ours)) {
    peers.unshift({ name: "ours", load: async () => (await import(ours.href)).ours });
  }
  const raw = new URL("./raw.ts", import.meta.url);
  if (await exists(raw)) {
    peers.push({ name: "raw", load: async () => (await import(raw.href)).raw });
  }
  return peers;
}

async function exists(file: URL): Promise<boolean> {
  try {
    return (await Deno.stat(file)).isFile;
  } catch (fault) {
    if (fault instanceof Deno.errors.NotFound) return false;
    throw fault;
  }
}
