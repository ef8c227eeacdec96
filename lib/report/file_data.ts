/**
 * A model file's own operators as plain data, the same as a graph's: so that files with operators
 * that have no meaning here can be looked at too.
 * @module
 */
import type { ListedOperator, ListedVariable } from "../mge/listing.ts";
import { familyOf } from "./family.ts";
import {
  type AttrData,
  type GraphData,
  type NodeData,
  type OperandData,
  scoped,
} from "./graph_data.ts";

/** The data of a file's operators, in the order of the file. */
export function fileData(listing: readonly ListedOperator[]): GraphData {
  const made = new Map<number, OperandData>();
  const nodes: NodeData[] = [];
  const ends: NodeData[] = [];
  for (const operator of listing) {
    const ins = operator.inputs.map((id, i) => ({
      ...(made.get(id) ?? { value: `variable ${id}` }),
      name: `input ${i}`,
    }));
    const { outputs } = operator;
    // Each tensor that a file holds is a node of its own, even where one operator holds many.
    const groups = operator.role === "values" ? outputs.map((output) => [output]) : [outputs];
    for (const group of groups) {
      const [first] = group;
      const alone = group.length === 1 && isNumber(operator, first);
      group.forEach(({ id, value, results }, out) => {
        made.set(id, alone ? { name: "", value } : { name: "", from: nodes.length, out });
        for (const name of results) ends.push(resultData(name, group[out], made.get(id)!));
      });
      if (!alone) nodes.push(nodeData(operator, group, ins));
    }
  }
  return { nodes: scoped([...nodes, ...ends]) };
}

/** A single number without a name of its own is part of what reads it. */
function isNumber({ role, type }: ListedOperator, variable: ListedVariable): boolean {
  const { value, shape, results } = variable;
  const single = value !== undefined && shape?.every((extent) => extent === 1);
  return role === "values" && type === "ImmutableTensor" && !!single && results.length === 0;
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

function resultData(name: string, variable: ListedVariable, from: OperandData): NodeData {
  return {
    role: "result",
    op: "result",
    family: "result",
    name,
    types: [typeText(variable)],
    attrs: [],
    ins: [{ ...from, name: "value" }],
  };
}

/** What the file says of a type; V1 says nothing of what operators make. */
function typeText({ dtype, shape }: ListedVariable): string {
  return dtype === undefined && shape === undefined ? "" : `${dtype ?? ""}[${shape ?? "?"}]`;
}
