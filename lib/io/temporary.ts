/**
 * A file that is written beside another and takes its place when it is whole. Its writer holds a
 * lock on it, which the system gives back when a process dies: that is how the next writer knows
 * a leftover from a file that is being written, without asking about processes.
 * @module
 */

/** A temporary file in the folder of the one that it shall replace. */
export interface Temporary {
  /** The open file. */
  readonly file: Deno.FsFile;
  /** Where it is. */
  readonly path: string;
  /** Puts the bytes of another file first. */
  copyFrom(path: string): Promise<void>;
  /** Brings the bytes to the disk and takes the place of `path`, with `mode` if given. */
  commit(path: string, mode?: number): Promise<void>;
  /** Closes and removes it; does nothing after `commit`. */
  discard(): Promise<void>;
}

/** Makes and locks `.NAME.weft-PID-RANDOM.tmp` beside `path`. */
export async function openTemporary(path: string): Promise<Temporary> {
  const { folder, name } = parts(path);
  while (true) {
    const random = crypto.getRandomValues(new Uint32Array(1))[0].toString(16).padStart(8, "0");
    const at = `${folder}.${name}.weft-${Deno.pid}-${random}.tmp`;
    const file = await Deno.open(at, { createNew: true, write: true, read: true });
    try {
      await file.lock(true);
      // Between making and locking, another writer may have taken it for a leftover.
      if (await isThere(at)) return temporary(file, at);
      file.close();
    } catch (error) {
      file.close();
      await Deno.remove(at).catch(() => {});
      throw error;
    }
  }
}

/** Removes what dead writers left beside `path`; a file that some process still holds stays. */
export async function removeLeftovers(path: string): Promise<void> {
  const { folder, name } = parts(path);
  for await (const entry of Deno.readDir(folder === "" ? "." : folder)) {
    const { name: found, isFile } = entry;
    if (!isFile || !found.startsWith(`.${name}.weft-`)) continue;
    if (!/^\d+-[0-9a-f]{8}\.tmp$/.test(found.slice(name.length + 7))) continue;
    try {
      using file = await Deno.open(folder + found, { read: true, write: true });
      if (await file.tryLock(true)) await Deno.remove(folder + found);
    } catch (error) {
      // Gone meanwhile, or another user's: not ours to remove, and no reason to fail.
      if (error instanceof Deno.errors.NotFound) continue;
      if (error instanceof Deno.errors.PermissionDenied) continue;
      throw error;
    }
  }
}

function temporary(file: Deno.FsFile, at: string): Temporary {
  let open = true;
  let committed = false;
  function close() {
    if (open) file.close();
    open = false;
  }
  return {
    file,
    path: at,
    async copyFrom(path) {
      using old = await Deno.open(path);
      const buffer = new Uint8Array(1 << 20);
      for (let n = await old.read(buffer); n !== null; n = await old.read(buffer)) {
        for (let done = 0; done < n;) done += await file.write(buffer.subarray(done, n));
      }
    },
    async commit(path, mode) {
      if (mode !== undefined && Deno.build.os !== "windows") await Deno.chmod(at, mode & 0o7777);
      await file.sync();
      // Windows renames no open file; elsewhere the lock is held until the name has changed.
      if (Deno.build.os === "windows") close();
      await Deno.rename(at, path);
      committed = true;
      close();
    },
    async discard() {
      if (!committed) await Deno.remove(at).catch(() => {});
      close();
    },
  };
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function parts(path: string): { readonly folder: string; readonly name: string } {
  const name = /[^/]*$/.exec(Deno.build.os === "windows" ? path.replaceAll("\\", "/") : path)![0];
  return { folder: path.slice(0, path.length - name.length), name };
}
