/**
 * Values for the cases that operations declare: seeded, within the stated range.
 * @module
 */
import { arrayOf, type Host } from "../../lib/core/host.ts";
import type { Case, CaseInput, Op } from "../../lib/core/op.ts";
import { isFloat, sizeOf } from "../../lib/core/type.ts";

/** A small generator (mulberry32): numbers in [0, 1). */
export function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The value of one operand of a case. */
export function valueOf(input: CaseInput, seed: number): Host {
  if ("data" in input) return input;
  const { type, from, to } = input;
  const next = random(seed);
  const data = arrayOf(type.dtype, sizeOf(type.shape));
  for (let i = 0; i < data.length; i++) {
    const x = from + (to - from) * next();
    data[i] = isFloat(type.dtype) ? x : Math.floor(x);
  }
  return { dtype: type.dtype, shape: [...type.shape], data };
}

/** The operands of a case. */
export function valuesOf(c: Case, seed: number = 1): Host[] {
  return c.ins.map((input, i) => valueOf(input, seed * 1000 + i));
}

/** A name for a case in messages. */
export function caseName(op: Op, index: number): string {
  return `${op.name} case ${index}`;
}

/** True where the operands are small enough for slow judges. */
export function isSmall(c: Case, most: number = 5000): boolean {
  return c.ins.every((input) => sizeOf("data" in input ? input.shape : input.type.shape) <= most) &&
    !c.bench;
}

/** The worst element that breaks |a - b| <= atol + rtol·|b|, or `undefined`. */
export function worst(
  got: Host,
  want: Host,
  rtol: number,
  atol: number,
): { index: number; got: number; want: number } | undefined {
  let found: { index: number; got: number; want: number } | undefined;
  let most = 0;
  for (let i = 0; i < want.data.length; i++) {
    const a = Number(got.data[i]), b = Number(want.data[i]);
    if (a === b || (a !== a && b !== b)) continue;
    const over = Math.abs(a - b) - (atol + rtol * Math.abs(b));
    const bad = over > 0 || over !== over;
    if (bad && (!found || over > most || over !== over)) {
      most = over;
      found = { index: i, got: a, want: b };
    }
  }
  return found;
}
