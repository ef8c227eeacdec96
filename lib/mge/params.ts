/**
 * The parameter tables of the operator union, as text: a name, then the fields in slot order as
 * `name:type=default`. The n-th table has union number n; `schema.ts` reads the text.
 * @module
 */

/** Parameter tables 1 to 99; a line that starts with a blank continues the one before. */
export const paramText = `
Empty
Axis axis:i32
Convolution
  mode:ConvolutionV0Mode pad_h:u32 pad_w:u32 stride_h:u32=1 stride_w:u32=1 dilate_h:u32=1
  dilate_w:u32=1 sparse:ConvolutionV0Sparse format:ConvolutionFormat
  compute_mode:ConvolutionV1ComputeMode
MaskPropagate
  pad_h:u32 pad_w:u32 stride_h:u32=1 stride_w:u32=1 kernel_h:u32=1 kernel_w:u32=1 dilate_h:u32=1
  dilate_w:u32=1
ConvPooling
  method:ConvPoolingMethod convMode:ConvolutionV0Mode poolMode:ConvPoolingPoolMode
  nonlineMode:ConvPoolingNonlineMode pool_shape_h:u32=1 pool_shape_w:u32=1 pool_stride_h:u32=1
  pool_stride_w:u32=1 pool_pad_h:u32 pool_pad_w:u32 conv_stride_h:u32=1 conv_stride_w:u32=1
  conv_pad_h:u32 conv_pad_w:u32
ConvBias
  nonlineMode:ConvBiasV0NonlineMode mode:ConvolutionV0Mode sparse:ConvolutionV0Sparse
  format:ConvolutionFormat pad_h:u32 pad_w:u32 stride_h:u32=1 stride_w:u32=1 dilate_h:u32=1
  dilate_w:u32=1 compute_mode:ConvolutionV1ComputeMode
SeparableConv
  mode:ConvolutionV0Mode borderMode:SeparableConvBorderMode is_symm_kernel:bool=1 pad_h:u32
  pad_w:u32 stride_h:u32=1 stride_w:u32=1 ksize_h:u32=3 ksize_w:u32=3 anchor_h:u32=1
  anchor_w:u32=1
Images2Neibs
  pad_h:u32 pad_w:u32 stride_h:u32=1 stride_w:u32=1 dilate_h:u32=1 dilate_w:u32=1 window_h:u32=3
  window_w:u32=3
Pooling
  mode:PoolingV0Mode pad_h:u32 pad_w:u32 stride_h:u32=2 stride_w:u32=2 window_h:u32=2
  window_w:u32=2 format:ConvolutionFormat
LRN n:u32=5 k:f32=2 alpha:f32=1e-4 beta:f32=0.75
BN param_dim:BNParamDim fwd_mode:BNFwdMode epsilon:f64=1e-4 avg_factor:f64=1 scale:f32=1 bias:f32
ROIPooling mode:ROIPoolingMode scale:f32=1
WarpPerspective
  imode:WarpPerspectiveV1InterpolationMode=1 bmode:WarpPerspectiveV1BorderMode
  format:ConvolutionFormat border_val:f32
SpatialTfGridGenerator mode:SpatialTfGridGeneratorMode
SpatialTfSampler mode:SpatialTfSamplerMode
MGBAddUpdate alpha:PersistentDTypeScalar beta:PersistentDTypeScalar bias:PersistentDTypeScalar
Elemwise mode:ElemwiseMode
ElemwiseMultiType mode:ElemwiseMultiTypeMode
PowC exp:f32
MatrixMul
  transposeA:bool transposeB:bool compute_mode:MatrixMulV1ComputeMode format:MatrixMulFormat
DeprecatedParam
SVD full_matrices:bool compute_uv:bool=1
Reduce mode:ReduceMode axis:i32=2147483647 data_type:ReduceDataType
Cumsum axis:i32=2147483647 exclusive:bool=1 reverse:bool
CondTake mode:CondTakeMode val:f32 eps:f32=1e-06
Argsort order:ArgsortOrder
IndexingRemap is_non_overlapping:bool
MGBSleep device:bool=1 host:bool seconds:f64
Linspace endpoint:bool=1
LinspaceFull start:f64 stop:f64=1 endpoint:bool=1
Eye k:i32 dtype:DTypeEnum
UniformRNG seed:u64 dtype:DTypeEnum
GaussianRNG seed:u64 mean:f32 std:f32=1 dtype:DTypeEnum
Flip vertical:bool horizontal:bool
Rotate clockwise:bool=1
ROICopy row_from:u32 row_to:u32 col_from:u32 col_to:u32
CvtColor mode:CvtColorMode
WarpAffine
  imode:WarpPerspectiveV1InterpolationMode=1 border_mode:WarpPerspectiveV1BorderMode
  border_val:f32 format:ConvolutionFormat=1
GaussianBlur
  border_mode:WarpPerspectiveV1BorderMode kernel_height:u32 kernel_width:u32 sigma_x:f32
  sigma_y:f32
Resize imode:WarpPerspectiveV1InterpolationMode=1 format:ConvolutionFormat=1
Convolution3D
  mode:Convolution3DMode pad_d:u32 pad_h:u32 pad_w:u32 stride_d:u32=1 stride_h:u32=1
  stride_w:u32=1 dilate_d:u32=1 dilate_h:u32=1 dilate_w:u32=1 sparse:Convolution3DSparse
  data_type:Convolution3DDataType format:Convolution3DFormat
Conv3DBias
  nonlineMode:Conv3DBiasNonlineMode mode:Convolution3DMode pad_d:u32 pad_h:u32 pad_w:u32
  stride_d:u32=1 stride_h:u32=1 stride_w:u32
SeparableConv3D
  mode:Convolution3DMode borderMode:SeparableConv3DBorderMode is_symm_kernel:bool=1 pad_d:u32
  pad_h:u32 pad_w:u32 stride_d:u32 stride_h:u32=1 stride_w:u32=1 ksize_d:u32 ksize_h:u32=3
  ksize_w:u32=3 anchor_d:u32 anchor_h:u32=1 anchor_w:u32=1
TopK mode:TopKMode
RelayoutFormat mode:RelayoutFormatV0Mode oc:u32 group:u32=1
SeparableFilter
  format:ConvolutionFormat borderMode:WarpPerspectiveV1BorderMode is_symm_kernel:bool=1
  ksize_h:u32=3 ksize_w:u32=3 anchor_h:u32=1 anchor_w:u32=1
LocalShare
  mode:ConvolutionV0Mode pad_h:u32 pad_w:u32 stride_h:u32=1 stride_w:u32=1 dilate_h:u32=1
  dilate_w:u32=1 spatial_groups_h:u32=1 spatial_groups_w:u32=1 sparse:ConvolutionV0Sparse
  format:ConvolutionFormat computeMode:ConvolutionV1ComputeMode
ROIAlign
  mode:ROIAlignV0Mode format:ConvolutionFormat spatial_scale:f32=1.0 offset:f32
  pooled_height:u32=1 pooled_width:u32=1 sample_height:u32=2 sample_width:u32=2
DeformablePSROIPooling
  no_trans:bool=1 spatial_scale:f32=1 trans_std:f32=1 pooled_h:u32=1 pooled_w:u32=1
  part_size:u32=1 sample_per_part:u32=1
BatchConvBias
  nonlineMode:ConvBiasV0NonlineMode mode:ConvolutionV0Mode pad_h:u32 pad_w:u32 stride_h:u32=1
  stride_w:u32=1 dilate_h:u32=1 dilate_w:u32=1 sparse:ConvolutionV0Sparse
  format:ConvolutionFormat compute_mode:ConvolutionV1ComputeMode
param.DType dtype:DTypeEnum=8
PersistentOutputStorage share_key:i32=-1
OptionalAxis axis:i32=-1
OptionalAxisV1 axis:i32=7
ExecutionPolicy strategy:ExecutionPolicyStrategy=1 workspace_limit:u64=18446744073709551615
AssertEqual maxerr:f32=0.0001 verbose:bool
Reserved0
CollectiveComm mode:CollectiveCommMode
CondExecPred mode:CondExecPredMode eps:f32=0.0001
CondExecPredLogical mode:CondExecPredLogicalMode
CondExecMark grad_mode:CondExecMarkGradMode static_infer:CondExecMarkStaticInfer
CondExecMerge nr_output:u32=1 mode:CondExecMergeMode
Host2DeviceCopy enable_value_infer:bool=1 dump_default_value:bool allow_cpu_mem_fwd:bool=1
Dimshuffle pattern:[i32] ndim:u32
AxisAddRemove desc:[AxisDesc]
IndexDescMaskDump items:[IndexDescMaskItem]
DType dtype:DType
Remap
  imode:WarpPerspectiveV1InterpolationMode=1 border_type:WarpPerspectiveV1BorderMode
  format:ConvolutionFormat=1 scalar:f32
NMSKeep iou_thresh:f32 max_output:u32
AdaptivePooling mode:PoolingV0Mode format:ConvolutionFormat
NvOf precision:u32=1
DctChannelSelect format:ConvolutionFormat fastImpl:DctChannelSelectV0FastImpl dct_block_size:i32=8
FakeQuant qmin:i32=-2147483648 qmax:i32=2147483647
TQT qmin:i32=-2147483648 qmax:i32=2147483647
Correlation
  format:ConvolutionV0Format kernel_size:u32=1 max_displacement:u32=1 stride1:u32=1 stride2:u32=1
  pad_size:u32 is_multiply:bool=1
LSQ qmin:i32=-2147483648 qmax:i32=2147483647
GammaRNG seed:u64
PoissonRNG seed:u64
PermutationRNG seed:u64 dtype:DTypeEnum=4
BetaRNG seed:u64
SlidingWindowTranspose
  out_h:u32 out_w:u32 pad_h:u32 pad_w:u32 stride_h:u32=1 stride_w:u32=1 dilate_h:u32=1
  dilate_w:u32=1 window_h:u32=3 window_w:u32=3
Padding
  front_offset_dim0:u32 front_offset_dim1:u32 front_offset_dim2:u32 front_offset_dim3:u32
  front_offset_dim4:u32 front_offset_dim5:u32 front_offset_dim6:u32 back_offset_dim0:u32
  back_offset_dim1:u32 back_offset_dim2:u32 back_offset_dim3:u32 back_offset_dim4:u32
  back_offset_dim5:u32 back_offset_dim6:u32 padding_val:f32 padding_mode:PaddingPaddingMode=2
ShuffleRNG seed:u64
CheckNonFinite scale:f32=1.0
LayerNorm affine:bool=1 eps:f32=1e-5 normalized_dim:u64=1 normalized_size:u64=1
Dropout drop_prob:f32 seed:u64
RNNCell nonlineMode:RNNCellNonlineMode
RNN
  num_layers:u32=1 bidirectional:bool bias:bool=1 hidden_size:u32=128 dropout:f32
  nonlineMode:RNNCellNonlineMode fwd_mode:BNFwdMode
LSTM
  num_layers:u32=1 bidirectional:bool bias:bool=1 hidden_size:u32=128 proj_size:u32 dropout:f32
  fwd_mode:BNFwdMode
Softmax axis:i32=-1
Diag k:i32
GroupNorm affine:bool=1 eps:f32=1e-5 group:u32=1 format:ConvolutionFormat
Fill value:f32
GeneralNorm affine:bool=1 eps:f32=1e-5 axis_start:u64 axis_end:u64
MultiHeadAttn
  num_heads:u32=1 embeding_size:u32 k_size:u32 v_size:u32 qproj_size:u32 kproj_size:u32
  vproj_size:u32 oproj_size:u32 qbias:bool kbias:bool vbias:bool obias:bool sm_scaler:f32=1
  input_order:u32 attn_mask_type:MultiHeadAttnAttnMaskType
  tensor_combination_type:MultiHeadAttnTensorCombinationType add_zero_attn:bool need_weights:bool
  reslink:bool training:bool=1 seed:u64 attn_prob:f32 out_prob:f32
Resize3D
  imode:WarpPerspectiveV1InterpolationMode=1 format:Convolution3DFormat=1 align_corners:bool
Cross axisa:i32=-1 axisb:i32=-1 axisc:i32=-1
ExponentialRNG seed:u64
MultinomialRNG seed:u64 num_samples:u64=1 replacement:bool
`;
