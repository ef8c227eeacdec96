/**
 * What the simple options of a dump may be: truths, lists of names, functions.
 * @module
 */
import { OptionError } from "../core/fault.ts";

const isTexts = (value: unknown) =>
  Array.isArray(value) && value.every((item) => typeof item === "string");
const isFunction = (value: unknown) => typeof value === "function";

/** An option's range as a text, and the check. */
const accepted: Readonly<Record<string, readonly [string, (value: unknown) => boolean]>> = {
  ...Object.fromEntries(
    [
      ...["keepOprName", "keepParamName", "keepOprPriority", "optimizeForInference"],
      ...["enableMetadata", "gzip", "silent", "noAssert", "resizeInput", "rgb", "append"],
      "appendJson",
    ].map((name) => [name, ["true or false", (value) => typeof value === "boolean"]]),
  ),
  argNames: ["a list of texts", isTexts],
  outputNames: ["a list of texts", isTexts],
  inputData: ["a list of specs, each a text, or a record of values", isCases],
  onProgress: ["a function of two numbers of bytes", isFunction],
  log: ["a function of a text", isFunction],
  flexible: ["true, false, or lists of axes by the names of arguments", isFlexible],
  seed: ["an integer from 0", (value) => Number.isInteger(value) && (value as number) >= 0],
};

function isCases(value: unknown): boolean {
  const isCase = (one: unknown) =>
    typeof one === "string" || typeof one === "object" && one !== null && !Array.isArray(one);
  return Array.isArray(value) && value.every(isCase);
}

function isFlexible(value: unknown): boolean {
  if (typeof value === "boolean") return true;
  return typeof value === "object" && value !== null &&
    Object.values(value).every((axes) => Array.isArray(axes) && axes.every(Number.isInteger));
}

/** Refuses values that these options cannot have, naming the range. */
export function checkFlags(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) {
    const [range, holds] = Object.hasOwn(accepted, name) ? accepted[name] : [];
    if (value === undefined || !holds || holds(value)) continue;
    const shown = typeof value === "function" ? "a function" : JSON.stringify(value);
    throw new OptionError(`Cannot dump with ${name}: ${shown}: it must be ${range}`);
  }
}
