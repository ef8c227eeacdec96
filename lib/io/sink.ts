/**
 * Where bytes end: a path (written beside and renamed, so that the old file stays until the new
 * one is whole), an open file, or a web stream. Small chunks are joined on the way.
 * @module
 */
import { DeviceError, OptionError } from "../core/fault.ts";
import { type Chunks, chunksOf, coalesced } from "./stream.ts";
import { openTemporary, removeLeftovers, type Temporary } from "./temporary.ts";

/** What bytes can be written to. */
export type Target = string | URL | Deno.FsFile | WritableStream<Uint8Array>;

/** How `writeTo` writes. */
export interface SinkOptions {
  /** Keeps a path's old bytes in front of the new ones. */
  readonly append?: boolean;
  /** Stops the work; the old file stays and the reason is thrown. */
  readonly signal?: AbortSignal;
  /** Hears how many of the new bytes are written, after each write. */
  readonly onBytes?: (written: number) => void;
  /** Leaves a web stream open at the end. */
  readonly keepOpen?: boolean;
}

/**
 * Writes chunks to a target and gives the number of bytes.
 *
 * A path is replaced in one step when all bytes are on the disk; on an error, a cancel or a
 * failing source the old file is untouched and nothing else is left behind. Needs read and write
 * permission on the path's folder. A full disk is a `DeviceError`, a path that cannot be written
 * an `OptionError`; what the source throws comes through as it is.
 */
export async function writeTo(
  target: Target,
  chunks: Chunks,
  options: SinkOptions = {},
): Promise<number> {
  if (target instanceof Deno.FsFile) {
    return await pump(joined(chunks, options), fileSink(target, "the open file"), options);
  }
  if (target instanceof WritableStream) return await toStream(target, chunks, options);
  return await toPath(target instanceof URL ? pathOf(target) : target, chunks, options);
}

async function toPath(path: string, chunks: Chunks, options: SinkOptions): Promise<number> {
  const source = joined(chunks, options);
  let temporary: Temporary | undefined;
  let old: Deno.FileInfo | undefined;
  try {
    options.signal?.throwIfAborted();
    old = await translated(path, () => existing(path));
    if (old?.isDirectory) {
      throw new OptionError(`Cannot write ${path}: it is a folder; name a file in it`);
    }
    // A device or pipe cannot be replaced, so the bytes go straight into it.
    if (old && !old.isFile) return await toDevice(path, source, options);
    const real = old ? await translated(path, () => linked(path)) : path;
    await translated(path, () => removeLeftovers(real));
    const made = temporary = await translated(path, () => openTemporary(real));
    if (old && options.append) await translated(path, () => made.copyFrom(real));
    const written = await pump(source, fileSink(made.file, path), options);
    options.signal?.throwIfAborted();
    await translated(path, () => made.commit(real, old?.mode ?? undefined));
    return written;
  } catch (error) {
    await temporary?.discard();
    if (temporary && old && error instanceof DeviceError) {
      error.message += "\n  the old file is as it was";
    }
    // Nobody else will ever ask the source again. It may be stuck, so this does not wait.
    source.return(undefined).catch(() => {});
    throw error;
  }
}

async function toDevice(
  path: string,
  source: AsyncGenerator<Uint8Array>,
  options: SinkOptions,
): Promise<number> {
  using file = await translated(path, () => Deno.open(path, { write: true }));
  return await pump(source, fileSink(file, path), options);
}

async function toStream(
  target: WritableStream<Uint8Array>,
  chunks: Chunks,
  options: SinkOptions,
): Promise<number> {
  const writer = target.getWriter();
  try {
    const written = await pump(coalesced(chunksOf(chunks, options.signal)), async (chunk) => {
      await writer.ready;
      await writer.write(chunk);
    }, options);
    if (!options.keepOpen) await writer.close();
    return written;
  } catch (error) {
    // The writer may be the one that failed; then aborting says so again.
    if (!options.keepOpen) await writer.abort(error).catch(() => {});
    throw error;
  } finally {
    writer.releaseLock();
  }
}

/** Moves the chunks, one write at a time; an abort ends the wait even for a source that hangs. */
async function pump(
  source: AsyncGenerator<Uint8Array>,
  write: (chunk: Uint8Array) => Promise<void>,
  options: SinkOptions,
): Promise<number> {
  const { signal, onBytes } = options;
  let written = 0;
  let ended = false;
  try {
    while (true) {
      signal?.throwIfAborted();
      const part = await nextPart(source, signal);
      if (part.done) break;
      await write(part.value);
      written += part.value.byteLength;
      onBytes?.(written);
    }
    ended = true;
    return written;
  } finally {
    // A generator that waits on its source queues this call, so it is not awaited.
    if (!ended) source.return(undefined).catch(() => {});
  }
}

/**
 * The next part, or the abort's reason. Not a race with one promise for all parts: that would hold
 * every part until the end.
 */
function nextPart(
  source: AsyncGenerator<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<IteratorResult<Uint8Array>> {
  if (!signal) return source.next();
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    source.next().then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

function fileSink(file: Deno.FsFile, path: string): (chunk: Uint8Array) => Promise<void> {
  return (chunk) =>
    translated(path, async () => {
      for (let at = 0; at < chunk.byteLength;) at += await file.write(chunk.subarray(at));
    });
}

function joined(chunks: Chunks, options: SinkOptions): AsyncGenerator<Uint8Array> {
  return coalesced(chunksOf(chunks, options.signal), 1 << 20, { reuse: true });
}

/** The file that a link points to is replaced, not the link. */
async function linked(path: string): Promise<string> {
  return (await Deno.lstat(path)).isSymlink ? await Deno.realPath(path) : path;
}

async function existing(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function translated<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw readable(error, path);
  }
}

/** The system's error in the words of this library; others come back as they are. */
function readable(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  const code = (error as Error & { code?: unknown }).code;
  if (code === "ENOSPC" || code === "EDQUOT" || /os error (28|122)\b/.test(error.message)) {
    return new DeviceError(
      `Cannot write ${path}: the disk is full; free some space or go elsewhere`,
      {
        code: "device.full",
      },
    );
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new OptionError(
      `Cannot write ${path}: ${error.message}; allow reading and writing its folder`,
      { code: "option.permission" },
    );
  }
  if (error instanceof Deno.errors.NotFound) {
    return new OptionError(`Cannot write ${path}: its folder does not exist; make it first`);
  }
  if (error instanceof Deno.errors.PermissionDenied || code === "EROFS") {
    return new OptionError(`Cannot write ${path}: permission denied; check the folder's owner`);
  }
  return error;
}

function pathOf(url: URL): string {
  if (url.protocol !== "file:") {
    throw new OptionError(`Cannot write ${url}: only paths and file: URLs can be written`);
  }
  const path = decodeURIComponent(url.pathname);
  return Deno.build.os === "windows" ? path.replace(/^\/(?=[A-Za-z]:)/, "") : path;
}
