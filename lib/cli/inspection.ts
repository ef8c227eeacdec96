/**
 * What `inspect` says of a model, as the document that `--json` gives.
 * @module
 */
import { type Graph, orderOf, resultsOf, rootsOf } from "../core/graph.ts";
import { bytesOf, sizeOf, type Type } from "../core/type.ts";
import type { Described, Parameter } from "../mge/describe.ts";
import type { Model } from "../trace/load.ts";
import type { ModuleModel } from "./module_model.ts";

/** A description; its keys stay, further ones may come. */
export interface Inspection {
  /** `V0`, `V1` or `V2` for files, `module` for a module. */
  readonly format: string;
  readonly inputs: readonly Described[];
  readonly outputs: readonly Described[];
  readonly params: readonly Parameter[];
  /** How often each operator occurs, by name. */
  readonly operators: Readonly<Record<string, number>>;
  /** What the file says about itself; null for a module. */
  readonly metadata: Readonly<Record<string, unknown>> | null;
  /** The embedded cases with the types of their values. */
  readonly testcases: readonly { readonly name: string; readonly inputs: readonly Described[] }[];
  /** Bytes of the file, unpacked; for a module those of its parameters. */
  readonly bytes: number;
  /** Why the model cannot run here; null if it can. */
  readonly refusal: string | null;
}

/** The description of a model file. */
export function describeFile(model: Model): Inspection {
  const { format, inputs, outputs, params, operators, metadata, testcases, bytes } = model;
  return {
    format,
    inputs: inputs.map(described),
    outputs: outputs.map(described),
    params,
    operators,
    metadata: plainJson(metadata) as Record<string, unknown>,
    testcases: testcases.map(({ values }, i) => ({
      name: String(i),
      inputs: Object.entries(values).map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    })),
    bytes,
    refusal: model.refusal?.message ?? null,
  };
}

/** The description of a module's model, by its graph. */
export function describeModule(module: ModuleModel, graph: Graph): Inspection {
  const nodes = orderOf(rootsOf(graph));
  const operators: Record<string, number> = {};
  for (const { op, data } of nodes) {
    if (data === undefined && op.name !== "arg") operators[op.name] = (operators[op.name] ?? 0) + 1;
  }
  const params = nodes
    .filter(({ data, outs }) => data !== undefined && sizeOf(outs[0].shape) > 1)
    .map(({ name, outs: [type] }, i) => ({ name: name ?? `const${i}`, ...sized(type) }));
  return {
    format: "module",
    inputs: module.inputs.map(described),
    outputs: resultsOf(graph).map(({ dtype, shape }, i) => ({
      name: graph.names[i] || `output${i}`,
      dtype,
      shape,
    })),
    params,
    operators: Object.fromEntries(Object.entries(operators).sort(([a], [b]) => a < b ? -1 : 1)),
    metadata: null,
    testcases: [],
    bytes: params.reduce((n, p) => n + p.bytes, 0),
    refusal: null,
  };
}

/** A value as JSON can hold it: bytes as base64, integers beyond 2^53 as decimal text. */
export function plainJson(value: unknown): unknown {
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  if (value instanceof Uint8Array) return { base64: value.toBase64() };
  if (Array.isArray(value)) return value.map(plainJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plainJson(v)]));
}

function described({ name, dtype, shape }: Described): Described {
  return { name, ...(dtype ? { dtype } : {}), ...(shape ? { shape } : {}) };
}

function sized({ dtype, shape }: Type): Omit<Parameter, "name"> {
  return { dtype, shape, bytes: bytesOf({ dtype, shape }) };
}
