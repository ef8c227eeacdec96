/**
 * Lays out V2: one flatbuffer whose tables come first and whose tensors follow, each reference
 * patched forward once the tables' size is known. MegEngine builds the same thing back to front
 * in memory.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { slotsV2 } from "./decode.ts";
import { operatorOf } from "./ids.ts";
import type { FileLayoutFormat, FileModel, FileOpr, FileTensor, FileValue } from "./model.ts";
import { type FileLayout, type FilePart, layoutOf } from "./parts.ts";
import {
  newTables,
  offsetVector,
  refuse,
  type Tables,
  u32Vector,
  writeCompNode,
  writeDType,
  writeMetadata,
} from "./shared_tables.ts";
import { checkModel, writeOpr } from "./tables.ts";

/** A value, and how far from the end of the tables the field stands that refers to it. */
interface Reference {
  readonly value: FileValue;
  readonly fromEnd: number;
}

const maxBytes = 2 ** 31 - 1;

/** The layout of a V2 model; refuses one that no flatbuffer can hold. */
export function layOutV2(model: FileModel): FileLayout {
  checkModel(model);
  const tables = newTables();
  const { builder } = tables;
  const references: Reference[] = [];
  const oprs = model.oprs.map((opr) => writeOprV2(tables, opr, model, references));
  const oprsAt = offsetVector(builder, oprs);
  const named = model.oprs.some((o) => o.outputs.some((output) => output.name !== undefined));
  const middle = named ? writeMiddle(tables, model) : 0;
  const outputs = offsetVector(
    builder,
    model.outputs.map(({ compact, original }) => {
      builder.startObject(2);
      builder.addFieldInt32(0, compact, 0);
      builder.addFieldInt32(1, original, 0);
      return builder.endObject();
    }),
  );
  const alias = offsetVector(
    builder,
    model.outputAlias.map(({ id, name }) => {
      const text = builder.createString(name);
      builder.startObject(2);
      builder.addFieldInt32(0, id, 0);
      builder.addFieldOffset(1, text, 0);
      return builder.endObject();
    }),
  );
  const metadata = model.metadata === undefined ? 0 : writeMetadata(tables, model.metadata, 3, 2);
  builder.startObject(8);
  builder.addFieldInt32(0, model.version, 0);
  builder.addFieldInt32(1, model.modelVersion ?? 2, 0);
  builder.addFieldOffset(2, oprsAt, 0);
  builder.addFieldOffset(3, middle, 0);
  builder.addFieldOffset(4, outputs, 0);
  builder.addFieldOffset(5, alias, 0);
  builder.addFieldInt32(6, model.sharedTensors, 0);
  builder.addFieldOffset(7, metadata, 0);
  builder.finish(builder.endObject(), "mgv2", true);
  return placeValues(builder.asUint8Array(), references);
}

/** Puts the values behind the tables, patches the references and the size. */
function placeValues(skeleton: Uint8Array, references: readonly Reference[]): FileLayout {
  const view = new DataView(skeleton.buffer, skeleton.byteOffset, skeleton.length);
  const parts: FilePart[] = [skeleton];
  let end = skeleton.length;
  for (const { value, fromEnd } of references) {
    // The length stands before the bytes; large ones start at a multiple of 64, small ones of 4.
    const align = value.bytes >= 64 ? 64 : 4;
    const data = Math.ceil((end + 4) / align) * align;
    const field = skeleton.length - fromEnd;
    const lead = new Uint8Array(data - end);
    new DataView(lead.buffer).setUint32(lead.length - 4, value.bytes, true);
    view.setUint32(field, data - 4 - field, true);
    parts.push(lead, value);
    end = data + value.bytes;
  }
  if (end > maxBytes) {
    throw new FormatError(
      `Cannot write a V2 file of ${end} bytes: a flatbuffer holds at most ${maxBytes}; ` +
        'dump with format "FBS" (V1), whose tensors stand outside',
      { code: "format.size", values: { bytes: end, maxBytes } },
    );
  }
  view.setUint32(0, end - 4, true);
  return layoutOf(parts, 0n);
}

function writeOprV2(
  tables: Tables,
  opr: FileOpr,
  model: FileModel,
  references: Reference[],
): number {
  const record = recordOf(opr, model);
  const late = opr.params.find(({ table }) => /^(Exponential|Multinomial)RNG$/.test(table));
  if (late !== undefined) throw refuse(opr, `V2 has no parameter table ${late.table}, use V1`);
  const { builder } = tables;
  const tensors = opr.tensors.map((tensor) => writeTensor(tables, tensor, references));
  const type = builder.createString(record.type);
  const outputs = u32Vector(builder, opr.outputs.map((output) => output.id));
  return writeOpr(tables, opr, slotsV2, tensors, opr.blobs, [
    (b) => b.addFieldInt64(slotsV2.typeId, record.typeId, 0n),
    (b) => b.addFieldOffset(slotsV2.type!, type, 0),
    (b) => b.addFieldOffset(slotsV2.outputs!, outputs, 0),
    (b) => b.addFieldInt32(slotsV2.version!, record.version, 0),
  ]);
}

/** Type, id and version of an operator; files of model version 1 know only first versions. */
function recordOf(
  opr: FileOpr,
  model: FileModel,
): { type: string; typeId: bigint; version: number } {
  const known = operatorOf(opr.type);
  if (opr.unknown !== undefined) return { type: opr.type, ...opr.unknown };
  if (known === undefined) {
    throw refuse(opr, "no operator has this type and it states no ids of its own");
  }
  return model.modelVersion === 1
    ? { type: known.alias, typeId: known.plainId, version: 1 }
    : { type: known.v2Type, typeId: known.v2Id, version: known.v2Version };
}

function writeTensor(tables: Tables, tensor: FileTensor, references: Reference[]): number {
  const { builder } = tables;
  const name = tensor.name === undefined ? 0 : builder.createString(tensor.name);
  const compNode = writeCompNode(tables, tensor.compNode);
  const dtype = writeDType(tables, tensor.dtype);
  const shape = u32Vector(builder, tensor.shape);
  const format = writeFormat(tables, tensor.format);
  builder.startObject(7);
  builder.addFieldOffset(0, name, 0);
  builder.addFieldOffset(1, shape, 0);
  builder.addFieldOffset(2, compNode, 0);
  builder.addFieldOffset(3, dtype, 0);
  builder.addFieldOffset(5, format.at, 0);
  if (tensor.value !== undefined) {
    builder.addInt32(0);
    builder.slot(6);
    references.push({ value: tensor.value, fromEnd: builder.offset() });
  }
  builder.addFieldInt8(4, format.type, 0);
  return builder.endObject();
}

function writeFormat(
  tables: Tables,
  format: FileLayoutFormat | undefined,
): { type: number; at: number } {
  const { builder, shared } = tables;
  const type = format === undefined ? 1 : format.kind === "image2d" ? 2 : 3;
  const key = `format ${JSON.stringify(format)}`;
  let at = shared.get(key);
  if (at === undefined) {
    builder.startObject(2);
    if (format?.kind === "image2d") builder.addFieldInt8(0, format.alignAxis, 0);
    if (format?.kind === "lowbits") {
      builder.addFieldInt8(0, format.sizeNbits, 0);
      builder.addFieldInt8(1, format.alignSizeInBits, 0);
    }
    at = builder.endObject();
    shared.set(key, at);
  }
  return { type, at };
}

/** One MiddleTensor for every variable; the loader takes each variable's name from here. */
function writeMiddle(tables: Tables, model: FileModel): number {
  const { builder } = tables;
  const all = model.oprs.flatMap((opr) => opr.outputs).map((output) => {
    const name = builder.createString(output.name ?? `var${output.id}`);
    const shape = output.shape === undefined ? 0 : u32Vector(builder, output.shape);
    const dtype = output.dtype === undefined ? 0 : writeDType(tables, output.dtype);
    builder.startObject(6);
    builder.addFieldOffset(0, name, 0);
    builder.addFieldOffset(1, shape, 0);
    builder.addFieldOffset(3, dtype, 0);
    return builder.endObject();
  });
  return offsetVector(builder, all);
}
