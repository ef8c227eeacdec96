/**
 * Hand-written WGSL for single operations, shaped for the software adapter: large register tiles,
 * no shared memory, weights read through read-only storage textures. There, a lane's texel load
 * costs half a vec4 load from a buffer and as much as a scalar one, so tiles are sized by loads.
 *
 * @module
 */
import type { LayernormRow, MapRow, MatmulRow, SoftmaxRow } from "./cases.ts";
import { fma, INPUT, kernel, LANES, OUTPUT, span, WEIGHTS } from "./raw_text.ts";
import type { Kernel } from "./raw_text.ts";

/** Each lane makes `rows` × `columns` of the product; the eight lanes lie along the columns. */
export function matmul(row: MatmulRow, rows: number, columns: number): Kernel {
  const vectors = columns / 4;
  const body: string[] = [];
  for (const q of span(4)) {
    for (const j of span(vectors)) {
      body.push(`let b${q}_${j} = textureLoad(W, vec2u(c + ${j}u, k * 4u + ${q}u));`);
    }
  }
  for (const i of span(rows)) {
    body.push(`let a${i} = X[(r + ${i}u) * ${row.k / 4}u + k];`);
    for (const j of span(vectors)) {
      for (const q of span(4)) {
        body.push(fma(`y${i}_${j}`, `vec4f(a${i}.${LANES[q]})`, `b${q}_${j}`));
      }
    }
  }
  const cells = span(rows).flatMap((i) => span(vectors).map((j) => [i, j]));
  return {
    code: kernel(
      8,
      `  let c = g.x * ${vectors}u;
  let r = g.y * ${rows}u;
  ${cells.map(([i, j]) => `var y${i}_${j} = vec4f();`).join(" ")}
  for (var k = 0u; k < ${row.k / 4}u; k++) {
    ${body.join("\n    ")}
  }
  ${
        cells.map(([i, j]) => `Y[(r + ${i}u) * ${row.n / 4}u + c + ${j}u] = y${i}_${j};`).join(
          "\n  ",
        )
      }`,
    ),
    groups: [row.n / columns / 8, row.m / rows, 1],
  };
}

/** Four vectors a lane, the group's lanes side by side; two grid axes as one is too short. */
export function map(row: MapRow): Kernel {
  const groups = row.output[0] / 4 / 1024;
  const wide = Math.min(groups, 32768);
  const at = (u: number): string => `i + ${u * 256}u`;
  return {
    code: INPUT + OUTPUT + `@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) w: vec3u, @builtin(local_invocation_index) l: u32) {
  let i = (w.x + w.y * ${wide}u) * 1024u + l;
  ${span(4).map((u) => `let x${u} = X[${at(u)}];`).join("\n  ")}
  ${
      span(4).map((u) =>
        `Y[${at(u)}] = max(x${u} * vec4f(${row.scale}) + vec4f(${row.shift}), vec4f());`
      ).join("\n  ")
    }
}`,
    groups: [wide, groups / wide, 1],
  };
}

/** One group of 32 lanes a row, the row in registers, lanes' results added by each in turn. */
export function softmax(row: SoftmaxRow): Kernel {
  const vectors = span(row.columns / 128);
  return {
    code: rowwise(
      row.columns,
      `  ${combine("m", reduce(vectors.map((i) => `x${i}`), "max"), "max")}
  ${vectors.map((i) => `let e${i} = exp(x${i} - vec4f(m));`).join("\n  ")}
  ${combine("t", reduce(vectors.map((i) => `e${i}`), "+"), "+")}
  ${vectors.map((i) => `Y[at + ${i * 32}u] = e${i} * vec4f(1.0 / t);`).join("\n  ")}`,
    ),
    groups: [row.rows, 1, 1],
  };
}

/** As `softmax`; gamma is row 0 of the weights, beta row 1. */
export function layernorm(row: LayernormRow): Kernel {
  const vectors = span(row.columns / 128);
  const texel = (i: number, y: number): string => `textureLoad(W, vec2u(l + ${i * 32}u, ${y}u))`;
  const squares = vectors.map((i) => `d${i} * d${i}`);
  return {
    code: WEIGHTS + rowwise(
      row.columns,
      `  ${combine("t", reduce(vectors.map((i) => `x${i}`), "+"), "+")}
  ${vectors.map((i) => `let d${i} = x${i} - vec4f(t / ${row.columns}.0);`).join("\n  ")}
  ${combine("v", reduce(squares, "+"), "+")}
  let q = vec4f(inverseSqrt(v / ${row.columns}.0 + ${row.epsilon}));
  ${
        vectors.map((i) => `Y[at + ${i * 32}u] = d${i} * q * ${texel(i, 0)} + ${texel(i, 1)};`)
          .join("\n  ")
      }`,
    ),
    groups: [row.rows, 1, 1],
  };
}

function rowwise(columns: number, body: string): string {
  return INPUT + OUTPUT + `var<workgroup> s_m: array<f32, 32>;
var<workgroup> s_t: array<f32, 32>;
var<workgroup> s_v: array<f32, 32>;
@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) w: vec3u, @builtin(local_invocation_index) l: u32) {
  let at = w.x * ${columns / 4}u + l;
  ${span(columns / 128).map((i) => `let x${i} = X[at + ${i * 32}u];`).join("\n  ")}
${body}
}`;
}

/** All lanes' values of `vector` in one scalar; straight-line code, as loops cost lane-wise loads. */
function combine(name: string, vector: string, op: "max" | "+"): string {
  const parts = span(4).map((q) => `${name}4.${LANES[q]}`);
  const shared = span(32).map((i) => `s_${name}[${i}]`);
  return `let ${name}4 = ${vector};
  s_${name}[l] = ${reduce(parts, op)};
  workgroupBarrier();
  let ${name} = ${reduce(shared, op)};`;
}

function reduce(values: readonly string[], op: "max" | "+"): string {
  return values.reduce((sum, value) => op === "+" ? `${sum} + ${value}` : `max(${sum}, ${value})`);
}
