/**
 * The registered operators: alias, ids in each container, and how many outputs are numbered.
 * Ids are hashes of names, so the table holds names only.
 * @module
 */
import { xxh64 } from "../core/hash.ts";
import type { FileOpr, Param } from "./model.ts";

const seed = 20160701n;

/** A registered operator. */
export interface FileOperator {
  /** Registry alias, such as `ConvolutionV2`. */
  readonly alias: string;
  /** What V1 stores. */
  readonly persistId: bigint;
  /** What V0 stores, and V2 records of version 1. */
  readonly plainId: bigint;
  /** `Operator.type` in V2, such as `Convolution`. */
  readonly v2Type: string;
  /** `Operator.opr_version` in V2: 2 for operators with a second registration. */
  readonly v2Version: number;
  /** `Operator.type_id` in V2. */
  readonly v2Id: bigint;
  /** Name in strip-info files, such as `ConvolutionForward`. */
  readonly typeinfo: string;
}

/**
 * Aliases; `*` marks a version-2 registration, whose name is the alias without its version, and
 * the word after `:` is the strip-info name where it is not that name too.
 */
const text = `
AdaptivePoolingBackwardV1 AdaptivePoolingV1:AdaptivePoolingForward AddUpdate AffineInt Alloc
Argmax Argmin Argsort:ArgsortForward ArgsortBackward AssertEqual AtlasRuntimeOpr AxisAddRemove
BatchConvBiasForwardV1* BatchedIncrMeshIndexing BatchedMatrixMulV2 BatchedMeshIndexing
BatchedSetMeshIndexing BatchNormBackwardV1 BatchNormV1:BatchNormForward BetaRNG Broadcast
CambriconRuntimeOpr CheckNonFinite Concat CondExecMark CondExecMarkIfNeed CondExecMerge
CondExecPred CondExecPredLogical CondTake ConvBiasForwardV4* Convolution3D*:Convolution3DForward
Convolution3DBackwardData* Convolution3DBackwardFilter* ConvolutionBackwardDataV2*
ConvolutionBackwardFilterV2* ConvolutionV2*:ConvolutionForward Copy CorrelationBackwardData1
CorrelationBackwardData2 CorrelationForward Cross CumsumV1 CustomOpNode* CvtColor:CvtColorForward
DctChannelSelectV1:DctChannelSelectForward DeformableConvBackwardDataV1*
DeformableConvBackwardFilterV1* DeformableConvForwardV1* DeformablePSROIPoolingBackward
DeformablePSROIPoolingForward Diag DiagBackward Dimshuffle Dot Dropout:DropoutForward
DropoutBackward Elemwise ElemwiseMultiType ExponentialRNG ExternCOprRunner Eye
FakeQuant:FakeQuantForward FakeQuantBackward Flip:FlipForward GammaRNG
GaussianBlur:GaussianBlurForward GaussianRNGV1 GeneralNorm:GeneralNormForward GeneralNormBackward
GetVarShapeV1 GroupLocalBackwardDataV2 GroupLocalBackwardFilterV2 GroupLocalV2:GroupLocalForward
GroupNorm*:GroupNormForward GroupNormBackward* Host2DeviceCopy* Identity
Images2Neibs:Images2NeibsForward Images2NeibsBackward ImmutableTensor* IncrMeshIndexing
IncrSubtensor IndexingIncrMultiAxisVec IndexingMultiAxisVec IndexingOneHot IndexingRemap
IndexingRemapBackward IndexingSetMultiAxisVec IndexingSetOneHot InstanceNorm*:InstanceNormForward
InstanceNormBackward* LayerNorm:LayerNormForward LayerNormBackward Linspace LocalBackwardDataV2
LocalBackwardFilterV2 LocalShareBackwardDataV1* LocalShareBackwardFilterV1* LocalShareForwardV1*
LocalV2:LocalForward LRN:LRNForward LRNBackward LSQ:LSQForward LSQBackward LSTMBackward
LSTMCellForward:LSTMCell LSTMForward:LSTM MagicMindRuntimeOpr MarkDynamicVar
MarkNoBroadcastElemwise MaskConvolutionV2 MaskedFill MaskPropagate MatrixInverse MatrixMulV2
MeshIndexing MultiHeadAttn:MultiHeadAttnForward MultiHeadAttnBackward MultinomialRNG
MultipleDeviceTensorHolder* MultipleDeviceTensorWithFormatHolder* NMSKeepMGB:NMSKeep NonZero NvOf
Padding:PaddingForward PaddingBackward PermutationRNG PersistentOutputStorage PoissonRNG
PoolingBackwardV1 PoolingV1:PoolingForward PowC ReduceV2
RegionRestrictedConvolution:RegionRestrictedConvolutionForward
RegionRestrictedConvolutionBackwardData RegionRestrictedConvolutionBackwardFilter
RelayoutFormatV1 RemapBackwardDataV1 RemapBackwardMatV1 RemapV1:RemapForward ReshapeV1
Resize3D:Resize3DForward ResizeBackward ResizeV2:ResizeForward RNNBackward RNNCellForward
RNNForward:RNN ROIAlignBackwardV1 ROIAlignV1:ROIAlignForward ROIPooling:ROIPoolingForward
ROIPoolingBackward Rotate:RotateForward SetMeshIndexing SetSubtensor SharedDeviceTensor
SharedDeviceTensorWithFormat* ShuffleRNG:ShuffleRNGForward ShuffleRNGBackward Sleep
SlidingWindowTranspose:SlidingWindowTransposeForward SlidingWindowTransposeBackward
Softmax*:SoftmaxForward SoftmaxBackward Split Subtensor SVD TensorRTRuntimeOpr TopK
TQT:TQTForward TQTBackward TypeCvtV2 UniformRNGV1 VirtualDep VirtualGrad
VolatileSharedDeviceTensor WarpAffineV2:WarpAffineForward WarpPerspectiveBackwardDataV2
WarpPerspectiveBackwardMatV2 WarpPerspectiveV2:WarpPerspectiveForward Where:WhereForward
WhereBackward
`;

/** Every registered operator, by alias. */
export const fileOperators: readonly FileOperator[] = text.trim().split(/\s+/).map(parseOperator);

const byAlias = new Map(fileOperators.map((o) => [o.alias, o]));
const byPersistId = new Map(fileOperators.map((o) => [o.persistId, o]));
const byPlainId = new Map(fileOperators.map((o) => [o.plainId, o]));
const byClassId = new Map(
  fileOperators.filter((o) => o.v2Version === 2).map((o) => [o.v2Id, o]),
);

/** The operator of an alias. */
export function operatorOf(alias: string): FileOperator | undefined {
  return byAlias.get(alias);
}

/** The operator of a V1 `type_id`. */
export function operatorOfV1(id: bigint): FileOperator | undefined {
  return byPersistId.get(id);
}

/** The operator of a V0 `type_id`. */
export function operatorOfV0(id: bigint): FileOperator | undefined {
  return byPlainId.get(id);
}

/** The operator of a V2 record; only the low eight bits of the version count. */
export function operatorOfV2(id: bigint, version: number): FileOperator | undefined {
  switch (version & 0xff) {
    case 1:
      return byPlainId.get(id);
    case 2:
      return byClassId.get(id);
    default:
      return undefined;
  }
}

/** True for operators whose tensors count as shared. */
export function isShared(type: string): boolean {
  return type === "SharedDeviceTensor" || type === "VolatileSharedDeviceTensor" || isHolder(type);
}

/** True for the operators that hold several tensors, one output each. */
export function isHolder(type: string): boolean {
  return type.startsWith("MultipleDeviceTensor");
}

/** True for the operators whose tensors have a format, which V1 keeps in blobs. */
export function isFormatted(type: string): boolean {
  return type === "SharedDeviceTensorWithFormat" || type === "MultipleDeviceTensorWithFormatHolder";
}

/** Number of shared tensors, what `Graph.nr_shared_tensor` says. */
export function countShared(oprs: readonly FileOpr[]): number {
  return oprs.reduce((n, opr) => n + (isShared(opr.type) ? opr.tensors.length : 0), 0);
}

/** Operators with a fixed number of counted outputs other than one. */
const outputCounts: Readonly<Record<string, number>> = {
  Argsort: 2,
  BatchNormBackwardV1: 3,
  CondTake: 2,
  DeformableConvBackwardDataV1: 3,
  DeformablePSROIPoolingBackward: 2,
  DeformablePSROIPoolingForward: 2,
  Dropout: 2,
  GeneralNorm: 3,
  GroupNorm: 3,
  InstanceNorm: 3,
  LSQBackward: 2,
  LSTMBackward: 4,
  LSTMCellForward: 3,
  LSTMForward: 4,
  LayerNorm: 3,
  MultiHeadAttn: 4,
  NMSKeepMGB: 2,
  RNNBackward: 3,
  RNNForward: 3,
  ROIAlignV1: 2,
  ROIPooling: 2,
  ShuffleRNG: 2,
  TQTBackward: 2,
  WhereBackward: 2,
};

/**
 * Number of outputs that get variable ids. Undefined where the operator alone does not say it, as
 * for the runtimes of other engines; then the file's list of output names does.
 */
export function countedOutputs(
  type: string,
  params: readonly Param[],
  inputs: number,
  tensors: number,
): number | undefined {
  const field = (name: string) => params[0]?.fields[name];
  switch (type) {
    case "Split":
      return Math.max(0, inputs - 1);
    case "CheckNonFinite":
      return inputs + 1;
    case "SVD":
      return field("compute_uv") === false ? 1 : 3;
    case "TopK":
      return field("mode") === 0 || field("mode") === undefined ? 1 : 2;
    case "BatchNormV1":
      // Training with running statistics has those two in front.
      return inputs === 5 && field("fwd_mode") === 0 ? 6 : 4;
    case "MultipleDeviceTensorHolder":
    case "MultipleDeviceTensorWithFormatHolder":
      return tensors;
    case "LayerNormBackward":
    case "GeneralNormBackward":
    case "GroupNormBackward":
    case "InstanceNormBackward":
      // Without weights the gradients of weight and bias are volatile.
      return inputs === 5 ? 3 : 1;
    case "CondExecMark":
      return Math.max(0, inputs - 1);
    case "CondExecMerge":
      return Number(field("nr_output") ?? 1);
    case "CondExecPred":
      return field("mode") === 0 ? Math.max(0, inputs - 1) : inputs;
    case "AtlasRuntimeOpr":
    case "CambriconRuntimeOpr":
    case "CustomOpNode":
    case "ExternCOprRunner":
    case "MagicMindRuntimeOpr":
    case "MultiHeadAttnBackward":
    case "TensorRTRuntimeOpr":
      return undefined;
    default:
      return outputCounts[type] ?? 1;
  }
}

function parseOperator(word: string): FileOperator {
  const [marked, named] = word.split(":");
  const alias = marked.replace("*", "");
  const base = alias.replace(/V\d$/, "");
  const plainId = idOf(base);
  const second = marked.endsWith("*");
  return {
    alias,
    persistId: idOf(`${alias}\0`),
    plainId,
    v2Type: second ? base : alias,
    v2Version: second ? 2 : 1,
    v2Id: second ? idOf(`${base}\0`) : plainId,
    typeinfo: named ?? base,
  };
}

function idOf(name: string): bigint {
  return xxh64(new TextEncoder().encode(name), seed) || 1n;
}
