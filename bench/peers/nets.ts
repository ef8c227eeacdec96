/**
 * The two networks as data: batch norm is already folded, so a layer is a convolution with bias and
 * an activation. A layer names the layers it reads by index, −1 being the network's input.
 *
 * @module
 */

/** Convolution with bias, plus layer `add`'s output where given, then `act`. */
export interface ConvLayer {
  readonly op: "conv";
  readonly from: number;
  readonly channels: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly groups: number;
  readonly act: "none" | "relu" | "relu6";
  readonly add?: number;
}

/** Max pooling; the padding never wins. */
export interface PoolLayer {
  readonly op: "maxpool";
  readonly from: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
}

/** Mean over both spatial axes: [1, C, H, W] → [1, C]. */
export interface MeanLayer {
  readonly op: "mean";
  readonly from: number;
}

/** Matrix product with bias: [1, channels] → [1, out]. */
export interface DenseLayer {
  readonly op: "dense";
  readonly from: number;
  readonly channels: number;
  readonly out: number;
}

/** One layer of a network. */
export type Layer = ConvLayer | PoolLayer | MeanLayer | DenseLayer;

/** MobileNetV2, width 1.0, 1000 classes (52 convolutions; dropout left out). */
export function mobilenet(): readonly Layer[] {
  const layers: Layer[] = [];
  let at = add(layers, conv(-1, 3, 32, 3, 2, 1, "relu6"));
  let channels = 32;
  // Expansion, output channels, repeats, first stride: table 2 of the MobileNetV2 paper.
  const table = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ];
  for (const [expand, out, repeats, first] of table) {
    for (let i = 0; i < repeats; i++) {
      const stride = i === 0 ? first : 1;
      const wide = channels * expand;
      const start = at;
      if (expand > 1) at = add(layers, conv(at, channels, wide, 1, 1, 1, "relu6"));
      at = add(layers, conv(at, wide, wide, 3, stride, wide, "relu6"));
      const last = conv(at, wide, out, 1, 1, 1, "none");
      at = add(layers, stride === 1 && channels === out ? { ...last, add: start } : last);
      channels = out;
    }
  }
  at = add(layers, conv(at, 320, 1280, 1, 1, 1, "relu6"));
  at = add(layers, { op: "mean", from: at });
  add(layers, { op: "dense", from: at, channels: 1280, out: 1000 });
  return layers;
}

/** ResNet18, 1000 classes (20 convolutions). */
export function resnet(): readonly Layer[] {
  const layers: Layer[] = [];
  let at = add(layers, conv(-1, 3, 64, 7, 2, 1, "relu"));
  at = add(layers, { op: "maxpool", from: at, kernel: 3, stride: 2, pad: 1 });
  let channels = 64;
  for (const out of [64, 128, 256, 512]) {
    for (let i = 0; i < 2; i++) {
      const stride = i === 0 && out > 64 ? 2 : 1;
      const start = at;
      const inner = add(layers, conv(start, channels, out, 3, stride, 1, "relu"));
      const skip = channels === out && stride === 1
        ? start
        : add(layers, conv(start, channels, out, 1, stride, 1, "none"));
      at = add(layers, { ...conv(inner, out, out, 3, 1, 1, "relu"), add: skip });
      channels = out;
    }
  }
  at = add(layers, { op: "mean", from: at });
  add(layers, { op: "dense", from: at, channels: 512, out: 1000 });
  return layers;
}

function conv(
  from: number,
  channels: number,
  out: number,
  kernel: number,
  stride: number,
  groups: number,
  act: ConvLayer["act"],
): ConvLayer {
  const pad = (kernel - 1) / 2;
  return { op: "conv", from, channels, out, kernel, stride, pad, groups, act };
}

function add(layers: Layer[], layer: Layer): number {
  return layers.push(layer) - 1;
}
