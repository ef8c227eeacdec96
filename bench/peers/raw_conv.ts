/**
 * Hand-written convolutions: NCHW buffers, weights in texels, inputs loaded as aligned vectors with
 * scalars for a halo of one column.
 *
 * @module
 */
import type { ConvRow } from "./cases.ts";
import { fma, kernel, LANES, span } from "./raw_text.ts";
import type { Kernel } from "./raw_text.ts";

/**
 * Each lane makes `out` channels × `high` rows × `wide` columns, lanes along positions. The weight
 * texel (o, (c · K + ky) · K + kx) holds output channels 4o to 4o + 3.
 */
export function conv(row: ConvRow, out: number, high: number, wide: number): Kernel {
  const { size, kernel: taps, stride, pad } = row;
  const side = row.output[3];
  const across = side / wide;
  const tiles = across * (side / high);
  const quads = span(out / 4);
  const cells = span(high).flatMap((r) => span(wide).map((i) => [r, i]));
  const multiply = (ky: number, from: (r: number) => number, tap: string): string[] =>
    span(taps).flatMap((kx) =>
      quads.flatMap((j) => [
        `let w${ky}_${kx}_${j} = textureLoad(W, vec2u(o + ${j}u, (${tap}) * ${taps}u + ${kx}u));`,
        ...cells.map(([r, i]) =>
          fma(`y${r}_${i}_${j}`, `vec4f(x${from(r)}_${i * stride + kx})`, `w${ky}_${kx}_${j}`)
        ),
      ])
    );
  // A tile of one row loops over the kernel's rows: a 7 × 7 body unrolled takes a second to compile.
  const body = high === 1 && taps > 1
    ? [
      `for (var ky = 0u; ky < ${taps}u; ky++) {`,
      `let v0 = i32(top * ${stride}u + ky) - ${pad};`,
      `if (v0 < 0 || v0 >= ${size}) { continue; }`,
      ...loads(row, wide, 0, ""),
      ...multiply(0, () => 0, `k * ${taps}u + ky`),
      "}",
    ]
    : [
      ...span((high - 1) * stride + taps).flatMap((r) => {
        const last = (high - 1) * stride + taps - 1;
        const edge = r < pad || r > last - pad;
        return [
          `let v${r} = i32(top * ${stride}u) + ${r - pad};`,
          edge ? `let in${r} = v${r} >= 0 && v${r} < ${size};` : "",
          ...loads(row, wide, r, edge ? `in${r}` : ""),
        ];
      }),
      ...span(taps).flatMap((ky) => multiply(ky, (r) => r * stride + ky, `k * ${taps}u + ${ky}u`)),
    ];
  const stores = quads.flatMap((j) =>
    span(4).flatMap((q) =>
      span(high).flatMap((r) =>
        span(wide / 4).map((i) => {
          const values = span(4).map((u) => `y${r}_${i * 4 + u}_${j}.${LANES[q]}`);
          const at = `(((o + ${j}u) * 4u + ${q}u) * ${side}u + top + ${r}u) * ${side / 4}u`;
          return `Y[${at} + left / 4u + ${i}u] = vec4f(${values.join(", ")});`;
        })
      )
    )
  );
  return {
    code: kernel(
      8,
      `  if (g.x >= ${tiles}u) { return; }
  let o = g.y * ${out / 4}u;
  let top = g.x / ${across}u * ${high}u;
  let left = g.x % ${across}u * ${wide}u;
  let base = i32(left * ${stride}u);
  ${quads.flatMap((j) => cells.map(([r, i]) => `var y${r}_${i}_${j} = vec4f();`)).join(" ")}
  for (var k = 0u; k < ${row.channels}u; k++) {
    ${body.join("\n    ")}
  }
  ${stores.join("\n  ")}`,
    ),
    groups: [Math.ceil(tiles / 8), row.out / out, 1],
  };
}

/** Declares x{r}_{i}: input row v{r} of channel k at columns base − pad + i, zero outside. */
function loads(row: ConvRow, wide: number, r: number, inside: string): string[] {
  const { size, pad } = row;
  const inner = (wide - 1) * row.stride + 1;
  const end = inner + row.kernel - 1 - pad;
  const lines = [
    `let at${r} = i32(k * ${size * size}u) + ${
      inside ? `select(0, v${r}, ${inside})` : `v${r}`
    } * ${size} + base;`,
  ];
  for (let chunk = Math.floor(-pad / 4); chunk * 4 < end; chunk++) {
    const wanted = span(4).filter((q) => chunk * 4 + q >= -pad && chunk * 4 + q < end);
    const outer = chunk < 0
      ? `base >= ${-chunk * 4}`
      : chunk * 4 >= inner
      ? `base + ${chunk * 4} < ${size}`
      : "";
    const valid = [inside, outer].filter((test) => test !== "").join(" && ");
    const offset = outer ? `select(0, ${chunk * 4}, ${outer})` : `${chunk * 4}`;
    const vector = `X[u32(at${r} + ${offset}) / 4u]`;
    const guard = (zero: string, value: string): string =>
      valid ? `select(${zero}, ${value}, ${valid})` : value;
    const name = (q: number): string => `x${r}_${chunk * 4 + q + pad}`;
    // One component of a vector costs half the vector, so one alone is loaded as a scalar.
    if (wanted.length === 1) {
      const [q] = wanted;
      lines.push(`let ${name(q)} = ${guard("0.0", `${vector}.${LANES[q]}`)};`);
    } else {
      const whole = `q${r}_${chunk + 9}`;
      lines.push(`let ${whole} = ${guard("vec4f()", vector)};`);
      for (const q of wanted) lines.push(`let ${name(q)} = ${whole}.${LANES[q]};`);
    }
  }
  return lines;
}

/**
 * Depthwise 3 × 3, stride 1: each lane makes `high` rows × 4 · `quads` columns of one channel. The
 * nine taps of channel c are the texels (0..2, c).
 */
export function depthwise(row: ConvRow, high: number, quads: number): Kernel {
  const { size, channels } = row;
  const across = size / 4 / quads;
  const tiles = across * (size / high) * channels;
  const lines: string[] = [];
  for (const r of span(high + 2)) {
    const inside = `in${r}`;
    lines.push(
      `let v${r} = top + ${r - 1};`,
      `let ${inside} = v${r} >= 0 && v${r} < ${size};`,
      `let at${r} = (c * ${size}u + u32(select(0, v${r}, ${inside}))) * ${size / 4}u + left;`,
      `let l${r} = select(0.0, X[select(at${r}, at${r} - 1u, more)].w, more && ${inside});`,
      `let n${r} = select(0.0, X[select(at${r}, at${r} + ${quads}u, next)].x, next && ${inside});`,
      ...span(quads).map((i) => `let m${r}_${i} = select(vec4f(), X[at${r} + ${i}u], ${inside});`),
    );
    for (const i of span(quads)) {
      const before = i > 0 ? `m${r}_${i - 1}.w` : `l${r}`;
      const after = i < quads - 1 ? `m${r}_${i + 1}.x` : `n${r}`;
      lines.push(`let a${r}_${i} = vec4f(${before}, m${r}_${i}.xyz);`);
      lines.push(`let z${r}_${i} = vec4f(m${r}_${i}.yzw, ${after});`);
    }
  }
  const tap = (t: number): string => `vec4f(w${t >> 2}.${LANES[t & 3]})`;
  for (const r of span(high)) {
    for (const i of span(quads)) {
      lines.push(`var y${r}_${i} = vec4f();`);
      for (const ky of span(3)) {
        for (const [kx, name] of ["a", "m", "z"].entries()) {
          lines.push(fma(`y${r}_${i}`, `${name}${r + ky}_${i}`, tap(ky * 3 + kx)));
        }
      }
      const at = `(c * ${size}u + u32(top + ${r})) * ${size / 4}u + left + ${i}u`;
      lines.push(`Y[${at}] = y${r}_${i};`);
    }
  }
  return {
    code: kernel(
      64,
      `  if (g.x >= ${tiles}u) { return; }
  let c = g.x / ${tiles / channels}u;
  let tile = g.x % ${tiles / channels}u;
  let top = i32(tile / ${across}u * ${high}u);
  let left = tile % ${across}u * ${quads}u;
  let more = left > 0u;
  let next = left + ${quads}u < ${size / 4}u;
  ${span(3).map((t) => `let w${t} = textureLoad(W, vec2u(${t}u, c));`).join("\n  ")}
  ${lines.join("\n  ")}`,
    ),
    groups: [Math.ceil(tiles / 64), 1, 1],
  };
}
