/**
 * What a model file says, as plain data: the writer takes it, the reader gives it. Names are the
 * file format's own; nothing here knows what an operator computes.
 * @module
 */

/** The container layouts: V0 (`MGBS`), V1 (`MGBC`, `"FBS"`) and V2 (`mgv2`, `"FBS_V2"`). */
export type FileFormat = "V0" | "V1" | "V2";

/** Names of the element types of the format, in the order of their numbers. */
export type FileDTypeName =
  | "Float32"
  | "Uint8"
  | "Int8"
  | "Int16"
  | "Int32"
  | "IntB1"
  | "IntB2"
  | "IntB4"
  | "Byte"
  | "Float16"
  | "UintB4"
  | "Quantized8Asymm"
  | "QuantizedS32"
  | "QuantizedS8"
  | "Quantized4Asymm"
  | "QuantizedS4"
  | "QuantizedS16"
  | "BFloat16"
  | "Bool"
  | "Uint16"
  | "QuantizedS1"
  | "Complex64";

/** An element type; quantized ones carry `real = scale * (q - zeroPoint)`. */
export interface FileDType {
  /** Which type. */
  readonly name: FileDTypeName;
  /** Scale of a quantized type. */
  readonly scale?: number;
  /** Zero point of an asymmetric quantized type; 0 is left out. */
  readonly zeroPoint?: number;
}

/** How a tensor's elements are arranged; absent means dense row-major. */
export type FileLayoutFormat =
  | { readonly kind: "image2d"; readonly alignAxis: number }
  | { readonly kind: "lowbits"; readonly sizeNbits: number; readonly alignSizeInBits: number };

/** Bytes of a tensor that are given when they are asked for. */
export interface FileValue {
  /** How many bytes `open` gives. */
  readonly bytes: number;
  /** Gives the bytes in order, in chunks of any size. */
  open(): AsyncIterable<Uint8Array>;
}

/** A tensor that belongs to an operator. */
export interface FileTensor {
  /** Name of an input, or of a parameter where names were kept. */
  readonly name?: string;
  /** Extents; rank 1 to 7 in well-formed files. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype: FileDType;
  /** Device locator such as `xpux:0`. */
  readonly compNode: string;
  /** Arrangement of the elements, if not dense. */
  readonly format?: FileLayoutFormat;
  /** The elements; absent for inputs without a default. */
  readonly value?: FileValue;
}

/** One number with its type, inside a parameter table. */
export interface FileScalar {
  /** Element type of the number. */
  readonly dtype: FileDTypeName;
  /** The number. */
  readonly value: number;
}

/** One step of AxisAddRemove. */
export interface AxisDesc {
  /** 0 inserts an axis before `axis`, 1 removes `axis`. */
  readonly method: number;
  /** Which axis. */
  readonly axis: number;
}

/** One item of an indexing operator: the axis, and which of the four an input supplies. */
export interface IndexItem {
  /** Which axis. */
  readonly axis: number;
  /** An input supplies where the range begins. */
  readonly begin: boolean;
  /** An input supplies where the range ends. */
  readonly end: boolean;
  /** An input supplies the step. */
  readonly step: boolean;
  /** An input supplies the index or the indices. */
  readonly idx: boolean;
}

/** What a field of a parameter table can hold; enum members are numbers. */
export type FieldValue =
  | number
  | bigint
  | boolean
  | FileDType
  | FileScalar
  | readonly number[]
  | readonly AxisDesc[]
  | readonly IndexItem[];

/** A parameter table of an operator. */
export interface Param {
  /** Name of the table, such as `Convolution`; `#123` for a union number nobody knows. */
  readonly table: string;
  /** Fields by name; the reader gives all, the writer takes the default for those left out. */
  readonly fields: Readonly<Record<string, FieldValue>>;
}

/** One counted output of an operator. */
export interface FileOutput {
  /** Variable id; ids count up from 0 over all operators. */
  readonly id: number;
  /** Name, where the file keeps it. */
  readonly name?: string;
  /** Shape, where the file knows it (V2 only). */
  readonly shape?: readonly number[];
  /** Element type, where the file knows it (V2 only). */
  readonly dtype?: FileDType;
}

/** One operator. */
export interface FileOpr {
  /** Registry alias, such as `ConvolutionV2`; the recorded type if it is unknown. */
  readonly type: string;
  /** The recorded ids of an operator that is not in the table (V2 only). */
  readonly unknown?: { readonly typeId: bigint; readonly version: number };
  /** Name of the operator, where kept. */
  readonly name?: string;
  /** Priority, where kept. */
  readonly priority?: number;
  /** Parameter tables in order: the first, then the additional ones. */
  readonly params: readonly Param[];
  /** Variable ids of the inputs. */
  readonly inputs: readonly number[];
  /** The counted outputs. */
  readonly outputs: readonly FileOutput[];
  /** Stated dtype of the result, where the operator has one. */
  readonly outputDtype?: FileDType;
  /** Explicit devices; empty if none. */
  readonly compNodes: readonly string[];
  /** Tensors that belong to the operator. */
  readonly tensors: readonly FileTensor[];
  /** Further blobs; those of holders and formats are not kept here, the writer makes them. */
  readonly blobs: readonly Uint8Array[];
}

/** The Metadata table. */
export interface FileMetadata {
  /** True if the dump was asked to keep metadata. */
  readonly isValid: boolean;
  /** True if the graph was edited after its first dump. */
  readonly graphModified: boolean;
  /** Raw bytes, usually a Python pickle; never to be unpickled blindly. */
  readonly userInfo: Uint8Array;
  /** Bit set of the optimisations applied. */
  readonly optimizeOptions: bigint;
}

/** One graph of a file. */
export interface FileModel {
  /** Container layout. */
  readonly format: FileFormat;
  /** Version of the writing library, `(major * 1000 + minor) * 100 + patch`. */
  readonly version: number;
  /** V2 only: 2 now, 1 in older files. */
  readonly modelVersion?: number;
  /** V0 and V1 only: content hash; the writer computes it if it is left out. */
  readonly hash?: bigint;
  /** Operators in topological order. */
  readonly oprs: readonly FileOpr[];
  /** Graph outputs in order: variable id, and an arbitrary unique id. */
  readonly outputs: readonly { readonly compact: number; readonly original: number }[];
  /** V2 only: names that replace the output list, by original id; usually empty. */
  readonly outputAlias: readonly { readonly id: number; readonly name: string }[];
  /** Metadata, absent in some old files. */
  readonly metadata?: FileMetadata;
  /** Recorded number of shared tensors; `countShared` of `ids.ts` gives the right one. */
  readonly sharedTensors: number;
}
