/**
 * onnxruntime on the row's ONNX model: its WebAssembly build with SIMD and a thread a core, and its
 * native build. Both take arrays and always give new ones; both optimise the graph as far as they can.
 *
 * Deno takes the entry of onnxruntime-web that is meant for Node: the one for browsers starts its
 * threads from `blob:` modules in a way that Deno refuses.
 *
 * @module
 */
import type { InferenceSession, Tensor } from "onnxruntime-common";
import type { Row } from "./cases.ts";
import { modelOf } from "./onnx.ts";
import type { Peer, Prepared } from "./peer.ts";
import { values } from "./spec.ts";

interface Runtime {
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof Tensor;
}

const threads = navigator.hardwareConcurrency;

/** The WebAssembly build. */
export const ortWeb: Peer = {
  async prepare(row) {
    const ort = await import("onnxruntime-web");
    // Read when the first session is made.
    ort.env.wasm.numThreads = threads;
    // It puts Node's class in the place of the global one, which other runners need.
    const { Worker } = globalThis;
    const prepared = await prepare(ort as Runtime, row, { executionProviders: ["wasm"] });
    globalThis.Worker = Worker;
    return prepared;
  },
};

/** The native build. */
export const ortNode: Peer = {
  async prepare(row) {
    const ort = await import("onnxruntime-node");
    return await prepare(ort as Runtime, row, {
      executionProviders: ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
    });
  },
};

async function prepare(
  { InferenceSession, Tensor }: Runtime,
  row: Row,
  options: InferenceSession.SessionOptions,
): Promise<Prepared> {
  const session = await InferenceSession.create(modelOf(row), {
    graphOptimizationLevel: "all",
    ...options,
  });
  const x = new Tensor("float32", values(row.input), row.input.shape);
  return {
    async run(): Promise<void> {
      await session.run({ x });
    },
    async result(): Promise<Float32Array> {
      return Float32Array.from((await session.run({ x })).y.data as Float32Array);
    },
    dispose(): void {
      session.release();
    },
  };
}
