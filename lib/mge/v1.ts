/**
 * Lays out V1 and V0: the header, every tensor's bytes without gaps, then the tables. The tables
 * say only sizes, so they are built before the first value is opened.
 * @module
 */
import { xxh64 } from "../core/hash.ts";
import { slotsV1 } from "./decode.ts";
import { countedOutputs, operatorOf } from "./ids.ts";
import type { FileModel, FileOpr, FileTensor, FileValue } from "./model.ts";
import { type FileLayout, layoutOf } from "./parts.ts";
import {
  newTables,
  offsetVector,
  refuse,
  type Tables,
  writeCompNode,
  writeDType,
  writeMetadata,
} from "./shared_tables.ts";
import { blobsOfV1, checkModel, writeOpr } from "./tables.ts";

/** The layout of a V0 or V1 model, as its `format` says. */
export function layOutV1(model: FileModel): FileLayout {
  checkModel(model);
  const old = model.format === "V0";
  const tables = newTables();
  const { builder } = tables;
  const oprs = model.oprs.map((opr) => writeOprV1(tables, opr, old));
  const oprsAt = offsetVector(builder, oprs);
  const metadata = model.metadata === undefined ? 0 : writeMetadata(tables, model.metadata, 2, 3);
  builder.startVector(8, model.outputs.length, 4);
  for (const { compact, original } of model.outputs.toReversed()) {
    builder.prep(4, 8);
    builder.writeInt32(original);
    builder.writeInt32(compact);
  }
  const outputs = builder.endVector();
  const hash = model.hash ?? hashOf(tables);
  builder.startObject(6);
  builder.addFieldInt64(1, hash, 0n);
  builder.addFieldInt32(0, model.version, 0);
  builder.addFieldInt32(2, model.sharedTensors, 0);
  builder.addFieldOffset(3, oprsAt, 0);
  builder.addFieldOffset(4, outputs, 0);
  builder.addFieldOffset(5, metadata, 0);
  builder.finish(builder.endObject(), "mgb1", true);

  const values = model.oprs.flatMap((opr) => opr.tensors).map((tensor) => tensor.value)
    .filter((value): value is FileValue => value !== undefined);
  const blobBytes = values.reduce((n, value) => n + value.bytes, 0);
  return layoutOf([header(old, blobBytes), ...values, builder.asUint8Array()], hash);
}

/** Magic, feature bits (V1 only), padding, and how far the tables are from here. */
function header(old: boolean, blobBytes: number): Uint8Array {
  const bytes = new Uint8Array(old ? 16 : 24);
  bytes.set(new TextEncoder().encode(old ? "MGBS" : "MGBC"));
  new DataView(bytes.buffer).setBigUint64(bytes.length - 8, BigInt(blobBytes), true);
  return bytes;
}

/** MegEngine's rule: the hash of what stands behind the root table, before there is one. */
function hashOf({ builder }: Tables): bigint {
  const bytes = builder.dataBuffer().bytes();
  return xxh64(bytes.subarray(bytes.length - builder.offset()), 0x4b4e74b36b5d11n) || 1n;
}

function writeOprV1(tables: Tables, opr: FileOpr, old: boolean): number {
  const known = operatorOf(opr.type);
  if (known === undefined) {
    throw refuse(opr, "V1 numbers variables by operator types and does not know this one");
  }
  const count = countedOutputs(opr.type, opr.params, opr.inputs.length, opr.tensors.length);
  if (count !== undefined && count !== opr.outputs.length) {
    throw refuse(opr, `it has ${opr.outputs.length} outputs, but its type numbers ${count}`);
  }
  const tensors = opr.tensors.map((tensor) => writeTensor(tables, opr, tensor));
  const { builder } = tables;
  const named = opr.outputs.some((output) => output.name !== undefined);
  // The loader reads one name per output without looking how many there are.
  const names = !named ? 0 : offsetVector(
    builder,
    opr.outputs.map((output) => builder.createString(output.name ?? `var${output.id}`)),
  );
  return writeOpr(tables, opr, slotsV1, tensors, blobsOfV1(opr), [
    (b) => b.addFieldInt64(slotsV1.typeId, old ? known.plainId : known.persistId, 0n),
    (b) => b.addFieldOffset(slotsV1.outputNames!, names, 0),
  ]);
}

function writeTensor(tables: Tables, opr: FileOpr, tensor: FileTensor): number {
  const bytes = tensor.value?.bytes ?? 0;
  if (bytes > 0xffffffff) {
    throw refuse(opr, `its tensor has ${bytes} bytes, a V1 file holds at most 4294967295 in one`);
  }
  const { builder } = tables;
  const name = tensor.name === undefined ? 0 : builder.createString(tensor.name);
  const compNode = writeCompNode(tables, tensor.compNode);
  const dtype = writeDType(tables, tensor.dtype);
  builder.startVector(4, tensor.shape.length, 4);
  for (const extent of tensor.shape.toReversed()) builder.addInt32(extent);
  const shape = builder.endVector();
  builder.startObject(6);
  builder.addFieldOffset(0, name, 0);
  builder.addFieldOffset(1, shape, 0);
  builder.addFieldOffset(2, compNode, 0);
  builder.addFieldOffset(3, dtype, 0);
  builder.addFieldInt32(4, bytes, 0);
  return builder.endObject();
}
