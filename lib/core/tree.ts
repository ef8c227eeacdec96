/**
 * Trees: nested arrays and records with tensors (or anything else) at the leaves. Models take and
 * give them; the order of leaves is that of arrays, and of record keys as written.
 * @module
 */

/** Where a leaf stands: keys and positions from the root. */
export type Path = readonly (string | number)[];

/** True for what a tree may branch at: arrays and plain records. */
function isBranch(value: unknown): value is Record<string, unknown> | readonly unknown[] {
  if (Array.isArray(value)) return true;
  if (typeof value !== "object" || value === null) return false;
  const proto = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}

/** Leaves in order with their paths; `isLeaf` stops earlier than the branches do. */
export function leavesOf<T>(
  tree: unknown,
  isLeaf: (value: unknown) => value is T,
  path: Path = [],
): { readonly leaf: T; readonly path: Path }[] {
  if (isLeaf(tree)) return [{ leaf: tree, path }];
  if (!isBranch(tree)) return [];
  return Object.entries(tree).flatMap(([key, value]) =>
    leavesOf(value, isLeaf, [...path, Array.isArray(tree) ? Number(key) : key])
  );
}

/** The same tree with its leaves replaced; what is neither branch nor leaf stays. */
export function mapTree<T>(
  tree: unknown,
  isLeaf: (value: unknown) => value is T,
  change: (leaf: T, path: Path) => unknown,
  path: Path = [],
): unknown {
  if (isLeaf(tree)) return change(tree, path);
  if (!isBranch(tree)) return tree;
  if (Array.isArray(tree)) return tree.map((v, i) => mapTree(v, isLeaf, change, [...path, i]));
  return Object.fromEntries(
    Object.entries(tree).map(([k, v]) => [k, mapTree(v, isLeaf, change, [...path, k])]),
  );
}

/** A text that is equal for trees of equal structure and equal values outside the leaves. */
export function structureOf<T>(
  tree: unknown,
  isLeaf: (value: unknown) => value is T,
  leaf: (leaf: T) => string = () => "*",
): string {
  if (isLeaf(tree)) return leaf(tree);
  if (Array.isArray(tree)) return `[${tree.map((v) => structureOf(v, isLeaf, leaf)).join(",")}]`;
  if (isBranch(tree)) {
    const entries = Object.entries(tree).map(([k, v]) =>
      `${JSON.stringify(k)}:${structureOf(v, isLeaf, leaf)}`
    );
    return `{${entries.join(",")}}`;
  }
  if (typeof tree === "function" || typeof tree === "symbol") return `<${String(tree)}>`;
  if (typeof tree === "bigint") return `${tree}n`;
  if (typeof tree === "number") return Object.is(tree, -0) ? "-0" : String(tree);
  return tree === undefined ? "undefined" : JSON.stringify(tree);
}

/** A path as text: `conv0.weight`, `layers.2.bias`. */
export function pathText(path: Path): string {
  return path.join(".");
}
