/**
 * Values that a machine holds. Their memory is counted, for a plan or a second result may hold it
 * too, and goes back to the pool when nobody does: by `dispose`, by donation, or by the collector.
 * @module
 */
import { DeviceError, placeOf } from "./fault.ts";
import {
  bytesIn,
  checkInto,
  type Host,
  type HostArray,
  hostFromBytes,
  type Resident,
} from "./host.ts";
import { bytesOf, printType, type Type } from "./type.ts";

/** Where a machine's memory comes from, in blocks of kind B. */
export interface Pool<B> {
  /** A block of at least so many bytes; `what` is for messages. */
  take(bytes: number, what: string): B;
  /** Gives a block back. */
  give(block: B): void;
  /** Writes from the block's start. */
  write(block: B, bytes: Uint8Array): void;
  /** Copies out of several blocks in one batch, into arrays of the caller's where given. */
  read(
    ranges: readonly { readonly block: B; readonly bytes: number }[],
    into?: readonly (Uint8Array | undefined)[],
  ): Promise<readonly Uint8Array<ArrayBuffer>[]>;
  /** Throws if the machine can do nothing any more; `tried` follows "Cannot". */
  check(tried: string): void;
  /** True once the machine is gone with its memory. */
  isGone(): boolean;
}

/** A block and how many hold it. */
export interface Held<B> {
  readonly block: B;
  holders: number;
}

/** The residents of one machine. */
export interface Residents<B> {
  /** What residents name as their owner. */
  readonly owner: object;
  /** A resident over a buffer, which it holds from now on. */
  make(type: Type, held: Held<B>): Resident;
  /** Puts a value on the device. */
  upload(value: Host): Resident;
  /** The buffer behind a resident; throws if it is another's, disposed or given away. */
  held(value: Resident, tried: string): Held<B>;
  /** Ends a resident whose buffer becomes another's; reading it says so from then on. */
  donate(value: Resident, to: Error): void;
  /** One more holder. */
  keep(held: Held<B>): Held<B>;
  /** One holder less; the last gives the buffer back. */
  drop(held: Held<B>): void;
  /** Copies several out in one batch, into arrays of the caller's where given. */
  read(
    values: readonly Resident[],
    into?: readonly (HostArray | undefined)[],
  ): Promise<readonly Host[]>;
}

type State<B> =
  | { readonly kind: "live"; readonly held: Held<B> }
  | { readonly kind: "disposed" }
  | { readonly kind: "given"; readonly to: Error };

/** The residents over a pool; they name `owner` as theirs, by default the pool. */
export function residentsOf<B>(owner: object | undefined, pool: Pool<B>): Residents<B> {
  const states = new WeakMap<Resident, State<B>>();
  const collected = new FinalizationRegistry<Held<B>>((held) => drop(held));

  function drop(held: Held<B>): void {
    if (--held.holders === 0 && !pool.isGone()) pool.give(held.block);
  }

  function end(value: Resident, state: State<B>): void {
    const now = states.get(value);
    if (now?.kind !== "live") return;
    states.set(value, state);
    collected.unregister(value);
    drop(now.held);
  }

  function make(type: Type, held: Held<B>): Resident {
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

  function held(value: Resident, tried: string): Held<B> {
    pool.check(tried);
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
    const block = pool.take(bytesOf(value), `an upload of ${printType(value)}`);
    pool.write(block, bytesIn(value.data));
    return make(value, { block, holders: 1 });
  }

  async function read(
    values: readonly Resident[],
    into: readonly (HostArray | undefined)[] = [],
  ): Promise<readonly Host[]> {
    const kept = values.map((value) => residents.keep(held(value, "read")));
    try {
      const ranges = kept.map(({ block }, i) => ({ block, bytes: bytesOf(values[i]) }));
      into.forEach((array, i) => array && checkInto(values[i], array));
      const read = await pool.read(ranges, into.map((array) => array && bytesIn(array)));
      return read.map((bytes, i) => {
        const { dtype, shape } = values[i];
        const own = into[i];
        return own ? { dtype, shape: [...shape], data: own } : hostFromBytes(values[i], bytes);
      });
    } finally {
      kept.forEach(drop);
    }
  }

  const residents: Residents<B> = {
    owner: owner ?? pool,
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
