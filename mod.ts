/**
 * Weft: a functional dataflow DSL. A model is a pure function; a staged evaluator turns it into a
 * static graph; the graph runs on WebGPU or the CPU, and is written as a MegEngine model file.
 *
 * ```ts
 * import { add, matmul, open, read, relu, type Tensor, tensor, trace } from "@weft/weft";
 *
 * const w = tensor([[1, -1], [0.5, 2]]);
 * await using device = await open("reference");
 * const layer = trace((x: Tensor) => relu(add(matmul(x, w), 1)), { on: device });
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

// Operations: arithmetic, comparison, logic.
export { add, div, maximum, minimum, mul, neg, sub } from "./lib/ops/arithmetic.ts";
export { eq, ge, gt, le, lt, ne } from "./lib/ops/compare.ts";
export { cast, where } from "./lib/ops/select.ts";
export {
  isFinite,
  isInf,
  isNan,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
} from "./lib/ops/logic.ts";
export { bitAnd, bitNot, bitOr, bitXor, mulHigh, shl, shr } from "./lib/ops/bits.ts";

// Operations: functions of numbers.
export {
  abs,
  exp,
  expm1,
  floorDiv,
  log,
  log1p,
  logAddExp,
  mod,
  pow,
  reciprocal,
  rsqrt,
  sign,
  sqrt,
  square,
} from "./lib/ops/math.ts";
export { ceil, floor, round, trunc } from "./lib/ops/round.ts";
export {
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atan2,
  atanh,
  cos,
  cosh,
  sin,
  sinh,
  tan,
  tanh,
} from "./lib/ops/trig.ts";
export { erf, erfc, erfcinv, erfinv } from "./lib/ops/special.ts";
export {
  clip,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  logSigmoid,
  prelu,
  relu,
  relu6,
  sigmoid,
  silu,
  softplus,
} from "./lib/ops/activation.ts";

// Operations: shapes, indexing, joining.
export { broadcastTo, expandDims, flatten, reshape, squeeze, transpose } from "./lib/ops/shape.ts";
export { type Range, slice } from "./lib/ops/slice.ts";
export { pad } from "./lib/ops/pad.ts";
export { concat, flip, repeat, roll, split, stack, tile, unstack } from "./lib/ops/join.ts";
export {
  embedding,
  gather,
  oneHot,
  putAlongAxis,
  scatterAdd,
  takeAlongAxis,
} from "./lib/ops/gather.ts";
export { arange, eye, full, linspace, ones, zeros } from "./lib/ops/create.ts";
export { diag, type EdgeOptions, meshgrid, padEdge, pixelShuffle } from "./lib/ops/arrange.ts";
export { addIndex, type Index, index, type IndexOptions, setIndex } from "./lib/ops/indexing.ts";

// Operations: order and choice.
export {
  argsort,
  sort,
  type Sorted,
  type SortOptions,
  topk,
  type TopkOptions,
} from "./lib/ops/sort.ts";
export { cumsum } from "./lib/ops/scan.ts";
export {
  condTake,
  type Coordinates,
  nonzero,
  type RoomOptions,
  searchSorted,
  type Taken,
} from "./lib/ops/search.ts";
export { type Kept, nms } from "./lib/ops/nms.ts";

// Operations: reductions, products, networks.
export {
  all,
  any,
  max,
  mean,
  min,
  prod,
  type Reduction,
  sum,
  sumSquares,
} from "./lib/ops/reduce.ts";
export { norm, std, variance } from "./lib/ops/statistics.ts";
export { argmax, argmin } from "./lib/ops/argmax.ts";
export { matmul, type MatmulOptions } from "./lib/ops/matmul.ts";
export { conv2d, type ConvOptions } from "./lib/ops/conv.ts";
export { conv1d, convTranspose2d } from "./lib/ops/conv_transpose.ts";
export {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool1d,
  avgPool2d,
  type AvgPoolOptions,
  globalAvgPool,
  maxPool1d,
  maxPool2d,
  type PoolOptions,
} from "./lib/ops/pool.ts";
export {
  type CellWeights,
  lstm,
  type RecurrentOptions,
  recurrentWeights,
  rnn,
  type RnnOptions,
} from "./lib/ops/recurrent.ts";
export { lstmCell, rnnCell } from "./lib/ops/cells.ts";
export { crossEntropy, logSoftmax, logSumExp, softmax } from "./lib/ops/softmax.ts";
export {
  batchNorm,
  groupNorm,
  instanceNorm,
  layerNorm,
  normalize,
  standardize,
} from "./lib/ops/norm.ts";

export { localResponseNorm, type ResponseOptions } from "./lib/ops/response.ts";

// Operations: images.
export { resize, type ResizeOptions } from "./lib/ops/resize.ts";
export { remap, warpAffine, type WarpOptions, warpPerspective } from "./lib/ops/remap.ts";
export { roiAlign, type RoiAlignOptions } from "./lib/ops/roi_align.ts";
export { roiPooling, type RoiPoolOptions } from "./lib/ops/roi_pool.ts";
export { type ColorMode, cvtColor } from "./lib/ops/color.ts";
export {
  correlation,
  type CorrelationOptions,
  type SlidingOptions,
  slidingWindow,
  slidingWindowTranspose,
} from "./lib/ops/sliding.ts";

// Random numbers.
export { bernoulli, key, normal, splitKey, uniform } from "./lib/ops/random.ts";
export { dropout } from "./lib/ops/dropout.ts";

// Declaring operations.
export {
  type Declaration,
  type Fn,
  many,
  type ManyDeclaration,
  type ManyFn,
  op,
  type Operand,
} from "./lib/op/declare.ts";
export { type Binary, binary, compare, elemwise, type Unary, unary } from "./lib/op/kinds.ts";

// Composing models.
export { fork, pipe, residual, times } from "./lib/model/pipe.ts";
export { grad, valueAndGrad, vjp } from "./lib/grad/vjp.ts";

// Staging by hand.
export type { Graph, Pass } from "./lib/core/graph.ts";
export { stage } from "./lib/stage/stage.ts";
export { specialize } from "./lib/stage/specialize.ts";
export { type Level, optimize } from "./lib/stage/level.ts";
export { bind, type Binding, bindingOf } from "./lib/stage/bind.ts";
export { withKnown } from "./lib/stage/known.ts";
export { printGraph } from "./lib/core/print.ts";

// Running.
export type { Recomputed } from "./lib/core/plan.ts";
export type {
  Dtr,
  Loaded,
  Machine,
  MemoryReport,
  StepInfo,
  StepTime,
  SublinearMemory,
  Timed,
  Took,
  TunedKernel,
  Tuning,
} from "./lib/core/target.ts";
export { type DeviceName, open, type OpenOptions } from "./lib/trace/open.ts";
export { wasmWorker } from "./lib/wasm/worker_text.ts";
export { read, type ReadOptions } from "./lib/trace/read.ts";
export type { Peak } from "./lib/trace/peak.ts";
export type {
  Profile,
  ProfiledCall,
  ProfiledKernel,
  ProfiledPlan,
  ProfileOptions,
} from "./lib/trace/profile.ts";
export { excludeFromTrace, isTracing, returning } from "./lib/trace/exclude.ts";
export {
  type Donate,
  trace,
  type Traced,
  type TracedMemory,
  type TraceOptions,
} from "./lib/trace/trace.ts";
export type { MemoryOptions } from "./lib/trace/memory.ts";

// Files.
export { type AnyFunction, dump, type DumpStream, type DumpToOptions } from "./lib/trace/dump.ts";
export { load, type LoadOptions, type Model } from "./lib/trace/load.ts";
export type { CaseResult, TestCase } from "./lib/trace/testcase.ts";

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

// Types behind the surface.
export type { Comparator } from "./lib/core/compare.ts";
export type {
  Combine,
  Common,
  ConvForm,
  ConvGeometry,
  Form,
  MapForm,
  Margin,
  MatmulForm,
  Out,
  ReduceForm,
  RowsForm,
} from "./lib/core/form.ts";
export type { Cut } from "./lib/core/graph.ts";
export type { Excluded, HoleFn } from "./lib/core/tensor.ts";
export type { Data } from "./lib/core/host.ts";
export type {
  At,
  Attrs,
  Case,
  CaseInput,
  Draft,
  Field,
  FieldKind,
  Op,
  VjpArgs,
  Wire,
} from "./lib/core/op.ts";
export type { Plan, Slot, SlotId, Step } from "./lib/core/plan.ts";
export type {
  Acc,
  Arg as ScalarArg,
  Axis,
  Call as ScalarCall,
  Kind,
  Lit,
  Load,
  Prim,
  Scalar,
} from "./lib/core/scalar.ts";
export { s, type signatures } from "./lib/core/scalar.ts";
export type { CompileOptions, GraphOpt, Limits } from "./lib/core/target.ts";
export type { Call, Node } from "./lib/core/tensor.ts";
export type { Full, Optional, Options, Positional, Rest } from "./lib/op/declare.ts";
export type { Elementwise, Takes } from "./lib/op/kinds.ts";
export type { Arg } from "./lib/ops/argmax.ts";
export type { Nonlinearity } from "./lib/ops/recurrent_layer.ts";
export type { Border, SampleOptions, Sampling } from "./lib/ops/taps.ts";
export type { Pair } from "./lib/ops/window_taps.ts";
export type { SplitOptions } from "./lib/ops/join.ts";
export type { Along } from "./lib/ops/reduce.ts";
export type { Rowwise } from "./lib/ops/softmax.ts";
export type { BytesLike, ByteSource } from "./lib/io/bytes.ts";
export type { Target as Sink } from "./lib/io/sink.ts";
export type { Described, Parameter } from "./lib/mge/describe.ts";
export type { DumpInfo, DumpOptions } from "./lib/mge/dump_options.ts";
export type { InferenceOptions } from "./lib/mge/infer/options.ts";
export type { ListedField, ListedOperator, ListedVariable, Listing } from "./lib/mge/listing.ts";
export type { OnProgress } from "./lib/mge/parts.ts";
export type { CaseOptions } from "./lib/mge/testcase.ts";
export type { Metadata } from "./lib/mge/metadata.ts";
export type { FileFormat } from "./lib/mge/model.ts";
export type { CaseCheck } from "./lib/trace/testcase.ts";
export type { Recorded } from "./lib/trace/trace.ts";
