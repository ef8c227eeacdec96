/**
 * How the elements of each dtype lie in storage buffers and are read and written. Narrow dtypes are
 * packed into 32-bit words; four at once are whole words, one alone is written by atomics, for
 * neighbours in its word belong to other invocations.
 * @module
 */
import type { DType } from "../../lib/core/type.ts";

/** The ways to reach a binding: one element, or four from an address divisible by 4. */
export type Access = "load1" | "load4" | "store1" | "store4";

/** The view of one binding, which grows with the accesses asked for. */
export interface Accessors {
  /** The name of the accessor function. */
  of(what: Access): string;
  /** The declaration of the binding and of the accessors used. */
  text(): string;
}

/**
 * Texels of a row of an image. An image is an `rgba32float` texture that holds an f32 operand in
 * order, four elements a texel, rows one after another; a software adapter reads it twice as fast.
 */
export const imageWidth = 1024;

/** The accessors of a binding with elements of a dtype. */
export function accessors(dtype: DType, binding: number, isImage: boolean = false): Accessors {
  if (isImage) return imageAccessors(dtype, binding);
  const used = new Set<Access>();
  const b = `b${binding}`;
  const name = (what: Access) => `${what.replace(/\d/, "")}${binding}_${what.slice(-1)}`;
  const isNarrow = dtype !== "f32" && dtype !== "i32";
  return {
    of(what) {
      used.add(what);
      return name(what);
    },
    text() {
      const isAtomic = isNarrow && used.has("store1");
      const isWide = !isAtomic && (used.has("load4") || used.has("store4"));
      const element = isAtomic ? "atomic<u32>" : elementOf(dtype, isWide);
      const lines = [
        `@group(0) @binding(${binding}) var<storage, read_write> ${b}: array<${element}>;`,
      ];
      for (const what of ["load1", "load4", "store1", "store4"] as const) {
        if (!used.has(what)) continue;
        const kind = kindOf(dtype);
        const type = what.endsWith("4") ? `vec4<${kind}>` : kind;
        lines.push(
          what.startsWith("load")
            ? `fn ${name(what)}(i: i32) -> ${type} { ${loading(dtype, what, b, isWide)} }`
            : `fn ${name(what)}(i: i32, v: ${type}) { ${
              storing(dtype, what, b, isWide, isAtomic)
            } }`,
        );
      }
      return lines.join("\n");
    },
  };
}

function imageAccessors(dtype: DType, binding: number): Accessors {
  if (dtype !== "f32") throw new TypeError(`internal: an image of ${dtype}`);
  const used = new Set<Access>();
  const b = `b${binding}`;
  const at = `vec2<i32>((i >> 2u) & ${imageWidth - 1}, i >> ${2 + Math.log2(imageWidth)}u)`;
  const name = (what: Access) => `${what.slice(0, -1)}${binding}_${what.slice(-1)}`;
  const texts: Partial<Record<Access, string>> = {
    load1: `fn ${name("load1")}(i: i32) -> f32 { return textureLoad(${b}, ${at})[i & 3]; }`,
    load4: `fn ${name("load4")}(i: i32) -> vec4<f32> { return textureLoad(${b}, ${at}); }`,
  };
  return {
    of(what) {
      if (!texts[what]) throw new TypeError(`internal: ${what} of an image`);
      used.add(what);
      return name(what);
    },
    text: () =>
      [
        `@group(0) @binding(${binding}) var ${b}: texture_storage_2d<rgba32float, read>;`,
        ...(["load1", "load4"] as const).filter((what) => used.has(what)).map((w) => texts[w]),
      ].join("\n"),
  };
}

function kindOf(dtype: DType): string {
  return dtype === "f32" || dtype === "f16" ? "f32" : dtype === "bool" ? "bool" : "i32";
}

function elementOf(dtype: DType, isWide: boolean): string {
  switch (dtype) {
    case "f32":
    case "i32":
      return isWide ? `vec4<${dtype}>` : dtype;
    case "f16":
    case "i16":
    case "u16":
      return isWide ? "vec2<u32>" : "u32";
    case "i8":
    case "u8":
    case "bool":
      return "u32";
    default:
      throw new TypeError(`internal: unknown dtype ${dtype satisfies never}`);
  }
}

function loading(dtype: DType, what: Access, b: string, isWide: boolean): string {
  const four = what === "load4";
  switch (dtype) {
    case "f32":
    case "i32":
      return four ? `return ${b}[i >> 2u];` : `return ${b}${isWide ? "[i >> 2u][i & 3]" : "[i]"};`;
    case "f16":
    case "i16":
    case "u16": {
      const word = isWide ? `${b}[i >> 2u][(i >> 1u) & 1]` : `${b}[i >> 1u]`;
      if (dtype === "f16") {
        return four
          ? `let w = ${b}[i >> 2u]; return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));`
          : `return unpack2x16float(${word})[i & 1];`;
      }
      const shifts = "vec4<u32>(16u, 0u, 16u, 0u)";
      const last = dtype === "i16"
        ? (x: string, t: string) => `${t}(${x}) >> ${t === "i32" ? "16u" : "vec4<u32>(16u)"}`
        : (x: string, t: string) => `${t}(${x} >> ${t === "i32" ? "16u" : "vec4<u32>(16u)"})`;
      return four
        ? `let w = ${b}[i >> 2u]; return ${last(`(w.xxyy << ${shifts})`, "vec4<i32>")};`
        : `return ${last(`(${word} << (16u - 16u * u32(i & 1)))`, "i32")};`;
    }
    case "i8":
    case "u8":
    case "bool": {
      if (four) {
        const bytes = `(vec4<u32>(${b}[i >> 2u]) << vec4<u32>(24u, 16u, 8u, 0u))`;
        if (dtype === "i8") return `return vec4<i32>${bytes} >> vec4<u32>(24u);`;
        if (dtype === "u8") return `return vec4<i32>(${bytes} >> vec4<u32>(24u));`;
        return `return (${bytes} >> vec4<u32>(24u)) != vec4<u32>(0u);`;
      }
      const byte = `(${b}[i >> 2u] << (24u - 8u * u32(i & 3)))`;
      if (dtype === "i8") return `return i32${byte} >> 24u;`;
      if (dtype === "u8") return `return i32(${byte} >> 24u);`;
      return `return (${byte} >> 24u) != 0u;`;
    }
    default:
      throw new TypeError(`internal: unknown dtype ${dtype satisfies never}`);
  }
}

function storing(
  dtype: DType,
  what: Access,
  b: string,
  isWide: boolean,
  isAtomic: boolean,
): string {
  if (dtype === "f32" || dtype === "i32") {
    return what === "store4"
      ? `${b}[i >> 2u] = v;`
      : isWide
      ? `${b}[i >> 2u][i & 3] = v;`
      : `${b}[i] = v;`;
  }
  const bits = dtype === "f16" || dtype === "i16" || dtype === "u16" ? 16 : 8;
  if (what === "store4") {
    const words = bits === 8
      ? [dtype === "bool" ? packed8("select(vec4<u32>(0u), vec4<u32>(1u), v)") : packed8(masked(8))]
      : dtype === "f16"
      ? ["pack2x16float(v.xy)", "pack2x16float(v.zw)"]
      : ["u.x | (u.y << 16u)", "u.z | (u.w << 16u)"];
    const first = dtype === "f16" || bits === 8 ? "" : `let u = ${masked(16)}; `;
    if (isAtomic) {
      const shift = bits === 8 ? "2u" : "1u";
      const at = (k: number) => `&${b}[(i >> ${shift})${k ? ` + ${k}` : ""}]`;
      return first + words.map((w, k) => `atomicStore(${at(k)}, ${w});`).join(" ");
    }
    return `${first}${b}[i >> 2u] = ${bits === 8 ? words[0] : `vec2<u32>(${words.join(", ")})`};`;
  }
  const mask = bits === 8 ? "255u" : "65535u";
  const value = dtype === "bool"
    ? "select(0u, 1u, v)"
    : dtype === "f16"
    ? "pack2x16float(vec2<f32>(v, 0.0))"
    : `(u32(v) & ${mask})`;
  const [word, by] = bits === 8 ? ["i >> 2u", "8u * u32(i & 3)"] : ["i >> 1u", "16u * u32(i & 1)"];
  return `let s = ${by}; let w = ${value} << s; ` +
    `atomicAnd(&${b}[${word}], ~(${mask} << s)); atomicOr(&${b}[${word}], w);`;
}

function masked(bits: 8 | 16): string {
  return `vec4<u32>(v) & vec4<u32>(${2 ** bits - 1}u)`;
}

function packed8(u: string): string {
  return `dot((${u}) << vec4<u32>(0u, 8u, 16u, 24u), vec4<u32>(1u))`;
}
