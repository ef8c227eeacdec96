/**
 * What a command dumps of an opened model: its function, the types to stage for, and what of a
 * file's metadata goes on.
 * @module
 */
import type { Named } from "../core/type.ts";
import type { DumpToOptions } from "../trace/dump.ts";
import { isExpected } from "../trace/testcase.ts";
import { trace } from "../trace/trace.ts";
import type { ModelFunction } from "./module_model.ts";
import type { Opened } from "./opened.ts";

/** What is dumped. */
export interface Subject extends Pick<DumpToOptions, "userInfo"> {
  readonly f: ModelFunction;
  /** The types of the arguments: for a module types or trees of types, for a file its inputs. */
  readonly types: readonly unknown[];
}

/** What is dumped; a file with operators that have no meaning here throws its reason. */
export function subject(opened: Opened): Subject {
  if (opened.kind === "module") {
    const { source, types } = opened.module;
    // Tracing lets the function be async; what it captures has to be in the file.
    const f = trace(source, { captureAsConst: true, recordOnly: true }) as unknown as ModelFunction;
    return { f, types };
  }
  const { model } = opened;
  if (model.refusal) throw model.refusal;
  const types = model.inputs.filter(({ name }) => !isExpected(name)) as unknown as Named[];
  const { userInfo } = model.metadata;
  const kept = userInfo === null || userInfo instanceof Uint8Array ? {} : { userInfo };
  return { f: model.source as ModelFunction, types, ...kept };
}
