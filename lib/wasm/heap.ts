/**
 * One memory and what is free in it. Blocks are taken where the first gap is wide enough, given back,
 * and joined with their neighbours, so that what is loaded and released again and again stays where
 * it was.
 * @module
 */
import { heapStart } from "../../kernels/wasm/control.ts";
import { DeviceError } from "../core/fault.ts";

/** A memory with its free blocks. */
export interface Heap {
  readonly memory: WebAssembly.Memory;
  /** True where addresses are i64. */
  readonly wide: boolean;
  readonly shared: boolean;
  /** Pages that the memory may grow to. */
  readonly most: number;
  /** Takes a block, zeroed only where it is new, aligned to 64 bytes; `what` is for the error. */
  take(bytes: number, what: string): Block;
  /** Gives a block back; a second time does nothing. */
  give(block: Block): void;
  /**
   * Grows at once by what so many bytes lack, where it can: growing often takes long. Gives the new
   * range, if there is one.
   */
  reserve(bytes: number): { readonly from: number; readonly to: number } | undefined;
  /** Bytes of a block, or of any range; valid until the memory grows. */
  bytes(address: number, length: number): Uint8Array<ArrayBuffer>;
  /** Bytes taken now, and at most so far. */
  used(): { readonly now: number; readonly peak: number };
  /** True if a block of so many bytes can be taken at all. */
  hasRoom(bytes: number): boolean;
}

/** A range of a memory. */
export interface Block {
  readonly heap: Heap;
  readonly address: number;
  readonly bytes: number;
  /** True if nothing was there before: its bytes are zero. */
  readonly isNew: boolean;
}

const pageBytes = 65536;

/** Bytes that a block takes. */
export function roomOf(bytes: number): number {
  return Math.max(64, Math.ceil(bytes / 64) * 64);
}

/** Bytes past the end of what is taken that code may read, though it uses nothing of them. */
const slack = 256;
/** Least growth, so that many small blocks do not each grow the memory. */
const leastGrowth = 64;

/** A new memory; `shared` and `wide` as the engine allows. */
export function newHeap(shared: boolean, wide: boolean, most: number): Heap {
  const memory = memoryOf(shared, wide, most);
  const sizes = new Map<Block, number>();
  let free: { from: number; to: number }[] = [{
    from: heapStart,
    to: heapStart + pageBytes - slack,
  }];
  let now = 0, peak = 0;
  // Memory behind it was never taken.
  let mark = heapStart;
  const heap: Heap = {
    memory: memory.memory,
    wide,
    shared,
    most: memory.most,
    take(bytes, what) {
      const need = roomOf(bytes);
      let gap = free.find(({ from, to }) => to - from >= need);
      if (!gap) {
        grow(need, what);
        gap = free.find(({ from, to }) => to - from >= need)!;
      }
      const block: Block = { heap, address: gap.from, bytes, isNew: gap.from >= mark };
      gap.from += need;
      mark = Math.max(mark, gap.from);
      if (gap.from === gap.to) free = free.filter((g) => g !== gap);
      sizes.set(block, need);
      now += need;
      peak = Math.max(peak, now);
      return block;
    },
    give(block) {
      const size = sizes.get(block);
      if (size === undefined) return;
      sizes.delete(block);
      now -= size;
      insert(block.address, block.address + size);
    },
    reserve(bytes) {
      const there = free.reduce((n, { from, to }) => n + to - from, 0);
      const end = endOf();
      const room = memory.most * pageBytes - slack - end;
      if (bytes <= there || bytes - there > room) return undefined;
      const last = free.at(-1);
      grow(bytes - there + (last?.to === end ? end - last.from : 0), "a plan");
      return { from: end, to: endOf() };
    },
    bytes: (address, length) =>
      new Uint8Array(memory.memory.buffer as ArrayBuffer, address, length),
    used: () => ({ now, peak }),
    hasRoom(bytes) {
      const need = Math.ceil(bytes / 64) * 64 + slack;
      const last = free.at(-1);
      const end = endOf();
      const open = last && last.to === end ? last.from : end;
      return free.some(({ from, to }) => to - from >= need) ||
        open + need <= memory.most * pageBytes;
    },
  };

  function endOf(): number {
    return (memory.memory.buffer as ArrayBuffer).byteLength - slack;
  }

  function insert(from: number, to: number): void {
    let at = free.findIndex((gap) => gap.from > from);
    if (at < 0) at = free.length;
    free.splice(at, 0, { from, to });
    if (at + 1 < free.length && free[at].to === free[at + 1].from) {
      free[at].to = free[at + 1].to;
      free.splice(at + 1, 1);
    }
    if (at > 0 && free[at - 1].to === free[at].from) {
      free[at - 1].to = free[at].to;
      free.splice(at, 1);
    }
  }

  function grow(need: number, what: string): void {
    const end = endOf();
    const last = free.at(-1);
    const open = last && last.to === end ? end - last.from : 0;
    const pages = Math.max(leastGrowth, Math.ceil((need - open) / pageBytes));
    const room = memory.most - (end + slack) / pageBytes;
    const wanted = Math.min(pages, room);
    try {
      if (open + wanted * pageBytes < need) throw new RangeError("it may not grow so far");
      memory.memory.grow(wide ? BigInt(wanted) as unknown as number : wanted);
    } catch (error) {
      throw new DeviceError(
        `Cannot take ${need} bytes for ${what}: the memory has ${end} bytes and cannot grow ` +
          `(${(error as Error).message})\n  try a smaller batch, or dispose what is not needed`,
        { code: "device.memory", values: { bytes: need } },
      );
    }
    insert(end, endOf());
  }
  return heap;
}

/** As much as the engine promises: some refuse a large maximum for shared memories. */
function memoryOf(
  shared: boolean,
  wide: boolean,
  most: number,
): { readonly memory: WebAssembly.Memory; readonly most: number } {
  for (let pages = most;; pages = Math.floor(pages / 2)) {
    try {
      const number = (n: number) => wide ? BigInt(n) : n;
      const descriptor = {
        initial: number(heapStart / pageBytes + 1),
        maximum: number(pages),
        shared,
        ...(wide ? { address: "i64" } : {}),
      } as unknown as WebAssembly.MemoryDescriptor;
      return { memory: new WebAssembly.Memory(descriptor), most: pages };
    } catch (error) {
      if (pages > 2048) continue;
      throw new DeviceError(
        `Cannot make a WebAssembly memory: ${(error as Error).message}\n  try open("reference")`,
        { code: "device.memory" },
      );
    }
  }
}
