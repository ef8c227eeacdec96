/**
 * The error classes. A message says what was attempted, what was found and what to try: active
 * voice, present tense, no full stop. The place in the author's source is found from the `Error`
 * that a node recorded when it was made.
 * @module
 */

/** What every error of the library carries besides its message. */
export interface FaultInfo {
  /** A short stable word for programs, such as `shape` or `format.bounds`. */
  readonly code?: string;
  /** The author's line, or the byte offset, that the error is about. */
  readonly place?: string;
  /** The values involved. */
  readonly values?: Readonly<Record<string, unknown>>;
}

function dress(error: Error & { code: string; place?: string; values: object }, info: FaultInfo) {
  error.code = info.code ?? error.code;
  error.place = info.place;
  error.values = info.values ?? {};
}

/** Shapes that an operation cannot take. */
export class ShapeError extends RangeError {
  /** A short stable word for programs. */
  code = "shape";
  /** Where in the author's source, if known. */
  place?: string;
  /** The values involved. */
  values: Readonly<Record<string, unknown>> = {};
  /** Makes the error from its text and what it carries. */
  constructor(message: string, info: FaultInfo = {}) {
    super(message);
    this.name = "ShapeError";
    dress(this, info);
  }
}

/** Dtypes that an operation cannot take. */
export class DTypeError extends TypeError {
  /** A short stable word for programs. */
  code = "dtype";
  /** Where in the author's source, if known. */
  place?: string;
  /** The values involved. */
  values: Readonly<Record<string, unknown>> = {};
  /** Makes the error from its text and what it carries. */
  constructor(message: string, info: FaultInfo = {}) {
    super(message);
    this.name = "DTypeError";
    dress(this, info);
  }
}

/** An option or attribute outside what is accepted. */
export class OptionError extends RangeError {
  /** A short stable word for programs. */
  code = "option";
  /** Where in the author's source, if known. */
  place?: string;
  /** The values involved. */
  values: Readonly<Record<string, unknown>> = {};
  /** Makes the error from its text and what it carries. */
  constructor(message: string, info: FaultInfo = {}) {
    super(message);
    this.name = "OptionError";
    dress(this, info);
  }
}

/** A value asked for at a stage where only its type is known. */
export class StageError extends Error {
  /** A short stable word for programs. */
  code = "stage";
  /** Where in the author's source, if known. */
  place?: string;
  /** The values involved. */
  values: Readonly<Record<string, unknown>> = {};
  /** Makes the error from its text and what it carries. */
  constructor(message: string, info: FaultInfo = {}) {
    super(message);
    this.name = "StageError";
    dress(this, info);
  }
}

/** A traced function used in a way its record does not allow. */
export class TraceError extends Error {
  /** A short stable word for programs. */
  code = "trace";
  /** Where in the author's source, if known. */
  place?: string;
  /** The values involved. */
  values: Readonly<Record<string, unknown>> = {};
  /** MegEngine's wording of the reason, where there is one. */
  reason: string;
  /** Makes the error from its reason, its text and what it carries. */
  constructor(reason: string, message: string, info: FaultInfo = {}) {
    super(message);
    this.name = "TraceError";
    this.reason = reason;
    dress(this, info);
  }
}

/** A file that is damaged, hostile or of another kind. */
export class FormatError extends Error {
  /** A short stable word for programs. */
  code = "format";
  /** The byte offset or part of the file, if known. */
  place?: string;
  /** The values involved. */
  values: Readonly<Record<string, unknown>> = {};
  /** Makes the error from its text and what it carries. */
  constructor(message: string, info: FaultInfo = {}) {
    super(message);
    this.name = "FormatError";
    dress(this, info);
  }
}

/** A device that is absent, too small, lost or in trouble. */
export class DeviceError extends Error {
  /** A short stable word for programs. */
  code = "device";
  /** Where in the author's source, if known. */
  place?: string;
  /** The values involved. */
  values: Readonly<Record<string, unknown>> = {};
  /** Makes the error from its text and what it carries. */
  constructor(message: string, info: FaultInfo = {}) {
    super(message);
    this.name = "DeviceError";
    dress(this, info);
  }
}

/** The first stack line outside this library's own `lib/` and `kernels/`, as `file:line:column`. */
export function placeOf(site: Error | undefined): string | undefined {
  const home = new URL("../../", import.meta.url).href;
  for (const line of (site?.stack ?? "").split("\n").slice(1)) {
    const found = /\(?((?:file|https?|blob|node|ext):[^\s()]+:\d+:\d+)\)?$/.exec(line.trim());
    if (!found) continue;
    const at = found[1];
    const own = at.startsWith(home) && /^(lib|kernels)\//.test(at.slice(home.length));
    if (own || at.startsWith("ext:") || at.startsWith("node:")) continue;
    return at.startsWith("file://") ? at.slice("file://".length) : at;
  }
  return undefined;
}
