/**
 * Strip info: which operators, modes and element types a model uses, as JSON that builds of
 * MegEngine are cut down by.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { operatorOf } from "./ids.ts";
import type { FileModel } from "./model.ts";
import { elemwiseModes } from "./schema.ts";

/** What a model uses. */
export interface StripInfo {
  /** Content hash, a number of 64 bits. */
  readonly hash: bigint;
  readonly dtypes: readonly string[];
  readonly elemwiseModes: readonly string[];
  readonly oprTypes: readonly string[];
}

/** Operators that work without memory of their own; each other one has a variable of bytes. */
const withoutWorkspace: ReadonlySet<string> = new Set(
  `AddUpdate AffineInt Alloc AssertEqual AxisAddRemove Broadcast Concat CondExecMark
  CondExecMarkIfNeed CondExecMerge CondExecPred CondExecPredLogical Copy Diag DiagBackward Dimshuffle
  Elemwise ElemwiseMultiType Eye GetVarShapeV1 Host2DeviceCopy Identity ImmutableTensor IncrSubtensor
  Linspace MarkDynamicVar MarkNoBroadcastElemwise MaskedFill MultipleDeviceTensorHolder
  MultipleDeviceTensorWithFormatHolder NvOf Padding PaddingBackward PersistentOutputStorage PowC
  ReshapeV1 SetSubtensor SharedDeviceTensor SharedDeviceTensorWithFormat Sleep Split Subtensor
  TypeCvtV2 VirtualDep VirtualGrad VolatileSharedDeviceTensor`.split(/\s+/),
);

/**
 * What some models use; `dtypes` adds those of variables that hold no tensor. Memory that operators
 * work in counts as `Byte`, as in MegEngine's own files.
 */
export function stripInfo(
  models: readonly FileModel[],
  dtypes: readonly string[],
  hash: bigint,
): StripInfo {
  const oprs = models.flatMap((m) => m.oprs);
  const held = oprs.flatMap((o) => o.tensors.map((t) => t.dtype.name));
  const modes = oprs.flatMap((o) =>
    o.type === "Elemwise" ? [elemwiseModes[Number(o.params[0].fields.mode)].name] : []
  );
  const works = oprs.some(({ type }) => operatorOf(type) && !withoutWorkspace.has(type));
  return {
    hash,
    dtypes: sorted([...dtypes, ...held, ...(works ? ["Byte"] : [])]),
    elemwiseModes: sorted(modes),
    oprTypes: sorted(oprs.map((o) => operatorOf(o.type)?.typeinfo ?? o.type)),
  };
}

/** What all of them use, each list sorted; the hash is the last one's. */
export function joinedStrip(infos: readonly StripInfo[]): StripInfo {
  const all = (key: "dtypes" | "elemwiseModes" | "oprTypes") =>
    sorted(infos.flatMap((info) => info[key]));
  return {
    hash: infos[infos.length - 1].hash,
    dtypes: all("dtypes"),
    elemwiseModes: all("elemwiseModes"),
    oprTypes: all("oprTypes"),
  };
}

function sorted(words: readonly string[]): readonly string[] {
  return [...new Set(words)].sort();
}

const keys = ["dtypes", "elemwise_modes", "opr_types"] as const;

/**
 * The text of a strip-info file. With `before`, the text of an older one, each of its lists gets
 * what it lacks at its end; keys that only the new data have are dropped, as MegEngine does. `file`
 * is its name in messages.
 */
export function stripText(info: StripInfo, before?: string, file?: string): string {
  const lists: Record<string, readonly string[]> = {
    dtypes: info.dtypes,
    elemwise_modes: info.elemwiseModes,
    opr_types: info.oprTypes,
  };
  const old = before === undefined || before.trim() === "" ? undefined : parsed(before, file);
  const entries = Object.entries(old ?? lists).filter(([key]) => key !== "hash").map(
    ([key, list]): [string, readonly string[]] => {
      const own = lists[key] ?? [];
      return [key, old ? [...list, ...own.filter((word) => !list.includes(word))] : own];
    },
  );
  const words = (list: readonly string[]) => `[${list.map((w) => JSON.stringify(w)).join(", ")}]`;
  const texts = entries.map(([key, list]) => `${JSON.stringify(key)}: ${words(list)}`);
  return `{${[...texts, `"hash": ${info.hash}`].join(", ")}}`;
}

/** The lists of an older file; its hash does not matter. */
function parsed(text: string, file: string | undefined): Record<string, readonly string[]> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged((error as Error).message, file);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw damaged("it is no object", file);
  }
  const { hash: _, ...lists } = value as Record<string, unknown>;
  for (const [key, list] of Object.entries(lists)) {
    if (!Array.isArray(list) || !list.every((word) => typeof word === "string")) {
      throw damaged(`${key} is no list of words`, file);
    }
  }
  return lists as Record<string, readonly string[]>;
}

function damaged(why: string, file: string | undefined): FormatError {
  return new FormatError(
    `Cannot append to the strip info${file ? ` in ${file}` : ""}: ${why}; its keys are hash, ${
      keys.join(", ")
    }`,
    { code: "format.strip" },
  );
}
