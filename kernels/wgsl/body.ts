/**
 * Terms as functions of a text: a prologue or an epilogue is declared once, for one value or four,
 * and called where the template has the values.
 * @module
 */
import type { Call, Scalar } from "../../lib/core/scalar.ts";
import type { Module, Width } from "./kernel.ts";
import { callText, litText, typeText } from "./prim.ts";
import { leavesOf } from "./strides.ts";

/** Declares a function of a term's accumulators and axes, in the order of `leavesOf`. */
export function declareBody(module: Module, name: string, body: Scalar, width: Width): void {
  const { axes, accs } = leavesOf(body);
  const takes = [
    ...[...accs].map(([i, leaf]) => `acc${i}: ${typeText(leaf.type, width)}`),
    ...axes.map((axis) => `axis${axis}: ${typeText("i32", width)}`),
  ];
  const lines: string[] = [];
  const value = termText(module, body, width, lines, new Map());
  module.declare([
    `fn ${name}(${takes.join(", ")}) -> ${typeText(body.type, width)} {`,
    ...lines.map((line) => `  ${line}`),
    `  return ${value};`,
    `}`,
  ].join("\n"));
}

/** The text of a term; each call is given a name, so that what is shared is computed once. */
function termText(
  module: Module,
  term: Scalar,
  width: Width,
  lines: string[],
  known: Map<Scalar, string>,
): string {
  const before = known.get(term);
  if (before) return before;
  const say = (part: Scalar) => termText(module, part, width, lines, known);
  const named = (text: string) => {
    const name = module.name();
    lines.push(`let ${name} = ${text};`);
    return name;
  };
  let text: string;
  switch (term.kind) {
    case "lit":
      text = litText(term, module.helper);
      if (width === 4) text = `${typeText(term.type, 4)}(${text})`;
      break;
    case "acc":
      text = `acc${term.index}`;
      break;
    case "axis":
      text = `axis${term.axis}`;
      break;
    case "load": {
      // Only bodies for one value load; reading outside a binding is harmless, so a guard chooses.
      const value = module.load(term.operand, say(term.index));
      const fill = litText({ kind: "lit", type: term.type, value: term.fill ?? 0 }, module.helper);
      text = named(term.valid ? `select(${fill}, ${value}, ${say(term.valid)})` : value);
      break;
    }
    case "call":
      text = named(callText(term as Call, term.args.map(say), width, module.helper));
      break;
    case "arg":
      throw new TypeError("internal: an operand of an operation in a form");
    default:
      throw new TypeError(`internal: unknown term ${term satisfies never}`);
  }
  known.set(term, text);
  return text;
}
