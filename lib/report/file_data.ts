/**
 * A model file's own operators as plain data, the same as a graph's: so that files with operators
 * that have no meaning here can be looked at too.
 * @module
 */
import type { ListedOperator, ListedVariable, Listing } from "../mge/listing.ts";
import { familyOf } from "./family.ts";
import {
  type AttrData,
  type GraphData,
  type NodeData,
  type OperandData,
  scoped,
} from "./graph_data.ts";

/** The data of a file's operators, in the order of the file. */
export function fileData({ operators, outputs }: Listing): GraphData {
  const made = new Map<number, Omit<OperandData, "name">>();
  const nodes: NodeData[] = [];
  const operand = (id: number, name: string): OperandData => ({
    ...(made.get(id) ?? { value: `variable ${id}` }),
    name,
  });
  const results = new Set(outputs.map(({ id }) => id));
  const types = new Map<number, string>();
  for (const operator of operators) {
    const ins = operator.inputs.map((id, i) => operand(id, `input ${i}`));
    // Each tensor that a file holds is a node of its own, even where one operator holds many.
    const outs = operator.outputs;
    const groups = operator.role === "values" ? outs.map((one) => [one]) : [outs];
    for (const group of groups) {
      const [first] = group;
      const alone = group.length === 1 && isNumber(operator, first) && !results.has(first.id);
      group.forEach((variable, out) => {
        const { id, value } = variable;
        made.set(id, alone ? { value } : { from: nodes.length, out });
        types.set(id, typeText(variable));
      });
      if (!alone) nodes.push(nodeData(operator, group, ins));
    }
  }
  const ends = outputs.map(({ id, name }) => resultData(name, types.get(id), operand(id, "value")));
  return { nodes: scoped([...nodes, ...ends]) };
}

/** A single number without a name of its own is part of what reads it. */
function isNumber({ type }: ListedOperator, { value, shape }: ListedVariable): boolean {
  const single = value !== undefined && shape?.every((extent) => extent === 1);
  return type === "ImmutableTensor" && !!single;
}

function nodeData(
  operator: ListedOperator,
  outputs: readonly ListedVariable[],
  ins: readonly OperandData[],
): NodeData {
  const { type, fields, role } = operator;
  const mode = /^(Elemwise|Reduce)/.test(type)
    ? fields.find(({ name }) => name === "mode")
    : undefined;
  const op = mode ? `${type} ${mode.value}` : type;
  const name = outputs[0]?.name ?? operator.name;
  const bytes = outputs.reduce((n, output) => n + (output.bytes ?? 0), 0);
  const value = outputs[0]?.value;
  const attrs = fields.map((field): AttrData => ({
    name: field.name,
    value: field.value,
    notable: !field.usual && field !== mode && role === "operator",
  }));
  const as = role === "input" ? "argument" : role === "values" ? "constant" : "operation";
  return {
    role: as,
    op,
    family: as === "operation" ? familyOf(op) : as,
    ...(name === undefined ? {} : { name }),
    types: outputs.map(typeText),
    ...(bytes > 0 ? { bytes } : {}),
    attrs,
    ...(value === undefined ? {} : { value }),
    ins,
  };
}

function resultData(name: string, type: string | undefined, from: OperandData): NodeData {
  return {
    ...{ role: "result", op: "result", family: "result", name } as const,
    ...{ types: [type ?? ""], attrs: [], ins: [from] },
  };
}

/** What the file says of a type; V1 says nothing of what operators make. */
function typeText({ dtype, shape }: ListedVariable): string {
  return dtype === undefined && shape === undefined ? "" : `${dtype ?? ""}[${shape ?? "?"}]`;
}
