/**
 * Opens a model file: tells its kind by the first bytes, reads every graph in it, and refuses
 * other files by name. Damaged bytes give a `FormatError`, never a crash or a huge allocation.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import type { ByteSource } from "../io/bytes.ts";
import type { FileModel } from "./model.ts";
import { type ReadGraph, readV1, spanV1 } from "./read_v1.ts";
import { endOfV2, readV2 } from "./read_v2.ts";

/** What a model file holds. */
export interface ReadFile {
  /** The main graph; one entry. */
  readonly models: readonly FileModel[];
  /** Graphs of the embedded test cases, in order. */
  readonly testcases: readonly FileModel[];
  /** A bare graph, or the container of test cases. */
  readonly container: "bare" | "mgbtest0";
  /** Bytes up to the end of the container; what follows is not part of it. */
  readonly bytes: number;
  /** Further dumps behind the first, which readers of the format ignore. */
  readonly appended: number;
}

const testTag = "mgbtest0";

/** Reads all graphs of a file; tensor values stay in the source until they are opened. */
export async function readModel(source: ByteSource): Promise<ReadFile> {
  const tag = text(await source.read(0, Math.min(8, source.size)));
  if (tag !== testTag) {
    const { model, end } = await readGraph(source, 0);
    const appended = await countAppended(source, end);
    return { models: [model], testcases: [], container: "bare", bytes: end, appended };
  }
  const count = await casesIn(source, 0);
  let { model: main, end } = await readGraph(source, 12);
  const testcases: FileModel[] = [];
  for (let i = 0; i < count; i++) {
    const next = await readGraph(source, end);
    testcases.push(next.model);
    end = next.end;
  }
  const appended = await countAppended(source, end);
  return { models: [main], testcases, container: "mgbtest0", bytes: end, appended };
}

/** Number of cases of a container, no more than fit into the file. */
async function casesIn(source: ByteSource, start: number): Promise<number> {
  const bytes = start + 12 > source.size ? undefined : await source.read(start + 8, 4);
  const count = bytes && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (count === undefined || count > (source.size - start - 12) / 25) {
    throw new FormatError(
      `Cannot read the model file: it states ${count ?? "no number of"} test cases, but has ` +
        `${source.size} bytes`,
      { code: "format.bounds", place: `byte ${start + 8}` },
    );
  }
  return count;
}

async function readGraph(source: ByteSource, start: number): Promise<ReadGraph> {
  const head = await headAt(source, start);
  const kind = kindOf(head);
  switch (kind) {
    case "V0":
    case "V1":
      return readV1(source, start, kind === "V0");
    case "V2":
      return readV2(source, start);
    case undefined:
      throw refusal(head, start, source.size);
    default:
      return kind satisfies never;
  }
}

/** Counts the dumps that follow the first, by their headers alone. */
async function countAppended(source: ByteSource, from: number): Promise<number> {
  let at = from;
  for (let count = 0;; count++) {
    const head = await headAt(source, at);
    const kind = kindOf(head);
    try {
      if (text(head).startsWith(testTag)) {
        const cases = await casesIn(source, at);
        at += 12;
        for (let i = 0; i <= cases; i++) {
          at = await endAt(source, at, kindOf(await headAt(source, at)));
        }
      } else if (kind === undefined) {
        return count;
      } else {
        at = await endAt(source, at, kind);
      }
    } catch (error) {
      // Bytes that only look like a dump are as good as none.
      if (error instanceof FormatError) return count;
      throw error;
    }
  }
}

async function endAt(source: ByteSource, at: number, kind: Kind): Promise<number> {
  if (kind === "V2") return await endOfV2(source, at);
  return (await spanV1(source, at, kind === "V0")).end;
}

type Kind = FileModel["format"] | undefined;

async function headAt(source: ByteSource, at: number): Promise<Uint8Array> {
  return await source.read(at, Math.max(0, Math.min(64, source.size - at)));
}

/** The layout that the first bytes belong to; the order of the tests is MegEngine's. */
function kindOf(head: Uint8Array): Kind {
  if (head.length >= 8 && head.subarray(4, 8).every((byte) => byte === 0)) {
    const magic = text(head.subarray(0, 4));
    if (magic === "MGBC") return "V1";
    if (magic === "MGBS") return "V0";
  }
  return head.length >= 25 && text(head.subarray(8, 12)) === "mgv2" ? "V2" : undefined;
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** Names what a file is that is no model file, and what to do with it. */
function refusal(head: Uint8Array, start: number, size: number): FormatError {
  const found = foreign(head, size - start);
  return new FormatError(`Cannot read a model at byte ${start}: ${found}`, {
    code: "format.kind",
    place: `byte ${start}`,
    values: { head },
  });
}

function foreign(head: Uint8Array, bytes: number): string {
  const start = text(head);
  if (bytes === 0) return "there are no bytes";
  if (/^mgb0001|^mgb0000a/.test(start)) {
    return `it has the closed format ${start.startsWith("mgb0001") ? "mgb0001" : "mgb0000a"}, ` +
      "which open-source MegEngine cannot read either; dump the model again";
  }
  if (start.startsWith("version https://git-lfs")) {
    return "this is a Git LFS pointer in the model's place; run git lfs pull to get the model";
  }
  if (head[0] === 0x80 && head[1] >= 2 && head[1] <= 5) {
    return "this is a Python pickle, as megengine.save writes, and no graph; " +
      "dump a traced function";
  }
  if (start.startsWith("PK\x03\x04")) {
    return "this is a zip archive, such as a TracedModule (.tm) or .npz, and no graph; " +
      "dump a traced function";
  }
  if (head[0] === 0x1f && head[1] === 0x8b) return "this is gzip; decompress it first";
  if (text(head.subarray(8, 12)) === "mge2") {
    return "it has the identifier mge2 of a development version; dump the model again";
  }
  // ModelProto starts with ir_version (field 1, a small varint), then names its producer or opset.
  if (head[0] === 0x08 && head[1] < 0x20 && [0x12, 0x1a, 0x3a, 0x42].includes(head[2])) {
    return "this looks like an ONNX model, and this version reads MegEngine's files only";
  }
  if (text(head.subarray(8, 9)) === "{" && text(head.subarray(4, 8)) === "\0\0\0\0") {
    return "this looks like a safetensors file, which holds weights and no graph";
  }
  const shown = [...head.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `it starts with ${shown.join(" ")}, which is none of MGBC, MGBS, mgv2 and mgbtest0; ` +
    "try a file that dump wrote, here or in MegEngine";
}
