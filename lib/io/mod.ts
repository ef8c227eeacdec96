/**
 * Reading and writing arrays and parameters: NumPy's npy and npz, safetensors.
 * @module
 */
export { type BytesLike, type ByteSource, openBytes } from "./bytes.ts";
export { type Npy, readNpy, readNpz, writeNpy, writeNpz } from "./npy.ts";
export { openSafetensors, type Safetensors, safetensors, type Sized } from "./safetensors.ts";
export { loadParams, type LoadParamsOptions, saveParams } from "./params.ts";
