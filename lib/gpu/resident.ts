/**
 * Values that a device holds. Their buffers are counted, for a plan or a second result may hold one
 * too, and go back to the pool when nobody does: by `dispose`, by donation, or by the collector.
 * @module
 */
import { DeviceError, placeOf } from "../core/fault.ts";
import { bytesIn, type Host, hostFromBytes, type Resident } from "../core/host.ts";
import { bytesOf, printType, type Type } from "../core/type.ts";
import type { Block, Buffers } from "./buffers.ts";
import type { Health } from "./health.ts";
import type { Readback } from "./readback.ts";

/** A buffer and how many hold it. */
export interface Held {
  readonly block: Block;
  holders: number;
}

/** The residents of one device. */
export interface Residents {
  /** What residents name as their owner. */
  readonly owner: object;
  /** A resident over a buffer, which it holds from now on. */
  make(type: Type, held: Held): Resident;
  /** Puts a value on the device. */
  upload(value: Host): Resident;
  /** The buffer behind a resident; throws if it is another's, disposed or given away. */
  held(value: Resident, tried: string): Held;
  /** Ends a resident whose buffer becomes another's; reading it says so from then on. */
  donate(value: Resident, to: Error): void;
  /** One more holder. */
  keep(held: Held): Held;
  /** One holder less; the last gives the buffer back. */
  drop(held: Held): void;
  /** Copies several out in one batch. */
  read(values: readonly Resident[]): Promise<readonly Host[]>;
}

type State =
  | { readonly kind: "live"; readonly held: Held }
  | { readonly kind: "disposed" }
  | { readonly kind: "given"; readonly to: Error };

/** The residents over a pool of buffers. */
export function residentsOf(
  owner: object | undefined,
  buffers: Buffers,
  readback: Readback,
  health: Health,
): Residents {
  const states = new WeakMap<Resident, State>();
  const collected = new FinalizationRegistry<Held>((held) => drop(held));

  function drop(held: Held): void {
    if (--held.holders === 0 && !health.isGone()) buffers.give(held.block);
  }

  function end(value: Resident, state: State): void {
    const now = states.get(value);
    if (now?.kind !== "live") return;
    states.set(value, state);
    collected.unregister(value);
    drop(now.held);
  }

  function make(type: Type, held: Held): Resident {
    const value: Resident = Object.freeze({
      dtype: type.dtype,
      shape: Object.freeze([...type.shape]),
      owner: residents.owner,
      read: async () => (await read([value]))[0],
      dispose: () => end(value, { kind: "disposed" }),
    });
    states.set(value, { kind: "live", held });
    collected.register(value, held, value);
    return value;
  }

  function held(value: Resident, tried: string): Held {
    health.check(tried);
    const state = states.get(value);
    const what = printType(value);
    if (!state) {
      throw new DeviceError(
        `Cannot ${tried}: this ${what} belongs to another device; read it first`,
        {
          code: "device.foreign",
        },
      );
    }
    switch (state.kind) {
      case "live":
        return state.held;
      case "disposed":
        throw new DeviceError(
          `Cannot ${tried}: this ${what} was disposed; keep it until its last use`,
          {
            code: "device.disposed",
          },
        );
      case "given": {
        const place = placeOf(state.to);
        throw new DeviceError(
          `Cannot ${tried}: this ${what} was given away${place ? ` at ${place}` : ""}; ` +
            `use the result that took its memory`,
          { code: "device.given", place },
        );
      }
      default:
        throw new TypeError(`internal: unknown state ${state satisfies never}`);
    }
  }

  function upload(value: Host): Resident {
    const block = buffers.take(bytesOf(value), `an upload of ${printType(value)}`);
    buffers.write(block, 0, bytesIn(value.data));
    return make(value, { block, holders: 1 });
  }

  async function read(values: readonly Resident[]): Promise<readonly Host[]> {
    const kept = values.map((value) => residents.keep(held(value, "read")));
    try {
      const ranges = kept.map(({ block }, i) => ({ block, offset: 0, bytes: bytesOf(values[i]) }));
      const read = await readback.read(ranges);
      return read.map((bytes, i) => hostFromBytes(values[i], bytes));
    } finally {
      kept.forEach(drop);
    }
  }

  const residents: Residents = {
    owner: owner ?? buffers,
    make,
    upload,
    held,
    donate: (value, to) => end(value, { kind: "given", to }),
    keep(held) {
      held.holders++;
      return held;
    },
    drop,
    read,
  };
  return residents;
}
