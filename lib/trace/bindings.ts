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
  /** An argument's value: as it is if it is a leaf, else computed first and the caller's. */
  argument(t: Tensor): Promise<{ readonly value: Host | Resident; readonly computed: boolean }>;
  /** A captured tensor's value, kept on the machine. */
  captured(t: Tensor): Promise<Resident>;
  /** Gives back what was uploaded. */
  dispose(): void;
}

/** The bindings of one traced function on one machine. */
export function bindings(machine: Machine): Bindings {
  // An upload lives as long as its array: a call that captures a new one each time keeps none.
  const uploads = new WeakMap<object, Resident>();
  const made = new Set<WeakRef<Resident>>();
  const gone = new FinalizationRegistry<WeakRef<Resident>>((ref) => made.delete(ref));
  return {
    machine,
    async argument(t) {
      const { data, call, op } = t.node;
      if (isHost(data) || isResident(data)) return { value: data, computed: false };
      if (isSource(data)) return { value: await collect(data), computed: false };
      if (call || op.name === "arg") {
        throw new TraceError(
          "leaked",
          `Cannot pass ${printType(t)}: it is a term of another function's call`,
        );
      }
      const { roots, args, residents } = liftResidents([t]);
      const loaded = await machine.compile(graphOf(args, roots), { once: true });
      const [out] = await loaded.run(residents);
      loaded.dispose();
      return { value: out, computed: true };
    },
    async captured(t) {
      const { data } = t.node;
      if (isResident(data)) return data;
      const key = isHost(data) ? data.data : data as object;
      const before = uploads.get(key);
      if (before) return before;
      const value = isSource(data) ? await collect(data) : data as Host;
      const meanwhile = uploads.get(key);
      if (meanwhile) return meanwhile;
      const upload = machine.upload(value);
      const ref = new WeakRef(upload);
      uploads.set(key, upload);
      made.add(ref);
      gone.register(upload, ref);
      return upload;
    },
    dispose() {
      for (const ref of made) ref.deref()?.dispose();
      made.clear();
    },
  };
}
