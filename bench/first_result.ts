/**
 * Prints the milliseconds from opening the device to the first output of the row named.
 * @module
 */
import { rows } from "./peers/cases.ts";
import { ours } from "./ours.ts";

const row = rows.find(({ name }) => name === Deno.args[0]);
if (!row) throw new RangeError(`no row ${Deno.args[0]}`);
const began = performance.now();
const prepared = (await ours.prepare(row))!;
await prepared.result();
console.log(performance.now() - began);
prepared.dispose();
