/**
 * Prints the milliseconds from opening a target to the first output of a row: both by name.
 * @module
 */
import { load, type TargetName, targets } from "./ours.ts";
import { rows } from "./peers/cases.ts";

const [target, title] = Deno.args;
const row = rows.find(({ name }) => name === title);
if (!row || !(target in targets)) throw new RangeError(`no row ${title} or target ${target}`);
const began = performance.now();
const prepared = await load(target as TargetName, row);
await prepared.result();
console.log(performance.now() - began);
prepared.dispose();
