/**
 * Loop nests over the axes that a form reduces: small windows are written out, the last axis may go
 * in steps of four or be shared by the invocations of a work-group, and long sums go in blocks.
 * @module
 */
import { addressOf } from "../../lib/core/index.ts";
import type { Scalar } from "../../lib/core/scalar.ts";
import { indent, type Width } from "./kernel.ts";
import type { AxisName, Scope } from "./scalar.ts";

/** How a nest is to be written. */
export interface NestOptions {
  readonly over: readonly number[];
  /** Elements of the last axis that a step takes. */
  readonly width: Width;
  /** Invocations that share the last axis, the number of this one being `lane`; 1 for one alone. */
  readonly team: number;
  /** Most steps that are written out. */
  readonly unroll: number;
}

/** A place in a loop nest where statements go. */
export interface Nest {
  /** Writes `body` into every step; `part` stands around the innermost loop. */
  each(body: (scope: Scope) => void, part?: Part): void;
  /** Loop iterations of one `each`, as an upper bound. */
  readonly iterations: number;
  /** The place of a step among all, as a term. */
  readonly at: Scalar;
}

interface Part {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Steps of one block of a long sum. */
const block = 64;

/** The nest over axes 1, 2 … in a block that knows axis 0. */
export function nestOf(scope: Scope, options: NestOptions): Nest {
  const { over, width, team } = options;
  const at = addressOf(
    over.map((extent, i) => ({ kind: "axis", type: "i32", axis: 1 + i, extent })),
    over,
  );
  const last = over.length - 1;
  const stride = width * team;
  // What one invocation does on each axis; -1 where the work cannot be shared evenly.
  const steps = over.map((extent, i) => i < last ? extent : Math.ceil(extent / stride));
  const isEven = over.length === 0 || over[last] % stride === 0;
  let written = 1;
  let loops = over.length;
  while (loops > 0 && written * steps[loops - 1] <= options.unroll && (isEven || loops <= last)) {
    written *= steps[--loops];
  }
  const copies = copiesOf(steps.slice(loops), loops, last, options);
  // The blocks stay for every `each`, so that what one step computes the next stages find again.
  const whole = loops === 0 ? copies.map((axes) => scope.child({ axes })) : undefined;

  function each(body: (scope: Scope) => void, part?: Part): void {
    if (whole) {
      scope.lines.push(...(part?.before ?? []));
      for (const inner of whole) {
        const from = inner.lines.length;
        body(inner);
        scope.lines.push(...inner.lines.slice(from));
      }
      scope.lines.push(...(part?.after ?? []));
      return;
    }
    loop(scope, 0, body, part);
  }

  function loop(outer: Scope, i: number, body: (scope: Scope) => void, part?: Part): void {
    const { module } = outer;
    const name = module.name().replace("t", "j");
    const isInner = i === loops - 1;
    const axis: AxisName = i === last && width === 4 ? { text: name, step: 1 } : { text: name };
    const inner = outer.child({ axes: new Map([[1 + i, axis]]) });
    if (isInner) {
      if (loops === over.length) body(inner);
      for (const axes of loops === over.length ? [] : copies) {
        const copy = inner.child({ axes });
        body(copy);
        inner.lines.push(...copy.lines);
      }
    } else loop(inner, i + 1, body, part);
    const end = module.param(over[i]);
    const by = i === last ? stride : 1;
    const first = i === last && team > 1 ? `lane * ${width}` : "0";
    const step = by === 1 ? `${name}++` : `${name} += ${by}`;
    const head = (from: string, to: string) =>
      `for (var ${name} = ${from}; ${name} < ${to}; ${step}) {`;
    const { before = [], after = [] } = (isInner && part) || {};
    if (isInner && part && i === last && steps[i] > 2 * block) {
      const from = `${name}_from`;
      outer.lines.push(
        `for (var ${from} = ${first}; ${from} < ${end}; ${from} += ${block * by}) {`,
        ...indent([
          `let ${name}_to = min(${from} + ${block * by}, ${end});`,
          ...before,
          head(from, `${name}_to`),
          ...indent(inner.lines),
          `}`,
          ...after,
        ]),
        `}`,
      );
      return;
    }
    const lines = [head(first, end), ...indent(inner.lines), `}`];
    // Braces, for an outer loop may declare the same part again.
    outer.lines.push(
      ...(part && isInner ? ["{", ...indent([...before, ...lines, ...after]), "}"] : lines),
    );
  }

  let iterations = 0;
  for (let i = loops - 1; i >= 0; i--) {
    const blocks = i === last ? Math.ceil(steps[i] / block) : 0;
    iterations = steps[i] * (1 + iterations) + blocks;
  }
  return { each, iterations, at };
}

/** The names of the axes in each copy of what is written out. */
function copiesOf(
  steps: readonly number[],
  first: number,
  last: number,
  { width, team }: NestOptions,
): ReadonlyMap<number, AxisName>[] {
  let copies: Map<number, AxisName>[] = [new Map()];
  steps.forEach((count, k) => {
    const axis = first + k;
    copies = copies.flatMap((names) =>
      Array.from({ length: count }, (_, n) => {
        if (axis < last) return new Map([...names, [1 + axis, { text: `${n}i`, align: n }]]);
        const place = n * width * team;
        const name: AxisName = team > 1
          ? { text: `(lane * ${width} + ${place})`, align: width }
          : { text: `${place}i`, align: place };
        return new Map([...names, [1 + axis, width === 4 ? { ...name, step: 1 as const } : name]]);
      })
    );
  });
  return copies;
}
