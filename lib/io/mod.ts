/**
 * Reading and writing arrays and parameters: NumPy's npy and npz, safetensors, ONNX's tensors; and
 * pictures as arrays.
 *
 * ```ts
 * import { key, read } from "@weft/weft";
 * import { loadParams, saveParams } from "@weft/weft/io";
 * import * as nn from "@weft/weft/nn";
 *
 * const spec = { up: nn.linearSpec(2, 3) };
 * const bytes = await new Response(ReadableStream.from(saveParams(nn.init(spec, key(0))))).blob();
 * const p = await loadParams(spec, bytes); // names are the paths: up.weight, up.bias
 * console.log((await read(p.up.weight)).shape); // [3, 2]
 * ```
 * @module
 */
export { arrayIn, type Arrays, openArrays } from "./arrays.ts";
export { type BytesLike, type ByteSource, openBytes } from "./bytes.ts";
export { decodeImage, greyImage, resizeImage } from "./image.ts";
export { type Npy, readNpy, readNpz, writeNpy, writeNpz } from "./npy.ts";
export { type OnnxTensor, readOnnxTensor } from "./onnx/tensor.ts";
export { openSafetensors, type Safetensors, safetensors, type Sized } from "./safetensors.ts";
export { loadParams, type LoadParamsOptions, saveParams } from "./params.ts";
