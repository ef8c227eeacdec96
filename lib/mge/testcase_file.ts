/**
 * The container of a model and its test cases: a tag, the number of cases, then complete dumps one
 * after another.
 * @module
 */
import type { FileLayout } from "./parts.ts";

/** The layout of a main graph followed by one graph for each test case. */
export function layOutTestcases(main: FileLayout, cases: readonly FileLayout[]): FileLayout {
  const head = new Uint8Array(12);
  head.set(new TextEncoder().encode("mgbtest0"));
  new DataView(head.buffer).setUint32(8, cases.length, true);
  const all = [main, ...cases];
  const totalBytes = all.reduce((n, layout) => n + layout.totalBytes, head.length);
  return {
    totalBytes,
    tensorBytes: all.reduce((n, layout) => n + layout.tensorBytes, 0),
    hash: main.hash,
    async *emit(onProgress) {
      yield head;
      let before = head.length;
      onProgress?.(before, totalBytes);
      for (const layout of all) {
        const start = before;
        yield* layout.emit((bytes) => onProgress?.(start + bytes, totalBytes));
        before += layout.totalBytes;
      }
    },
  };
}
