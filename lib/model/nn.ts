/**
 * Layers, parameter trees and initialisers.
 *
 * ```ts
 * import { key, read, relu, tensor, pipe } from "@weft/weft";
 * import * as nn from "@weft/weft/nn";
 *
 * const spec = { up: nn.linearSpec(2, 8), down: nn.linearSpec(8, 1) };
 * const p = nn.init(spec, key(0));
 * const model = pipe(nn.linear(p.up), relu, nn.linear(p.down));
 * console.log((await read(model(tensor([[1, 2]])))).shape); // [1, 1]
 * ```
 * @module
 */
export * from "./layers.ts";
export * from "./recurrent.ts";
export {
  buffer,
  fill,
  init,
  isSpecLeaf,
  type Leaf,
  namedLeaves,
  parameter,
  type Params,
  updated,
} from "./params.ts";
export {
  fans,
  heNormal,
  heUniform,
  type Initializer,
  onesInit,
  uniformFor,
  xavierUniform,
  zerosInit,
} from "./initializers.ts";
