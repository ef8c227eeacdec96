import type { Scalar } from "../../lib/core/scalar.ts";
/** TEMPORARY shim. */
export function expressionOf(t: Scalar, leaf: (t: Scalar) => string): string {
  if (t.kind === "lit") {
    return t.type === "f32" ? `f32(${t.value})` : t.type === "i32" ? `${t.value}i` : t.type === "u32" ? `${t.value}u` : t.value ? "true" : "false";
  }
  if (t.kind !== "call") return leaf(t);
  const a = t.args.map((x) => expressionOf(x, leaf));
  const infix: Record<string, string> = { add: "+", sub: "-", mul: "*", div: "/", rem: "%", lt: "<", le: "<=", eq: "==", and: "&&", or: "||" };
  if (infix[t.fn]) return `(${a[0]} ${infix[t.fn]} ${a[1]})`;
  if (t.fn === "select") return `select(${a[2]}, ${a[1]}, ${a[0]})`;
  if (t.fn === "not") return `!(${a[0]})`;
  if (t.fn === "toF32") return `f32(${a[0]})`;
  if (t.fn === "roundF16") return `unpack2x16float(pack2x16float(vec2f(${a[0]}, 0.0))).x`;
  return `${t.fn}(${a.join(", ")})`;
}
