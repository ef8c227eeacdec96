/**
 * Test cases from their specs: one spec for the only input, one `#rand` or one file of named arrays
 * for all, `name:…;name:…` for several, and `@list.txt` for one spec a line.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Host } from "../core/host.ts";
import type { Named } from "../core/type.ts";
import { isNamedArrays } from "../io/arrays.ts";
import { readAll } from "../io/bytes.ts";
import { isDraw } from "./draw.ts";
import { type SpecOptions, valueOfSpec } from "./spec_value.ts";

/** A part of a spec: what it says, and of which input if it names one. */
export interface SpecPart {
  /** As it is written. */
  readonly text: string;
  /** The input's name; none if it names none that there is. */
  readonly name?: string;
  /** What follows the name. */
  readonly spec: string;
}

/** The specs of a list, with `@list.txt` replaced by the lines of that file that are not blank. */
export async function expandSpecs(specs: readonly string[]): Promise<readonly string[]> {
  const lists = specs.map(async (spec) => {
    if (typeof spec !== "string") {
      throw new OptionError(`Cannot make a test case of a ${typeof spec}: a spec is a text`);
    }
    if (!spec.startsWith("@")) return [spec];
    const text = new TextDecoder().decode(await readAll(spec.slice(1)));
    return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  });
  return (await Promise.all(lists)).flat();
}

/** The parts of a spec, each with the input that it names. */
export function partsOfSpec(spec: string, names: readonly string[]): readonly SpecPart[] {
  // A data URL has a semicolon of its own.
  return spec.split(/;(?!base64,)/).map((text) => {
    // Names may hold colons, so the longest that fits is meant.
    const fitting = names.filter((name) => text.startsWith(`${name}:`));
    const name = fitting.toSorted((a, b) => b.length - a.length)[0];
    return name === undefined
      ? { text, spec: text }
      : { text, name, spec: text.slice(name.length + 1) };
  });
}

/** True for a part that names no input, and looks as if it meant to name one. */
export function isMisnamed({ name, text }: SpecPart): boolean {
  return name === undefined && /^[\w.]+:/.test(text) && !isAddress(text);
}

/** The values that one spec gives to every input, by name. */
export async function valuesOfSpec(
  spec: string,
  inputs: readonly Named[],
  options: SpecOptions,
): Promise<ReadonlyMap<string, Host>> {
  const names = inputs.map(({ name }) => name);
  const parts = partsOfSpec(spec, names);
  const unnamed = parts.length === 1 && parts[0].name === undefined && !isMisnamed(parts[0]);
  const serves = unnamed && (names.length === 1 || isDraw(spec) || isNamedArrays(spec));
  const each = serves ? names.map((name): SpecPart => ({ text: spec, name, spec })) : parts;
  if (each.length !== inputs.length) {
    throw new OptionError(
      `Cannot make a test case of ${spec}: required inputs: ${names.join(", ")}; found ` +
        `${each.length} values`,
    );
  }
  const values = new Map<string, Host>();
  for (const { text, name, spec } of each) {
    const input = inputs.find((input) => input.name === name);
    if (!input) {
      throw new OptionError(
        `Cannot make a test case of ${text}: there is no such input, they are ${names.join(", ")}`,
      );
    }
    if (values.has(input.name)) {
      throw new OptionError(`Cannot make a test case of ${text}: ${name} has another value`);
    }
    values.set(input.name, await valueOfSpec(spec, input, options));
  }
  return values;
}

/** `https:`, `blob:` and the like, and drives such as `C:\` or `C:/`. */
function isAddress(text: string): boolean {
  return /^(https?|file|blob|data):|^[A-Za-z]:[\\/]/.test(text);
}
