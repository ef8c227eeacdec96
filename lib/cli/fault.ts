/**
 * What an error means for a person and for a script: its text and the exit status.
 * @module
 */
import {
  DeviceError,
  DTypeError,
  FormatError,
  OptionError,
  ShapeError,
  StageError,
  TraceError,
} from "../core/fault.ts";
import type { Paint } from "./std.ts";

/** The exit statuses. */
export const status = {
  /** Done. */
  done: 0,
  /** The model's own checks failed, or the library did. */
  failed: 1,
  /** Wrong usage. */
  usage: 2,
  /** Bad input file. */
  input: 3,
  /** Device trouble. */
  device: 4,
  /** Interrupted. */
  interrupted: 130,
} as const;

const usageFaults = [OptionError, ShapeError, DTypeError, StageError, TraceError];

/** The exit status of an error. */
export function statusOf(error: unknown): number {
  if (error instanceof FormatError) return status.input;
  if (error instanceof DeviceError) return status.device;
  if (usageFaults.some((type) => error instanceof type)) return status.usage;
  if (error instanceof Deno.errors.NotCapable) return status.usage;
  if (error instanceof Deno.errors.NotFound) return status.input;
  if (error instanceof Deno.errors.PermissionDenied) return status.input;
  return status.failed;
}

/**
 * An error as a person reads it: the message, the place, a way forward. `help` is the command that
 * prints the help; with `debug` the stack follows.
 */
export function faultText(
  error: unknown,
  options: { readonly debug: boolean; readonly help: string; readonly paint: Paint },
): string {
  const { debug, help, paint } = options;
  const fault = error instanceof Error ? error : new Error(String(error));
  const { code, place } = fault as Error & { code?: unknown; place?: unknown };
  const known = statusOf(error) !== status.failed;
  const lines = [`${paint("error:")} ${known ? "" : `${fault.name}: `}${fault.message}`];
  if (typeof place === "string" && !fault.message.includes(place)) lines.push(`  at ${place}`);
  if (code === "usage") lines.push(`  "${help}" says what can be given`);
  if (error instanceof Deno.errors.NotCapable) lines.push(`  "${help}" lists the permissions`);
  if (debug) lines.push(stackOf(fault));
  else if (!known) lines.push(`  this should not happen; --debug shows where, please report it`);
  return lines.join("\n");
}

function stackOf(error: Error): string {
  const own = error.stack ?? String(error);
  return error.cause instanceof Error ? `${own}\ncaused by ${stackOf(error.cause)}` : own;
}
