/**
 * Packing into a memory: long constants go through kernels, from copies beside them, for those are
 * fast the first time; what they cannot do is packed from where it lies.
 * @module
 */
import type { Features } from "../../kernels/wasm/module.ts";
import { type PackerExports, packerModule } from "../../kernels/wasm/packer.ts";
import {
  elementsOf,
  inSourceOrder,
  packedSize,
  type Packing,
  packPanel,
  type Panel,
  panelsOf,
  type RowOrder,
  type Stride,
  type Words,
} from "../../kernels/wasm/packing.ts";
import type { HostArray } from "../core/host.ts";
import type { Block, Heap } from "./heap.ts";

/** Packs a value into a block of the packing's size. */
export type Packer = (source: HostArray, packing: Packing, block: Block) => void;

/** Panels that are packed from one copy after another, in the same way. */
interface Group {
  readonly by: "columns" | "rows" | "elements";
  readonly panels: readonly Panel[];
  /** Words of its largest copy. */
  readonly words: number;
}

/** Elements from which the kernels are worth their copies. */
const long = 4096;
/** Words of a copy: of a panel at most, and of some rows about. */
const mostWords = 2 ** 18;
const someWords = 2 ** 16;

/** Orders of rows that are kept, for layers of one network have few. */
const mostOrders = 16;

/** Bytes beside a constant that packing it may take, about. */
export const packingRoom = 4 * (mostWords + 8192);

/** The packer of a memory. */
export function packerOf(heap: Heap, features: Features): Packer {
  let kernels: PackerExports | undefined;
  const orders = new Map<string, RowOrder>();
  const addressOf = (address: number) => heap.wide ? BigInt(address) : address;
  /** The memory as it is now. */
  const all = () => new Int32Array(heap.memory.buffer as ArrayBuffer);

  function load(): PackerExports {
    const module = new WebAssembly.Module(packerModule(features, heap.most));
    const env = { memory: heap.memory, stamp() {} };
    return new WebAssembly.Instance(module, { env }).exports as unknown as PackerExports;
  }

  function orderOf(rows: readonly Stride[]): RowOrder {
    const key = JSON.stringify(rows);
    let order = orders.get(key);
    if (order) return order;
    if (orders.size === mostOrders) orders.clear();
    orders.set(key, order = inSourceOrder(rows));
    return order;
  }

  /** Each panel from a copy of its columns. */
  function byColumns(words: Int32Array, { panels }: Group, block: Block, copy: Block): void {
    const { columns } = kernels ??= load();
    const { places } = panels[0].rows;
    const memory = all();
    memory.set(places, copy.address / 4);
    const at = copy.address + 4 * places.length;
    for (const panel of panels) {
      memory.set(words.subarray(panel.start, panel.start + spanOf(panel)), at / 4);
      columns(
        addressOf(at),
        addressOf(block.address + 4 * panel.at),
        addressOf(copy.address),
        places.length,
        4 * panel.stride,
        4 * panel.width,
        panel.full / 4,
      );
    }
  }

  /** All panels from copies of some rows. */
  function byRows(words: Int32Array, { panels }: Group, block: Block, copy: Block): void {
    const { rows } = kernels ??= load();
    const { places: { length: count }, step } = panels[0].rows;
    const { start } = panels[0];
    const width = widthOf(panels);
    const many = rowsOf(panels);
    const memory = all();
    for (let first = 0; first < count; first += many) {
      const [here, from] = [Math.min(many, count - first), start + first * step!];
      const span = (here - 1) * step! + width;
      memory.set(words.subarray(from, from + span), copy.address / 4);
      for (const panel of panels) {
        rows(
          addressOf(copy.address + 4 * (panel.start - start)),
          addressOf(block.address + 4 * (panel.at + first * panel.width)),
          here,
          4 * step!,
          4 * panel.width,
        );
      }
    }
  }

  return (source, packing, block) => {
    const make = elementsOf(packing) === "f32" ? Float32Array : Int32Array;
    const size = packedSize(packing);
    const target = () => new make(heap.memory.buffer as ArrayBuffer, block.address, size);
    const panels = panelsOf(packing, orderOf);
    const words = size >= long && isCopied(source, target()) ? wordsOf(source) : undefined;
    const groups: readonly Group[] = words
      ? groupsOf(panels)
      : [{ by: "elements", panels, words: 0 }];
    const most = groups.reduce((n, group) => Math.max(n, group.words), 0);
    const copy = most && heap.hasRoom(4 * most)
      ? heap.take(4 * most, "packing constants")
      : undefined;
    try {
      for (const group of groups) {
        if (!words || !copy || group.by === "elements") {
          for (const panel of group.panels) packPanel(source, panel, target());
        } else (group.by === "columns" ? byColumns : byRows)(words, group, block, copy);
      }
    } finally {
      if (copy) heap.give(copy);
    }
  };
}

/** True if elements are copied as they are. */
function isCopied(source: ArrayLike<number>, into: Words): source is Words {
  return into instanceof Float32Array
    ? source instanceof Float32Array
    : source instanceof Int32Array;
}

/** The same memory as words. */
function wordsOf({ buffer, byteOffset, length }: Words): Int32Array {
  return new Int32Array(buffer, byteOffset, length);
}

/** Panels in runs that are packed in the same way. */
function groupsOf(panels: readonly Panel[]): readonly Group[] {
  const runs: { by: Group["by"]; panels: Panel[] }[] = [];
  for (const panel of panels) {
    const by = wayOf(panel);
    const run = runs.at(-1);
    const last = run?.panels.at(-1);
    const isNext = last && by === run!.by && panel.rows === last.rows &&
      (by !== "rows" || panel.start === last.start + last.width);
    if (isNext) run!.panels.push(panel);
    else runs.push({ by, panels: [panel] });
  }
  return runs.map(({ by, panels }) => ({ by, panels, words: copiedWords(by, panels) }));
}

/** What kernels ask for: whole panels, and rows or columns that lie word by word. */
function wayOf(panel: Panel): Group["by"] {
  const { full, width, stride, rows: { places, step } } = panel;
  if (full < width || step === undefined || stride < 1 || step < 1) return "elements";
  if (step === 1 && places.length >= 4 && spanOf(panel) <= mostWords) return "columns";
  const isInOrder = stride === 1 && places.every((place, i) => place === i);
  return isInOrder && step <= mostWords ? "rows" : "elements";
}

function copiedWords(by: Group["by"], panels: readonly Panel[]): number {
  if (by === "elements") return 0;
  if (by === "rows") return (rowsOf(panels) - 1) * panels[0].rows.step! + widthOf(panels);
  return panels[0].rows.places.length + Math.max(...panels.map(spanOf));
}

/** Words from a panel's first element in the source to behind its last, columns apart. */
function spanOf({ full, stride, rows: { places } }: Panel): number {
  return (full - 1) * stride + places.length;
}

/** Rows that are copied at once. */
function rowsOf([{ rows: { places, step } }]: readonly Panel[]): number {
  return Math.min(places.length, Math.max(1, Math.floor(someWords / step!)));
}

function widthOf(panels: readonly Panel[]): number {
  return panels.reduce((n, { width }) => n + width, 0);
}
