/**
 * Graphs that the tests of reports look at: small ones with everything in them, ugly names, many
 * parallel edges, a long residual net.
 * @module
 */
import {
  add,
  concat,
  constant,
  conv2d,
  exp,
  f32,
  type Graph,
  matmul,
  mul,
  named,
  relu,
  sin,
  stage,
  type Tensor,
} from "@weft/weft";

/** A parameter full of tenths. */
export function parameter(shape: readonly number[], name?: string): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return constant({ dtype: "f32", shape, data: new Float32Array(count).fill(0.1) }, name);
}

/** Names that would be markup or script if they were not escaped. */
export const hostile = [
  '</script><script>globalThis.broken = "by a name"</script>',
  "<img src=x onerror='globalThis.broken = 1'>",
  `" onmouseover="globalThis.broken=2" '&amp; \u2028 \u0007 ]]> <!--`,
] as const;

/** A layer whose every name is hostile. */
export function hostileGraph(): Graph {
  const w = parameter([4, 4], hostile[0]);
  return stage(
    (x: Tensor) => ({ [hostile[1]]: relu(add(matmul(x, w), 1)), [hostile[2]]: mul(x, w) }),
    [named(hostile[2], f32([4, 4]))],
  );
}

/** A layer of a network with paths for names, and two results. */
export function layerGraph(): Graph {
  const [w, b] = [parameter([4, 3], "net.fc1.weight"), parameter([3], "net.fc1.bias")];
  return stage((x: Tensor) => {
    const y = relu(add(matmul(x, w), b));
    return { scores: mul(y, 2), again: add(y, y) };
  }, [named("image", f32([2, 4]))]);
}

/** One operation. */
export function singleGraph(): Graph {
  return stage((x: Tensor) => relu(x), [named("x", f32([2]))]);
}

/** Values that are read many times, also twice by one operation. */
export function parallelGraph(): Graph {
  return stage((x: Tensor) => {
    const y = mul(x, x);
    const z = concat([y, y, x, x, y], { axis: 0 });
    const branches = Array.from({ length: 14 }, (_, i) => i % 2 ? exp(z) : sin(add(z, i)));
    return branches.reduce((a, b) => add(a, b));
  }, [named("x", f32([2, 8]))]);
}

/** A residual net of this many blocks with five operations each. */
export function residualGraph(blocks: number): Graph {
  const weights = Array.from({ length: blocks }, (_, i) => {
    const path = `net.stage${Math.floor(i / 10)}.block${i % 10}`;
    return ["conv1", "conv2"].map((name) => parameter([8, 8, 3, 3], `${path}.${name}.weight`));
  });
  return stage(
    (x: Tensor) =>
      weights.reduce(
        (x, [a, b]) => relu(add(x, conv2d(relu(conv2d(x, a, { padding: 1 })), b, { padding: 1 }))),
        x,
      ),
    [
      named("image", f32([1, 8, 16, 16])),
    ],
  );
}
