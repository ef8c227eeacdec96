/**
 * Keys of terms: texts that are equal for terms that are written alike.
 * @module
 */
import type { Scalar } from "./scalar.ts";

/**
 * A text that is equal for equal atoms. A shared part is hashed once, so that the key of a term is
 * short however often its parts repeat; two hashes of 32 bits keep different atoms apart.
 */
export function keyOf(atom: Scalar): string {
  if (atom.kind === "axis") return `@${atom.axis}`;
  const memo = new Map<Scalar, string>();
  const digest = (part: Scalar): string => {
    const known = memo.get(part);
    if (known !== undefined) return known;
    const made = hashed(ownText(part, digest));
    memo.set(part, made);
    return made;
  };
  return `${atom.kind}${digest(atom)}`;
}

function ownText(part: Scalar, of: (part: Scalar) => string): string {
  switch (part.kind) {
    case "axis":
      return `@${part.axis}`;
    case "lit":
      return `${part.type}${Object.is(part.value, -0) ? "-0" : part.value}`;
    case "load":
      return `l${part.operand}[${of(part.index)}]${
        part.valid ? `?${of(part.valid)}:${part.fill}` : ""
      }`;
    case "call":
      return `${part.fn}:${part.type}(${part.args.map(of).join(",")})`;
    case "arg":
    case "acc":
      return `${part.kind}${part.index}`;
    default:
      throw new TypeError(`internal: unknown term ${part satisfies never}`);
  }
}

/** FNV-1a and its like over the same text. */
function hashed(text: string): string {
  let a = 0x811c9dc5, b = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ text.charCodeAt(i), 0x85ebca6b);
    b ^= b >>> 13;
  }
  return (a >>> 0).toString(36) + "." + (b >>> 0).toString(36);
}
