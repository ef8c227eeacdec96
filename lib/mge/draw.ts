/**
 * Values that are drawn: `#rand(min,max)` in an input's shape, `#rand(min,max,1,3,224,224)` in its
 * own, `#rand(min,max,1,...)` completed from the input's. The numbers are NumPy's.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import { arrayOf, type Host } from "../core/host.ts";
import { sizeOf, type Type } from "../core/type.ts";
import type { RandomState } from "../io/random.ts";

/** True for a text that is meant to be drawn, well written or not. */
export function isDraw(spec: string): boolean {
  return spec.startsWith("#") || /^rand\s*\(/.test(spec);
}

/**
 * The next numbers of a generator, uniform from min to max, as an input's dtype: integers cut off
 * their fractions, truths are all true but for 0. Throws OptionError for texts that say otherwise.
 */
export function drawn(spec: string, input: Type, random: RandomState): Host {
  const inside = /^#rand\(([^()]*)\)$/.exec(spec.trim())?.[1];
  if (inside === undefined) throw badSpec(spec);
  const [low, high, ...extents] = inside.split(",").map((part) => part.trim());
  const [from, to] = [low, high].map(numberOf);
  if (from === undefined || to === undefined) throw badSpec(spec, ": min and max are numbers");
  const own = input.shape.length > 0 ? input.shape : [1];
  const shape = extents.length === 0 ? own : extents.flatMap((word, i) => {
    if (word === "..." && i === extents.length - 1) return own.slice(i);
    if (/^\d+$/.test(word)) return [Number(word)];
    throw badSpec(spec, `: ${word || "nothing"} is no extent`);
  });
  const numbers = random.uniform(from, to, sizeOf(shape));
  const data = arrayOf(input.dtype, numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    data[i] = input.dtype === "bool" ? Number(numbers[i] !== 0) : numbers[i];
  }
  return { dtype: input.dtype, shape, data };
}

function numberOf(word: string | undefined): number | undefined {
  const ok = word !== undefined && /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(word);
  return ok && Number.isFinite(Number(word)) ? Number(word) : undefined;
}

function badSpec(spec: string, why: string = ""): OptionError {
  return new OptionError(
    `Cannot draw values: bad spec ${spec}${why}; it is written #rand(min,max), or with a shape ` +
      "#rand(min,max,1,3,224,224) or #rand(min,max,1,...)",
    { code: "option.spec" },
  );
}
