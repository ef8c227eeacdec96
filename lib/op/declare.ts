/**
 * `op` makes the DSL function of a declaration: one value that carries meaning, type rule,
 * lowering, gradient, documentation and cases.
 * @module
 */
import { literal } from "../core/leaf.ts";
import { DTypeError, OptionError } from "../core/fault.ts";
import type { At, Attrs, Case, Draft, Field, Op, VjpArgs, Wire } from "../core/op.ts";
import type { Host } from "../core/host.ts";
import type { Scalar } from "../core/scalar.ts";
import { apply, isTensor, located, type Tensor } from "../core/tensor.ts";
import type { Type } from "../core/type.ts";
import { checked } from "./field.ts";

/** What stands for a tensor in a call: a tensor, or a bare number that takes its neighbour's dtype. */
export type Operand = Tensor | number;

/** Operands given by position: all but the optional ones. */
export type Positional<In extends readonly string[]> = In extends
  readonly [infer H extends string, ...infer R extends readonly string[]]
  ? H extends `${string}?` ? Positional<R>
  : H extends `${string}...` ? [list: readonly Operand[], ...rest: Positional<R>]
  : [operand: Operand, ...rest: Positional<R>]
  : [];

/** Operands given by name in the options. */
export type Optional<In extends readonly string[]> = {
  readonly [K in In[number] as K extends `${infer N}?` ? N : never]?: Operand;
};

/** Attributes and optional operands, as one record. */
export type Options<In extends readonly string[], A extends object> =
  & Readonly<A>
  & Optional<In>;

/** The last argument: a record of options, which may be left out where all of it may. */
export type Rest<O> = keyof O extends never ? []
  : Record<never, never> extends O ? [options?: O]
  : [options: O];

/** The DSL function of an operation; its record is `op`. */
export interface Fn<In extends readonly string[], A extends object = Record<never, never>> {
  (...args: [...Positional<In>, ...Rest<Options<In, A>>]): Tensor;
  /** The record of the operation. */
  readonly op: Op;
}

/** What an author writes to add an operation. Exactly one of scalar, view, eval, compose. */
export interface Declaration<In extends readonly string[], A extends object> {
  /** The name in texts, errors and tables. */
  readonly name: string;
  /** One sentence; the docstring's first. */
  readonly doc: string;
  /** Operand names; `?` marks optional ones, `...` a list. */
  readonly ins: In;
  /** A field for each attribute. */
  readonly attrs?: { readonly [K in keyof NoInfer<A>]-?: Field };
  /** Type of the result; left out, that of the first operand. */
  infer?(ins: readonly Type[], attrs: Full<NoInfer<A>>): Type;
  /** The body of an elementwise operation. */
  readonly scalar?: (
    ins: readonly Scalar[],
    attrs: Full<NoInfer<A>>,
    types: readonly Type[],
  ) => Scalar;
  /** Which operand element each result coordinate shows. */
  readonly view?: (
    coords: readonly Scalar[],
    ins: readonly Type[],
    attrs: Full<NoInfer<A>>,
  ) => readonly Scalar[];
  /** The meaning on host values. */
  readonly eval?: (
    ins: readonly Host[],
    attrs: Full<NoInfer<A>>,
    outs: readonly Type[],
  ) => readonly Host[];
  /** The meaning as other operations. */
  readonly compose?: (ins: readonly Tensor[], attrs: Full<NoInfer<A>>) => Tensor;
  /** The form that computes it. */
  readonly lower?: (
    at: At,
    ins: readonly Type[],
    attrs: Full<NoInfer<A>>,
    outs: readonly Type[],
  ) => Draft | undefined;
  /** Cotangents of the operands, linear in `ct`. */
  readonly vjp?: (
    args: Omit<VjpArgs, "attrs"> & { readonly attrs: Full<NoInfer<A>> },
  ) => readonly (Tensor | undefined)[];
  /** A simpler equal tensor, or `undefined`. */
  readonly simplify?: (out: Tensor) => Tensor | undefined;
  /** The one file operator that it is, if it is one. */
  readonly wire?: Wire;
  /** Examples: its conformance suite. */
  readonly cases: readonly Case[];
}

/** Attributes after their fields have filled in and normalised them. */
// deno-lint-ignore no-explicit-any -- a field normalises what the author may give in several ways
export type Full<A extends object> = { readonly [K in keyof A]-?: any };

/** The DSL function of an operation with several results; its record is `op`. */
export interface ManyFn<In extends readonly string[], A extends object = Record<never, never>> {
  (...args: [...Positional<In>, ...Rest<Options<In, A>>]): readonly Tensor[];
  /** The record of the operation. */
  readonly op: Op;
}

/** What an author writes to add an operation with several results. */
export interface ManyDeclaration<In extends readonly string[], A extends object>
  extends Omit<Declaration<In, A>, "infer" | "compose"> {
  /** Types of the results. */
  infer(ins: readonly Type[], attrs: Full<NoInfer<A>>): readonly Type[];
  /** The meaning as other operations. */
  readonly compose?: (ins: readonly Tensor[], attrs: Full<NoInfer<A>>) => readonly Tensor[];
}

/** The DSL function of a declaration. */
export function op<const In extends readonly string[], A extends object>(
  declaration: Declaration<In, A>,
): Fn<In, A> {
  const { infer = ([x]) => x, compose, ...rest } = declaration;
  const whole = {
    ...rest,
    infer: (ins: readonly Type[], attrs: Full<A>) => [infer(ins, attrs)],
    ...(compose
      ? { compose: (ins: readonly Tensor[], attrs: Full<A>) => [compose(ins, attrs)] }
      : {}),
  };
  const { op: record, call } = declared(whole as unknown as ManyDeclaration<In, A>);
  return Object.assign((...args: unknown[]) => call(args)[0], { op: record }) as unknown as Fn<
    In,
    A
  >;
}

/** The DSL function of a declaration of several results. */
export function many<const In extends readonly string[], A extends object>(
  declaration: ManyDeclaration<In, A>,
): ManyFn<In, A> {
  const { op: record, call } = declared(declaration);
  return Object.assign((...args: unknown[]) => call(args), { op: record }) as unknown as ManyFn<
    In,
    A
  >;
}

/** The record of a declaration, and its application to the arguments of a call. */
function declared<In extends readonly string[], A extends object>(
  declaration: ManyDeclaration<In, A>,
): { readonly op: Op; readonly call: (args: readonly unknown[]) => readonly Tensor[] } {
  const d = declaration as unknown as ManyDeclaration<readonly string[], Attrs>;
  const meanings = [d.scalar, d.view, d.eval, d.compose].filter(Boolean).length;
  if (meanings !== 1) {
    throw new TypeError(
      `internal: ${d.name} needs one of scalar, view, eval, compose; has ${meanings}`,
    );
  }
  const { attrs: fields = {}, ...rest } = d;
  const record = { ...rest, fields: fields as Readonly<Record<string, Field>> } as Op;
  const names = d.ins.filter((n) => !n.endsWith("?"));
  const optional = d.ins.filter((n) => n.endsWith("?")).map((n) => n.slice(0, -1));
  const operandsOf = (args: readonly unknown[], given: Record<string, unknown>): Tensor[] => {
    const operands: unknown[] = names.flatMap((n, i) =>
      n.endsWith("...") ? args[i] as unknown[] : [args[i]]
    );
    let missing: string | undefined;
    for (const name of optional) {
      const value = given[name];
      delete given[name];
      if (value === undefined) missing ??= name;
      else if (missing) {
        throw new OptionError(
          `Cannot apply ${d.name} with ${name} but without ${missing}: give both`,
        );
      } else operands.push(value);
    }
    if (args.length > names.length + 1) {
      throw new OptionError(
        `Cannot apply ${d.name} to ${args.length} arguments: it takes ${
          names.join(", ")
        } and options`,
      );
    }
    return tensors(d.name, operands);
  };
  const call = (args: readonly unknown[]): readonly Tensor[] => {
    const given = { ...(args[names.length] as Record<string, unknown> | undefined) };
    try {
      const ins = operandsOf(args, given);
      return apply(record, ins, checked(d.name, record.fields, given, ins));
    } catch (error) {
      throw located(error, new Error(d.name));
    }
  };
  return { op: record, call };
}

/** Turns bare numbers into literals of the first tensor's dtype. */
function tensors(name: string, operands: readonly unknown[]): Tensor[] {
  const like = operands.find(isTensor);
  return operands.map((x, i) => {
    if (isTensor(x)) return x;
    if (typeof x === "number" || typeof x === "boolean") {
      return literal(Number(x), like?.dtype ?? (typeof x === "boolean" ? "bool" : "f32"));
    }
    const found = x instanceof Promise
      ? "a promise; models, layers and operations are synchronous: await it first"
      : x === undefined
      ? "nothing"
      : `${typeof x} ${String(x).slice(0, 40)}`;
    throw new DTypeError(`Cannot apply ${name}: operand ${i} must be a tensor, found ${found}`);
  });
}
