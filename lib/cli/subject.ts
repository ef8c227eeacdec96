/**
 * What a command dumps of an opened model: its function, and what of a file goes on.
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import type { DumpToOptions } from "../trace/dump.ts";
import { trace } from "../trace/trace.ts";
import type { ModelFunction } from "./module_model.ts";
import type { Opened } from "./opened.ts";
import { distinct } from "./paired.ts";
import { plainOutputNames } from "./plain_outputs.ts";

/** What is dumped. */
export interface Subject extends Pick<DumpToOptions, "userInfo" | "outputNames"> {
  readonly f: ModelFunction;
}

/** What is dumped; a file with operators that have no meaning here throws its reason. */
export function subject(opened: Opened): Subject {
  if (opened.kind === "module") {
    const { source } = opened.module;
    // Tracing lets the function be async; what it captures has to be in the file.
    const f = trace(source, { captureAsConst: true, recordOnly: true }) as unknown as ModelFunction;
    return { f };
  }
  const { model } = opened;
  if (model.refusal) throw model.refusal;
  const { userInfo } = model.metadata;
  const kept = userInfo === null || userInfo instanceof Uint8Array ? {} : { userInfo };
  const names = distinct(plainOutputNames(model));
  // A list, for a record's results are sorted.
  const f = (...ins: Tensor[]) => Object.values(model.source(...ins));
  return { f: f as ModelFunction, outputNames: names, ...kept };
}
