/**
 * Constants as contractions read them: panels of some columns, row after row, so that a tile streams
 * through memory. Which widths there are follows from the number of columns alone.
 * @module
 */

/** How a constant operand is laid out anew, once, when a plan is loaded. */
export type Packing = Panels | {
  readonly kind: "several";
  /** They follow each other. */
  readonly parts: readonly Packing[];
};

/** Matrices as panels of some columns. */
export interface Panels {
  readonly kind: "panels";
  /** What they are packed as; narrower dtypes are widened. */
  readonly elements: "f32" | "i32";
  /** Elements of the source that a matrix starts at, and how many matrices there are. */
  readonly base: number;
  readonly matrices: readonly Stride[];
  /** The rows of a panel, outermost axis first. */
  readonly rows: readonly Stride[];
  /** The columns. */
  readonly columns: Stride;
  /** Columns of each panel; their sum is at least that of the columns, and zeros fill the rest. */
  readonly widths: readonly number[];
}

/** An axis of a source: its extent, and elements from one to the next. */
export interface Stride {
  readonly extent: number;
  readonly stride: number;
}

/**
 * Panels for so many columns: 24s and 20s make any multiple of 4 from 80 on. Few rows are computed
 * all at once, so that a panel is read once, as wide as the registers allow.
 */
export function panelWidths(columns: number, rows: number = Infinity): number[] {
  const n = Math.ceil(columns / 4) * 4;
  const most = rows === 1 ? 40 : rows === 3 ? 12 : rows >= 4 && rows <= 6 ? 8 : 24;
  if (most !== 24) {
    return Array.from({ length: Math.ceil(n / most) }, (_, i) => Math.min(most, n - i * most));
  }
  // As many 24s as leave a rest that 20s make.
  for (let wide = Math.floor(n / 24); wide >= 0; wide--) {
    const rest = n - wide * 24;
    if (rest % 20 !== 0) continue;
    return [...new Array<number>(wide).fill(24), ...new Array<number>(rest / 20).fill(20)];
  }
  const widths: number[] = [];
  for (let left = n; left > 0; left -= widths.at(-1)!) {
    widths.push(left >= 24 && left !== 28 && left !== 32 ? 24 : Math.min(left, 16));
  }
  return widths;
}

/** Elements of a packed operand. */
export function packedSize(packing: Packing): number {
  if (packing.kind === "several") {
    return packing.parts.reduce((n, part) => n + packedSize(part), 0);
  }
  const { matrices, rows, widths } = packing;
  const count = (axes: readonly Stride[]) => axes.reduce((n, { extent }) => n * extent, 1);
  return count(matrices) * count(rows) * widths.reduce((a, b) => a + b, 0);
}

/** The elements of a packing. */
export function elementsOf(packing: Packing): "f32" | "i32" {
  return packing.kind === "several" ? elementsOf(packing.parts[0]) : packing.elements;
}

/** One panel of a packing. */
export interface Panel {
  /** Its first element in the source, and elements from one column to the next. */
  readonly start: number;
  readonly stride: number;
  /** Columns that are there, of the `width` that it has. */
  readonly full: number;
  readonly width: number;
  readonly rows: RowOrder;
  /** Where it begins in what is packed. */
  readonly at: number;
}

/** All panels of a packing, in order; `orderOf` gives the order of rows, which many have in common. */
export function panelsOf(
  packing: Packing,
  orderOf: (rows: readonly Stride[]) => RowOrder = inSourceOrder,
  from: number = 0,
): readonly Panel[] {
  if (packing.kind === "several") {
    let at = from;
    return packing.parts.flatMap((part) => {
      const panels = panelsOf(part, orderOf, at);
      at += packedSize(part);
      return panels;
    });
  }
  const { base, matrices, columns: { extent, stride }, widths } = packing;
  const rows = orderOf(packing.rows);
  const panels: Panel[] = [];
  let at = from;
  for (const matrix of offsetsOf(matrices)) {
    let first = 0;
    for (const width of widths) {
      const [start, full] = [base + matrix + first * stride, Math.min(width, extent - first)];
      panels.push({ start, stride, full, width, rows, at });
      at += rows.places.length * width;
      first += width;
    }
  }
  return panels;
}

/** Packs. Reads and writes once, in the order of the panels. */
export function pack(source: ArrayLike<number>, packing: Packing, into: Words): void {
  for (const panel of panelsOf(packing)) packPanel(source, panel, into);
}

/** Packs one panel element by element; long ones go through kernels (`packer.ts`). */
export function packPanel(source: ArrayLike<number>, panel: Panel, into: Words): void {
  const { start, stride, full, width, rows: { startsOf, places }, at } = panel;
  const [starts, count] = [startsOf(), places.length];
  for (let first = 0; first < count; first += chunk) {
    const end = Math.min(count, first + chunk);
    for (let c = 0; c < full; c++) {
      const [from, to] = [start + c * stride, at + c];
      for (let r = first; r < end; r++) into[to + places[r] * width] = source[from + starts[r]];
    }
  }
  if (full === width) return;
  for (let r = 0; r < count; r++) into.fill(0, at + r * width + full, at + (r + 1) * width);
}

/** What packed operands are. */
export type Words = Float32Array | Int32Array;

/** The rows of a panel in the order in which they lie in the source. */
export interface RowOrder {
  /** Where each starts in the source, less where the panel does. */
  startsOf(): Int32Array;
  /** Which row of the panel it is. */
  readonly places: Int32Array;
  /** Elements from each row to the next, where that is the same for all. */
  readonly step: number | undefined;
}

/** The order of some rows. */
export function inSourceOrder(rows: readonly Stride[]): RowOrder {
  const after = (i: number) => rows.slice(i + 1).reduce((n, { extent }) => n * extent, 1);
  const axes = rows.map(({ extent, stride }, i) => ({ extent, stride, place: after(i) }))
    .sort((p, q) => q.stride - p.stride);
  const places = offsetsOf(axes.map(({ extent, place }) => ({ extent, stride: place })));
  return { places, startsOf: () => offsetsOf(axes), step: stepOf(axes) };
}

/** Elements from each combination of axes to the next, where that is the same for all. */
function stepOf(axes: readonly Stride[]): number | undefined {
  const long = axes.filter(({ extent }) => extent > 1);
  const isEven = long.every(({ stride }, i) =>
    i === long.length - 1 || stride === long[i + 1].extent * long[i + 1].stride
  );
  return isEven ? long.at(-1)?.stride ?? 0 : undefined;
}

/** Rows that are copied together: they stay in the first cache while column after column is read. */
const chunk = 32;

/** Where each combination of some axes starts, last axis fastest. */
export function offsetsOf(axes: readonly Stride[]): Int32Array {
  let offsets = new Int32Array(1);
  for (const { extent, stride } of axes) {
    const next = new Int32Array(offsets.length * extent);
    for (let i = 0; i < offsets.length; i++) {
      for (let k = 0; k < extent; k++) next[i * extent + k] = offsets[i] + k * stride;
    }
    offsets = next;
  }
  return offsets;
}
