/**
 * Evaluates forms point by point: the slow, obvious loop nest that every kernel must agree with.
 * @module
 */
import { type Combine, type Form, generic, startOf } from "../core/form.ts";
import { arrayOf, type Host, type HostArray } from "../core/host.ts";
import { sizeOf } from "../core/type.ts";
import { compile, environment } from "./scalar.ts";

/** The results of a form on host operands. */
export function evaluateForm(form: Form, ins: readonly Host[]): readonly Host[] {
  const env = environment(ins.map((h) => h.data));
  const outs = form.outs.map((o) => ({
    dtype: o.type.dtype,
    shape: [...o.type.shape],
    data: arrayOf(o.type.dtype, sizeOf(o.type.shape)),
  }));
  const memo = new Map();
  const writes = form.outs.map((o, i) => ({
    data: outs[i].data as HostArray,
    index: compile(o.index, memo),
    body: compile(o.body, memo),
  }));
  const write = () => {
    for (const w of writes) w.data[w.index(env)] = w.body(env);
  };
  const plain = generic(form);
  switch (plain.kind) {
    case "map":
      loop(plain.shape, 0, env.axes, write);
      break;
    case "reduce": {
      const body = compile(plain.body, memo);
      const kind = plain.body.type === "f32" ? "f32" : "i32";
      loop(plain.shape, 0, env.axes, () => {
        const step = accumulator(plain.combine, kind, () => body(env));
        loop(plain.over, plain.shape.length, env.axes, step.next);
        env.accs[0] = step.value();
        write();
      });
      break;
    }
    case "rows": {
      const bodies = plain.stages.map((st) => compile(st.body, memo));
      loop(plain.shape, 0, env.axes, () => {
        plain.stages.forEach((stage, i) => {
          const kind = stage.body.type === "f32" ? "f32" : "i32";
          const step = accumulator(stage.combine, kind, () => bodies[i](env));
          loop(plain.over, plain.shape.length, env.axes, step.next);
          env.accs[i] = step.value();
        });
        loop(plain.over, plain.shape.length, env.axes, write);
      });
      break;
    }
    default:
      throw new TypeError(`internal: unknown form ${plain satisfies never}`);
  }
  return outs;
}

/** Runs `body` for every point of a shape, last axis fastest. */
export function loop(
  shape: readonly number[],
  first: number,
  axes: number[],
  body: () => void,
): void {
  if (shape.some((extent) => extent === 0)) return;
  const rank = shape.length;
  for (let i = 0; i < rank; i++) axes[first + i] = 0;
  while (true) {
    body();
    let at = rank - 1;
    while (at >= 0 && ++axes[first + at] === shape[at]) axes[first + at--] = 0;
    if (at < 0) return;
  }
}

/** One running reduction; the first index wins among equals, and the first NaN among all. */
export function accumulator(
  combine: Combine,
  kind: "f32" | "i32",
  read: () => number,
): { next: () => void; value: () => number } {
  let value = startOf(combine, kind);
  if (combine === "argmax" || combine === "argmin") {
    let best = NaN;
    let at = -1;
    let found = 0;
    const better = combine === "argmax"
      ? (x: number) => x > best || (x !== x && best === best)
      : (x: number) => x < best || (x !== x && best === best);
    const next = () => {
      at++;
      const x = read();
      if (at === 0 || better(x)) best = x, found = at;
    };
    return { next, value: () => found };
  }
  const step: (x: number) => number = combine === "sum"
    ? (x) => value + x
    : combine === "prod"
    ? kind === "i32" ? (x) => Math.imul(value, x) : (x) => value * x
    : combine === "max"
    ? (x) => Math.max(value, x)
    : (x) => Math.min(value, x);
  return {
    next: () => {
      value = step(read());
    },
    value: () => kind === "i32" ? value | 0 : value,
  };
}
