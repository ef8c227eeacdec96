/**
 * Files whose sizes may change. The function is staged for several sizes, and the lists of
 * operators are walked together: numbers that follow a size become arithmetic on the shape of an
 * input, or the open axis of a reshape. Lists that differ in anything else do not generalise.
 * @module
 */
import { type Graph, orderOf, resultsOf } from "../core/graph.ts";
import { sameType, type Type } from "../core/type.ts";
import { type Drafted, neededBy, newEmitter, outputOf, type Var } from "./emitter.ts";
import type { Written } from "./legal.ts";
import { convert, elemwise, integers, scalar, table } from "./legal/steps.ts";
import { type Making, operatorsOf } from "./operators.ts";
import type { Size } from "./sizes.ts";
import type { GraphFor } from "./testcase.ts";

/** One staging, with how far each size is from that of the first list. */
interface Variant {
  readonly steps: readonly number[];
  readonly list: readonly Drafted[];
}

/** A number as it follows the sizes: `base + Σ scale·step`. */
type Fit = readonly number[];

/** Tries to write operators that follow the sizes; a text says why that cannot be. */
export async function flexibleOperators(
  graph: Graph,
  graphFor: GraphFor,
  sizes: readonly Size[],
  making: Making,
  argNames: readonly string[],
): Promise<(() => Written) | string> {
  let why = "its results depend on the sizes in another way";
  for (const ahead of [0, 6, 17]) {
    if (ahead === 0 && sizes.some(({ extent }) => extent < 2)) continue;
    const write = async (steps: readonly number[]) => {
      const shapes = graph.args.map((t) => [...t.shape]);
      sizes.forEach(({ at, extent }, v) => {
        for (const { arg, axis } of at) shapes[arg][axis] = extent + ahead + steps[v];
      });
      const staged = await graphFor(shapes);
      if (!alike(staged, graph)) throw new RangeError("it takes other steps for other sizes");
      return operatorsOf(staged, making, argNames);
    };
    try {
      const still = sizes.map(() => 0);
      const base = await write(still);
      const variants: Variant[] = [];
      for (const steps of variations(still)) {
        variants.push({ steps, list: (await write(steps)).e.all });
      }
      const made = followed(base, variants, sizes, ahead);
      if (typeof made !== "string") {
        return () => followed(base, variants, sizes, ahead) as Written;
      }
      why = made;
    } catch (error) {
      why = (error as Error).message.split("\n")[0];
    }
  }
  return why;
}

/** Each size alone, twice, and all of them at once. */
function variations(still: readonly number[]): number[][] {
  return [
    ...still.flatMap((_, v) => [still.with(v, 1), still.with(v, 4)]),
    still.map((_, v) => 2 + v),
  ];
}

/** The same operations in the same order. */
function alike(a: Graph, b: Graph): boolean {
  const names = (g: Graph) => orderOf(resultsOf(g)).map(({ op }) => op.name).join(" ");
  return names(a) === names(b);
}

/** How a number follows the sizes; `undefined` if it does so in another way than by lines. */
function fitted(
  base: number,
  values: readonly number[],
  variants: readonly Variant[],
): Fit | undefined {
  const n = variants[0].steps.length;
  const scales = Array.from({ length: n }, (_, v) => values[2 * v] - base);
  const fits = values.every((value, i) =>
    value === base + variants[i].steps.reduce((sum, by, v) => sum + by * scales[v], 0)
  );
  return fits ? scales : undefined;
}

function followed(
  base: Written,
  variants: readonly Variant[],
  sizes: readonly Size[],
  ahead: number,
): Written | string {
  const list = base.e.all;
  if (variants.some((v) => v.list.length !== list.length)) return "its operators differ in number";
  const places = [list, ...variants.map((v) => v.list)].map((l) =>
    new Map(l.map((d, i) => [d, i] as const))
  );
  const e = newEmitter();
  const made = new Map<Drafted, Var>();
  const constants = new Map<Drafted, Following>();
  const live = new Set(neededBy(list, base.roots));
  const inputs = base.args;
  const sizeVar = (v: number): Var => {
    const { arg, axis } = sizes[v].at.find(({ arg }) => live.has(inputs[arg].from)) ??
      sizes[v].at[0];
    const x = made.get(inputs[arg].from)!;
    return e.opr("GetVarShapeV1", [table("OptionalAxisV1", { axis })], [x], {
      dtype: "i32",
      shape: [1],
    });
  };
  const number = (at: number, fit: Fit): Var => {
    const own = fit.reduce((n, scale) => n - scale * ahead, at);
    const fixed = sizes.reduce((n, { extent }, v) => n - fit[v] * extent, own);
    let sum: Var | undefined;
    fit.forEach((scale, v) => {
      if (scale === 0) return;
      const size = sizeVar(v);
      const term = scale === 1 ? size : elemwise(e, "MUL", size, integers(e, [scale]));
      sum = sum ? elemwise(e, "ADD", sum, term) : term;
    });
    if (!sum) return integers(e, [at]);
    return fixed === 0 ? sum : elemwise(e, "ADD", sum, integers(e, [fixed]));
  };
  /** A type at the sizes of the file. */
  const typeAt = (type: Type, others: readonly Type[]): Type | undefined => {
    const shape = type.shape.map((n, i) => {
      const fit = fitted(n, others.map((t) => t.shape[i]), variants);
      return fit ? fit.reduce((m, scale) => m - scale * ahead, n) : n;
    });
    return others.every((t) => t.dtype === type.dtype && t.shape.length === shape.length)
      ? { dtype: type.dtype, shape }
      : undefined;
  };
  for (const [i, d] of list.entries()) {
    const others = variants.map((v) => v.list[i]);
    const same = others.every((o, k) =>
      o.type === d.type && o.main === d.main && o.ins.length === d.ins.length &&
      JSON.stringify(o.params.map((p) => p.fields)) ===
        JSON.stringify(d.params.map((p) => p.fields)) &&
      o.ins.every((v, j) =>
        v.out === d.ins[j].out && places[k + 1].get(v.from) === places[0].get(d.ins[j].from)
      )
    );
    if (!same) return `${d.type} differs`;
    const outs = d.outs.map((t, k) => typeAt(t, others.map((o) => o.outs[k])));
    if (outs.includes(undefined)) return `${d.type} gives other types`;
    if (d.tensor && d.type !== "Host2DeviceCopy") {
      const constant = constantOf(d, others);
      if (typeof constant === "string") return constant;
      constants.set(d, constant);
      continue;
    }
    const open = d.type === "ReshapeV1" ? constants.get(d.ins[1].from)?.open : undefined;
    if (open !== undefined) {
      const { data } = d.ins[1].from.host!;
      const target = Array.from(data as Iterable<number>, (n, k) => k === open ? -1 : n);
      const changed = { ...d, params: [table("OptionalAxisV1", { axis: open })] };
      const ins = [valueOf(d.ins[0]), integers(e, target)];
      made.set(d, e.adopt(changed, ins, outs as readonly Type[]));
      continue;
    }
    const unfit = d.ins.find((v) => constants.get(v.from)?.unfit);
    if (unfit) return constants.get(unfit.from)!.unfit!;
    made.set(d, e.adopt(d, d.ins.map(valueOf), outs as readonly Type[]));
  }
  const unfit = base.roots.find((v) => constants.get(v.from)?.unfit);
  if (unfit) return constants.get(unfit.from)!.unfit!;
  const at = (v: Var): Var => ({ ...valueOf(v), mask: undefined });
  return { e, roots: base.roots.map(at), args: base.args.map(at) };

  /** The variable that stands for one of the first list. */
  function valueOf(v: Var): Var {
    const known = made.get(v.from);
    if (known) return v.out === v.from.main ? known : outputOf(known.from, v.out);
    const value = constants.get(v.from)!.make!();
    made.set(v.from, value);
    return value;
  }

  /** How a constant follows the sizes; one open number may also be the open axis of a reshape. */
  function constantOf(d: Drafted, others: readonly Drafted[]): Following | string {
    if (!others.every((o) => sameType(o.outs[0], d.outs[0]))) return spread(d, others);
    const { data, dtype } = d.host ?? { data: undefined, dtype: d.outs[0].dtype };
    const differing = data === undefined
      ? []
      : Array.from(data.keys()).filter((k) =>
        others.some((o) => !Object.is(Number(o.host?.data[k]), Number(data[k])))
      );
    if (!data || !differing.length) {
      const plain = d.host && d.given === undefined ? d.host : undefined;
      return { make: () => plain ? e.hold(plain) : e.adopt(d, [], d.outs) };
    }
    const fits = differing.map((k) =>
      fitted(Number(data[k]), others.map((o) => Number(o.host!.data[k])), variants)
    );
    const open = dtype === "i32" && differing.length === 1 ? differing[0] : undefined;
    if (dtype === "i32" && d.outs[0].shape.length === 1 && !fits.includes(undefined)) {
      const make = () => {
        const still = sizes.map(() => 0);
        return vector(Array.from(data, (x, k) => {
          const at = differing.indexOf(k);
          return number(Number(x), at < 0 ? still : fits[at]!);
        }));
      };
      return { make, open };
    }
    if (dtype === "f32" && data.length === 1) return single(Number(data[0]), fits[0], others);
    return { open, unfit: `a constant of ${dtype} follows the size in another way than by a line` };
  }

  function vector(parts: readonly Var[]): Var {
    if (parts.length === 1) return parts[0];
    const type = { dtype: "i32", shape: [parts.length] } as const;
    return e.opr("Concat", [table("Axis", { axis: 0 })], parts, type);
  }

  /** One value everywhere, in a shape that follows the sizes. */
  function spread(d: Drafted, others: readonly Drafted[]): Following | string {
    const fixed = `a constant of [${d.outs[0].shape}] has as many elements as the size`;
    const uniform = (o: Drafted) => o.host?.data.every((x, _, all) => x === all[0]);
    const [{ shape, dtype }] = d.outs;
    if (![d, ...others].every(uniform) || dtype !== "f32") return fixed;
    const fits = shape.map((n, i) => fitted(n, others.map((o) => o.outs[0].shape[i]), variants));
    if (fits.includes(undefined)) return fixed;
    const values = [d, ...others].map((o) => Number(o.host!.data[0]));
    const value = single(values[0], fitted(values[0], values.slice(1), variants), others);
    if (!value.make) return fixed;
    const make = () => {
      const target = vector(shape.map((n, i) => number(n, fits[i]!)));
      const type = typeAt(d.outs[0], others.map((o) => o.outs[0]))!;
      return e.opr("Broadcast", [table("Empty")], [value.make!(), target], type);
    };
    return { make };
  }

  /** A single float: a line, or something divided by the size, as in a mean. */
  function single(x: number, fit: Fit | undefined, others: readonly Drafted[]): Following {
    if (fit) {
      const still = fit.every((scale) => scale === 0);
      return { make: () => still ? scalar(e, x, "f32") : convert(e, number(x, fit), "f32") };
    }
    const from = sizes[0].extent + ahead;
    const fits = sizes.length === 1 && others.every((o, k) => {
      const size = from + variants[k].steps[0];
      return Math.abs(Number(o.host!.data[0]) * size - x * from) <= 1e-6 * Math.abs(x * from);
    });
    if (!fits) return { unfit: "a number follows the size in another way than by a line" };
    return {
      make: () =>
        elemwise(e, "TRUE_DIV", scalar(e, x * from, "f32"), convert(e, sizeVar(0), "f32")),
    };
  }
}

/** A constant of several lists. */
interface Following {
  /** Adds what stands for it. */
  readonly make?: () => Var;
  /** The only number that differs. */
  readonly open?: number;
  /** Why it has no value for all sizes. */
  readonly unfit?: string;
}
