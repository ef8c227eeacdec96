/**
 * Finishing a contraction's text: declarations of bindings and parameters, and the functions that
 * read and write one element or four of each dtype.
 * @module
 */
import { kindOf } from "../../lib/core/scalar.ts";
import type { DType } from "../../lib/core/type.ts";
import type { Sheet } from "./operand.ts";

/** Texels of a row of an image: element i of a value is at texel i/4, which wraps after so many. */
export const imageWidth = 1024;

/** True if a result of this dtype can be written in quads, or also element by element. */
export function writes(dtype: DType, what: "quad" | "element"): boolean {
  return dtype === "f32" || dtype === "i32" || (dtype === "f16" && what === "quad");
}

/** The whole text: declarations, functions, and the entry point with this body. */
export function finish(sheet: Sheet, workgroup: string, body: readonly string[]): string {
  const lines: string[] = [];
  const { ins, outs } = sheet;
  if (sheet.params.size) {
    const fields = [...sheet.params.keys()].map((name) => `  ${name}: i32,`);
    lines.push("struct Params {", ...fields, "}");
  } else lines.push("struct Params { none: i32 }");
  ins.forEach((type, i) => lines.push(declared(sheet, `in${i}`, type.dtype, i)));
  outs.forEach((type, i) => lines.push(declared(sheet, `out${i}`, type.dtype, ins.length + i)));
  lines.push(`@group(0) @binding(${ins.length + outs.length}) var<uniform> p: Params;`);
  ins.forEach((type, i) => {
    if (sheet.used.has(`element${i}`)) lines.push(readElement(sheet, i, type.dtype));
    if (sheet.used.has(`quad${i}`)) lines.push(readQuad(sheet, i, type.dtype));
  });
  outs.forEach((type, i) => {
    if (sheet.used.has(`put_element${i}`)) lines.push(writeElement(sheet, i, type.dtype));
    if (sheet.used.has(`put_quad${i}`)) lines.push(writeQuad(i, type.dtype));
  });
  lines.push(...sheet.functions);
  lines.push(`@compute @workgroup_size(${workgroup})`, "fn main(");
  lines.push("  @builtin(global_invocation_id) gid: vec3<u32>,");
  lines.push("  @builtin(local_invocation_index) lid: u32,");
  lines.push("  @builtin(workgroup_id) wid: vec3<u32>,", ") {");
  let depth = 1;
  for (const line of body) {
    if (line.startsWith("}")) depth--;
    lines.push("  ".repeat(depth) + line);
    if (line.endsWith("{")) depth++;
  }
  lines.push("}", "");
  return lines.join("\n");
}

function declared(sheet: Sheet, name: string, dtype: DType, binding: number): string {
  const at = `@group(0) @binding(${binding})`;
  if (name.startsWith("in") && sheet.images.has(binding)) {
    return `${at} var ${name}: texture_storage_2d<rgba32float, read>;`;
  }
  const wide = sheet.wide.has(name);
  const item = dtype === "f32" || dtype === "i32"
    ? wide ? `vec4<${dtype}>` : dtype
    : wide
    ? "vec2<u32>"
    : "u32";
  return `${at} var<storage, read_write> ${name}: array<${item}>;`;
}

function readElement(sheet: Sheet, i: number, dtype: DType): string {
  const wide = sheet.wide.has(`in${i}`);
  const head = `fn element${i}(i: i32) -> ${kindOf(dtype)} {\n  `;
  if (sheet.images.has(i)) return `${head}return ${texel(i, "i >> 2u")}[i & 3];\n}`;
  switch (dtype) {
    case "f32":
    case "i32":
      return head + (wide ? `return in${i}[i >> 2u][i & 3];\n}` : `return in${i}[i];\n}`);
    case "f16": {
      const word = wide ? `in${i}[i >> 2u][(i >> 1u) & 1]` : `in${i}[i >> 1u]`;
      return `${head}return unpack2x16float(${word})[i & 1];\n}`;
    }
    case "i8":
    case "u8":
    case "bool":
      return head + narrowed(`in${i}[i >> 2u]`, "(i & 3)", 8, dtype);
    case "i16":
    case "u16":
      return head + narrowed(`in${i}[i >> 1u]`, "(i & 1)", 16, dtype);
    default:
      throw new TypeError(`internal: unknown dtype ${dtype satisfies never}`);
  }
}

function narrowed(word: string, place: string, bits: number, dtype: DType): string {
  const left = `bitcast<i32>(${word} << u32(${32 - bits} - ${bits} * ${place}))`;
  if (dtype === "i8" || dtype === "i16") return `return ${left} >> ${32 - bits}u;\n}`;
  const right = `(${word} >> u32(${bits} * ${place})) & ${2 ** bits - 1}u`;
  return dtype === "bool" ? `return (${right}) != 0u;\n}` : `return i32(${right});\n}`;
}

function texel(i: number, at: string): string {
  const shift = Math.log2(imageWidth);
  return `textureLoad(in${i}, vec2<i32>((${at}) & ${imageWidth - 1}, (${at}) >> ${shift}u))`;
}

function readQuad(sheet: Sheet, i: number, dtype: DType): string {
  const head = `fn quad${i}(i: i32) -> vec4<${kindOf(dtype)}> {\n  `;
  if (sheet.images.has(i)) return `${head}return ${texel(i, "i")};\n}`;
  if (dtype !== "f16") return `${head}return in${i}[i];\n}`;
  return `${head}let word = in${i}[i];\n` +
    "  return vec4<f32>(unpack2x16float(word.x), unpack2x16float(word.y));\n}";
}

function writeElement(sheet: Sheet, i: number, dtype: DType): string {
  const place = sheet.wide.has(`out${i}`) ? `out${i}[i >> 2u][i & 3]` : `out${i}[i]`;
  return `fn put_element${i}(i: i32, x: ${kindOf(dtype)}) {\n  ${place} = x;\n}`;
}

function writeQuad(i: number, dtype: DType): string {
  const value = dtype === "f16" ? "vec2<u32>(pack2x16float(x.xy), pack2x16float(x.zw))" : "x";
  return `fn put_quad${i}(i: i32, x: vec4<${kindOf(dtype)}>) {\n  out${i}[i] = ${value};\n}`;
}
