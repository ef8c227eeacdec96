/**
 * Modules and instances. What is small is made at once: to hand it to the engine's threads and back
 * takes several times longer than the engine needs, which compiles functions only when they are called.
 * @module
 */

/** Bytes up to which a module is made at once. */
const small = 2 ** 18;

/** Compiles a module; throws what the engine does. */
export async function moduleOf(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  return bytes.length <= small
    ? await atOnce(() => new WebAssembly.Module(bytes), () => WebAssembly.compile(bytes))
    : await WebAssembly.compile(bytes);
}

/** An instance of a module. */
export function instanceOf(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
): Promise<WebAssembly.Instance> {
  return atOnce(
    () => new WebAssembly.Instance(module, imports),
    () => WebAssembly.instantiate(module, imports),
  );
}

/** Some engines refuse that on a page's main thread, from a size of their own on. */
async function atOnce<T>(now: () => T, later: () => Promise<T>): Promise<T> {
  try {
    return now();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return await later();
  }
}
