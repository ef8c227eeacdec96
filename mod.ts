/**
 * Weft: a functional dataflow DSL. A model is a pure function; a staged evaluator turns it into a
 * static graph; the graph runs on WebGPU or the CPU, and is written as a MegEngine model file.
 *
 * ```ts
 * import { add, matmul, open, read, relu, tensor, trace } from "@weft/weft";
 *
 * const w = tensor([[1, -1], [0.5, 2]]);
 * await using device = await open("reference");
 * const layer = trace((x) => relu(add(matmul(x, w), 1)), { on: device });
 * const out = await layer(tensor([[1, 2]]));
 * console.log((await read(out)).data); // Float32Array [3, 4]
 * ```
 * @module
 */

// Types and values.
export {
  bool,
  type DType,
  f16,
  f32,
  i16,
  i32,
  i8,
  type Named,
  named,
  type Type,
  u16,
  u8,
} from "./lib/core/type.ts";
export { type Host, type HostArray, type Resident, type Source } from "./lib/core/host.ts";
export { constant, detach, type Nested, tensor } from "./lib/core/leaf.ts";
export type { Tensor } from "./lib/core/tensor.ts";

// Operations.
export * from "./lib/ops/public.ts";

// Composing models.
export { fork, pipe, repeat, residual } from "./lib/model/pipe.ts";
export { grad, valueAndGrad, vjp } from "./lib/grad/vjp.ts";

// Staging by hand.
export type { Graph, Pass } from "./lib/core/graph.ts";
export { stage } from "./lib/stage/stage.ts";
export { specialize } from "./lib/stage/specialize.ts";
export { type Level, optimize } from "./lib/stage/level.ts";

// Running.
export type { Loaded, Machine } from "./lib/core/target.ts";
export { type DeviceName, open } from "./lib/trace/open.ts";
export { read, type ReadOptions } from "./lib/trace/read.ts";
export { excludeFromTrace, isTracing } from "./lib/trace/exclude.ts";
export { type Donate, trace, type Traced, type TraceOptions } from "./lib/trace/trace.ts";

// Errors.
export {
  DeviceError,
  DTypeError,
  type FaultInfo,
  FormatError,
  OptionError,
  ShapeError,
  StageError,
  TraceError,
} from "./lib/core/fault.ts";
