/**
 * What the tensors of a call are on one machine: arguments as they are or computed first, captured
 * arrays uploaded once, by identity of the array.
 * @module
 */
import { TraceError } from "../core/fault.ts";
import { collect, type Host, isHost, isResident, isSource, type Resident } from "../core/host.ts";
import type { Machine } from "../core/target.ts";
import type { Tensor } from "../core/tensor.ts";
import { printType } from "../core/type.ts";
import { graphOf } from "../stage/stage.ts";
import { liftResidents } from "./read.ts";

/** Values of tensors on a machine. */
export interface Bindings {
  readonly machine: Machine;
  /** An argument's value: as it is if it is a leaf, else computed first. */
  argument(t: Tensor): Promise<Host | Resident>;
  /** A captured tensor's value, kept on the machine. */
  captured(t: Tensor): Promise<Resident>;
  /** Gives back what was uploaded. */
  dispose(): void;
}

/** The bindings of one traced function on one machine. */
export function bindings(machine: Machine): Bindings {
  const uploads = new Map<object, Resident>();
  return {
    machine,
    async argument(t) {
      const { data, call, op } = t.node;
      if (isHost(data) || isResident(data)) return data;
      if (isSource(data)) return await collect(data);
      if (call || op.name === "arg") {
        throw new TraceError(
          "leaked",
          `Cannot pass ${printType(t)}: it is a term of another function's call`,
        );
      }
      const { roots, args, residents } = liftResidents([t]);
      const loaded = await machine.compile(graphOf(args, roots));
      const [out] = await loaded.run(residents);
      loaded.dispose();
      return out;
    },
    async captured(t) {
      const { data } = t.node;
      if (isResident(data)) return data;
      const key = isHost(data) ? data.data : data as object;
      const before = uploads.get(key);
      if (before) return before;
      const made = machine.upload(isSource(data) ? await collect(data) : data as Host);
      uploads.set(key, made);
      return made;
    },
    dispose() {
      for (const resident of uploads.values()) resident.dispose();
      uploads.clear();
    },
  };
}
