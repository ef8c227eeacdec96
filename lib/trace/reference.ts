/**
 * The CPU reference as a machine: the interpreter behind the interface that devices have.
 * @module
 */
import { evaluate, type Observer } from "../cpu/evaluate.ts";
import { DeviceError, placeOf } from "../core/fault.ts";
import { type Graph, resultsOf } from "../core/graph.ts";
import { checkInto, type Host, isResident, type Resident } from "../core/host.ts";
import type { CompileOptions, Loaded, Machine, StepInfo, StepTime } from "../core/target.ts";
import type { Node } from "../core/tensor.ts";
import { bytesOf, printType } from "../core/type.ts";
import { interpreted, isGiven } from "../plan/interpreted.ts";
import { nodeFlops } from "../plan/work.ts";
import { optimize } from "../stage/level.ts";

/** The interpreter as a machine; it needs no device and holds values in ordinary memory. */
export function openReference(): Machine {
  const values = new WeakMap<Resident, Host | "disposed" | Error>();
  let open = true;
  const valueOf = (r: Resident): Host => {
    const value = values.get(r);
    if (value === undefined) {
      throw new DeviceError("Cannot use this value on the reference: another device holds it");
    }
    if (value === "disposed") throw new DeviceError("Cannot use this value: it was given back");
    if (value instanceof Error) {
      const place = placeOf(value);
      throw new DeviceError(
        `Cannot use this ${printType(r)}: it was given away${place ? ` at ${place}` : ""}; ` +
          "use the result that took its memory",
        { code: "device.given", place },
      );
    }
    return value;
  };
  const isLive = (r: Resident) => {
    const value = values.get(r);
    return value !== undefined && value !== "disposed" && !(value instanceof Error);
  };
  const check = () => {
    if (!open) throw new DeviceError("Cannot use the reference: it was disposed");
  };
  const machine: Machine = {
    name: "reference",
    description: "CPU reference interpreter",
    upload(value: Host): Resident {
      check();
      const kept: Host = { dtype: value.dtype, shape: [...value.shape], data: value.data };
      const resident: Resident = {
        dtype: kept.dtype,
        shape: kept.shape,
        owner: machine,
        read: () => Promise.resolve(valueOf(resident)).then(copied),
        dispose: () => void (isLive(resident) && values.set(resident, "disposed")),
      };
      values.set(resident, kept);
      return resident;
    },
    compile(graph: Graph, options: CompileOptions = {}): Promise<Loaded> {
      check();
      const begun = performance.now();
      const ready = optimize(graph, options.optLevel ?? 2);
      const roots = resultsOf(ready);
      const { order, memory } = interpreted(ready, options);
      const took = { plan: performance.now() - begun, compile: 0, upload: 0 };
      async function run(args: readonly (Host | Resident)[], observer?: Observer) {
        check();
        const site = new Error("run");
        const given = new Map(
          graph.args.map((t, i) => {
            const a = args[i];
            return [t.node, isResident(a) ? valueOf(a) : a] as const;
          }),
        );
        const found = await evaluate(roots, given, observer, order);
        const outs = found.map((h) => machine.upload(h));
        for (const i of options.donate ?? []) {
          const a = args[i];
          if (isResident(a) && isLive(a)) values.set(a, site);
        }
        return outs;
      }
      return Promise.resolve({
        took,
        run: (args) => run(args),
        async timed(args) {
          const times: StepTime[] = [];
          let first: number | undefined;
          const begun = performance.now();
          const outs = await run(args, (_, start, end) => {
            first ??= start;
            const [at, ns] = [(start - first) * 1e6, (end - start) * 1e6];
            times.push({ step: times.length, start: at, ns });
          });
          return { outs, clock: "host", ms: performance.now() - begun, times };
        },
        steps: () => order.filter((node) => !isGiven(node)).map(infoOf),
        memory,
        dispose() {},
      });
    },
    read: (residents, into = []) =>
      Promise.resolve(residents.map((r, i) => {
        const value = valueOf(r);
        const own = into[i];
        if (!own) return copied(value);
        checkInto(value, own);
        own.set(value.data);
        return { ...value, data: own };
      })),
    dispose() {
      open = false;
    },
    [Symbol.asyncDispose]() {
      open = false;
      return Promise.resolve();
    },
  };
  return machine;
}

/** What is read belongs to the reader. */
function copied(value: Host): Host {
  return { dtype: value.dtype, shape: [...value.shape], data: value.data.slice() };
}

function infoOf(node: Node): StepInfo {
  const bytes = [...new Set(node.ins), ...node.results].reduce((n, t) => n + bytesOf(t), 0);
  return {
    name: node.op.name,
    kind: "operation",
    sites: [node.site],
    ins: node.ins.map(({ dtype, shape }) => ({ dtype, shape })),
    outs: node.outs,
    bytes,
    flops: nodeFlops(node),
  };
}
