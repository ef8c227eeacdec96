/**
 * Operator tables of V1 and V2, from the plain data of `model.ts` to npm:flatbuffers' Builder. What
 * no reader could take is refused here.
 * @module
 */
import type { Builder } from "flatbuffers";
import { FormatError } from "../core/fault.ts";
import type { OprSlots } from "./decode.ts";
import { isFormatted, isHolder, isShared } from "./ids.ts";
import type { FileLayoutFormat, FileModel, FileOpr, FileTensor } from "./model.ts";
import { writeParam } from "./param_tables.ts";
import { dtypeNumber, tensorBytes } from "./schema.ts";
import {
  bytesVector,
  offsetVector,
  refuse,
  type Tables,
  u32Vector,
  writeCompNode,
  writeDType,
} from "./shared_tables.ts";

/** Fields of an Operator table that only one version has, each as a function that adds it. */
export type OprExtra = readonly ((builder: Builder) => void)[];

/** Checks what both versions need: ids in order, shapes in range, values of the stated size. */
export function checkModel(model: FileModel): void {
  let nextId = 0;
  for (const opr of model.oprs) {
    const early = opr.inputs.find((id) => !(id < nextId));
    if (early !== undefined) throw refuse(opr, `it reads variable ${early} before it is made`);
    for (const output of opr.outputs) {
      if (output.id !== nextId++) {
        throw refuse(opr, `it makes variable ${output.id}, but ${nextId - 1} is next`);
      }
    }
    for (const tensor of opr.tensors) checkTensor(opr, tensor);
  }
  const bad = model.outputs.find((output) => output.compact >= nextId);
  if (bad !== undefined || model.outputs.length === 0) {
    throw new FormatError(
      bad === undefined
        ? "Cannot write a model without outputs: state at least one"
        : `Cannot write a model: its output ${bad.compact} is none of its ${nextId} variables`,
      { code: "format.write" },
    );
  }
}

/** Writes an Operator table; returns where it is. */
export function writeOpr(
  tables: Tables,
  opr: FileOpr,
  slots: OprSlots,
  tensors: readonly number[],
  blobs: readonly Uint8Array[],
  extra: OprExtra,
): number {
  const { builder } = tables;
  const params = opr.params.map((param) => writeParam(tables, opr, param));
  const name = opr.name === undefined ? 0 : builder.createString(opr.name);
  const rest = params.slice(1);
  const types = rest.length === 0 ? 0 : bytesVector(builder, rest.map((param) => param.id));
  const values = rest.length === 0 ? 0 : offsetVector(builder, rest.map((param) => param.at));
  const inputs = opr.inputs.length === 0 ? 0 : u32Vector(builder, opr.inputs);
  const nodes = opr.compNodes.map((node) => writeCompNode(tables, node));
  const compNodes = nodes.length === 0 ? 0 : offsetVector(builder, nodes);
  const dtype = opr.outputDtype === undefined ? 0 : writeDType(tables, opr.outputDtype);
  const tensorsAt = tensors.length === 0 ? 0 : offsetVector(builder, tensors);
  const blobsAt = blobs.length === 0 ? 0 : offsetVector(
    builder,
    blobs.map((blob) => {
      const data = bytesVector(builder, blob);
      builder.startObject(1);
      builder.addFieldOffset(0, data, 0);
      return builder.endObject();
    }),
  );
  builder.startObject(15);
  for (const add of extra) add(builder);
  if (params.length > 0) {
    builder.addFieldOffset(slots.param + 1, params[0].at, 0);
    builder.addFieldInt8(slots.param, params[0].id, 0);
  }
  builder.addFieldOffset(slots.extra, types, 0);
  builder.addFieldOffset(slots.extra + 1, values, 0);
  builder.addFieldOffset(slots.name, name, 0);
  builder.addFieldOffset(slots.inputs, inputs, 0);
  builder.addFieldOffset(slots.compNode, compNodes, 0);
  builder.addFieldOffset(slots.outputDtype, dtype, 0);
  builder.addFieldOffset(slots.tensors, tensorsAt, 0);
  builder.addFieldOffset(slots.blobs, blobsAt, 0);
  builder.addFieldInt32(slots.priority, opr.priority ?? 0, 0);
  return builder.endObject();
}

/** Blobs of an operator in V1, where holders state their size and formats stand apart. */
export function blobsOfV1(opr: FileOpr): readonly Uint8Array[] {
  const count = Uint8Array.from([0, 8, 16, 24], (shift) => opr.tensors.length >>> shift);
  const formats = isFormatted(opr.type)
    ? opr.tensors.map((tensor) => formatBlob(tensor.format))
    : [];
  return [...(isHolder(opr.type) ? [count] : []), ...formats, ...opr.blobs];
}

function formatBlob(format: FileLayoutFormat | undefined): Uint8Array {
  if (format === undefined) return Uint8Array.of(0, 0, 0, 0);
  return format.kind === "image2d"
    ? Uint8Array.of(1, 0, 0, 0, format.alignAxis)
    : Uint8Array.of(2, 0, 0, 0, format.sizeNbits, format.alignSizeInBits);
}

function checkTensor(opr: FileOpr, { shape, dtype, format, value }: FileTensor): void {
  if (shape.length < 1 || shape.length > 7) {
    throw refuse(opr, `its tensor has rank ${shape.length}, the format has 1 to 7`);
  }
  const bad = shape.find((extent) => !(Number.isInteger(extent) && extent >>> 0 === extent));
  if (bad !== undefined) throw refuse(opr, `its tensor has the extent ${bad}, no 32-bit number`);
  if (dtypeNumber(dtype.name) < 0) throw refuse(opr, `the format has no dtype ${dtype.name}`);
  const dense = tensorBytes(dtype, shape);
  if (value !== undefined && format === undefined && value.bytes !== dense) {
    throw refuse(
      opr,
      `${dtype.name}[${shape}] has ${dense} bytes, but its value has ${value.bytes}`,
    );
  }
  if (value === undefined && isShared(opr.type)) throw refuse(opr, "its tensor has no value");
}
