/**
 * Writing model files: what was written reads back the same, every offset is where readers of the
 * format want it, and memory does not grow with the tensors.
 * @module
 */
import { FormatError } from "../../lib/core/fault.ts";
import { layOut } from "../../lib/mge/layout.ts";
import type { FileModel, FileTensor, FileValue, Param } from "../../lib/mge/model.ts";
import { layOutTestcases } from "../../lib/mge/testcase_file.ts";
import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../std.ts";
import {
  dataFile,
  f32Tensor,
  holding,
  joined,
  modelFiles,
  type NamedFile,
  readBytes,
  valueOf,
  withValues,
} from "./model_files.ts";

const folders = ["mge-golden", "mge-python/convnet", "mge-python/lenet", "mge-python/testcases"]
  .concat(["mge-python/dtypes", "mge-python/topk_elem", "mge-python/transformer_small"]);

Deno.test("layOut() of a model that was read writes an equal one", async () => {
  for (const { name, bytes } of await everyFile()) {
    const file = await readBytes(bytes);
    for (const model of [...file.models, ...file.testcases]) {
      const layout = layOut(model);
      const written = await joined(layout.emit());
      assertEquals(written.length, layout.totalBytes, name);
      const [again] = (await readBytes(written)).models;
      assertEquals(await withValues(again), await withValues(model), name);
    }
  }
});

Deno.test("layOut() carries a model from one format to another and back", async () => {
  for (const { name, bytes } of await modelFiles("mge-golden")) {
    const [model] = (await readBytes(bytes)).models;
    let current: FileModel = model;
    for (const format of ["V0", "V1", "V2", model.format] as const) {
      const layout = layOut({ ...current, format, hash: undefined });
      [current] = (await readBytes(await joined(layout.emit()))).models;
    }
    // Names and types of the outputs survive where both formats have a place for them.
    const essence = (m: FileModel) =>
      m.oprs.map((opr) => ({
        ...opr,
        outputs: opr.outputs.map((output) => output.id),
        tensors: opr.tensors.map((tensor) => ({ ...tensor, value: tensor.value?.bytes })),
      }));
    assertEquals(essence(current), essence(model), name);
  }
});

Deno.test("layOut() keeps every kind of parameter, dtype and format", async () => {
  const params: Param[] = [
    { table: "Dimshuffle", fields: { pattern: [2, -1, 0], ndim: 3 } },
    {
      table: "AxisAddRemove",
      fields: { desc: [{ method: 0, axis: -1 }, { method: 1, axis: 70000 }] },
    },
    {
      table: "IndexDescMaskDump",
      fields: {
        items: [
          { axis: -2, begin: true, end: false, step: true, idx: false },
          { axis: 3, begin: false, end: true, step: false, idx: true },
        ],
      },
    },
    {
      table: "MGBAddUpdate",
      fields: {
        alpha: { dtype: "Float32", value: -1.5 },
        beta: { dtype: "Int32", value: -7 },
        bias: { dtype: "Float16", value: 0.25 },
      },
    },
    { table: "DType", fields: { dtype: { name: "Quantized8Asymm", scale: 0.5, zeroPoint: 128 } } },
    { table: "param.DType", fields: { dtype: 4 } },
    { table: "ExecutionPolicy", fields: { strategy: 5, workspace_limit: 0xfffffffffffffffen } },
    { table: "BN", fields: everyBN },
    { table: "PowC", fields: { exp: -0 } },
  ];
  const value = valueOf(new Uint8Array(24));
  const tensors: FileTensor[] = [
    f32Tensor([2, 3], value),
    { shape: [24], dtype: { name: "Bool" }, compNode: "cpu0:0", value },
    { shape: [2, 24], dtype: { name: "QuantizedS4", scale: 0.125 }, compNode: "cpu0:0", value },
    { shape: [12], dtype: { name: "BFloat16" }, compNode: "gpu0:0", name: "ünïcode", value },
  ];
  const formatted: FileTensor = {
    ...f32Tensor([1, 2], value),
    format: { kind: "image2d", alignAxis: 3 },
  };
  const lowbits: FileTensor = {
    ...f32Tensor([1, 2], value),
    format: { kind: "lowbits", sizeNbits: 4, alignSizeInBits: 8 },
  };
  for (const format of ["V0", "V1", "V2"] as const) {
    const base = holding(format, tensors);
    const bare = { name: "opr", params, inputs: [0, 1], compNodes: ["xpux:0"], blobs: [] };
    const model: FileModel = {
      ...base,
      hash: format === "V2" ? undefined : 99n,
      oprs: [
        ...base.oprs,
        {
          ...bare,
          type: "Elemwise",
          priority: -2147483648,
          outputDtype: { name: "QuantizedS8", scale: 2 },
          outputs: [{ id: 4, name: "a" }],
          tensors: [],
          blobs: [Uint8Array.of(1, 2, 3)],
        },
        {
          ...bare,
          type: "MultipleDeviceTensorWithFormatHolder",
          inputs: [],
          outputs: [{ id: 5, name: "b" }, { id: 6, name: "c" }, { id: 7, name: "d" }],
          tensors: [formatted, lowbits, f32Tensor([6], value)],
        },
        {
          ...bare,
          type: "Elemwise",
          params: [],
          outputs: [{ id: 8, name: "e" }],
          tensors: [],
        },
      ],
      outputs: [{ compact: 4, original: 0xffffffff }, { compact: 0, original: 2 }],
      outputAlias: format === "V2" ? [{ id: 2, name: "alias" }] : [],
    };
    const [read] = (await readBytes(await joined(layOut(model).emit()))).models;
    const whole = await withValues(read);
    const wanted = await withValues(model);
    assertEquals(strip(whole), strip(wanted), format);
    assert(Object.is(read.oprs[4].params[8].fields.exp, -0), "the sign of zero stays");
  }
});

Deno.test("layOut() places V2 values at multiples of 64 and states the whole size", async () => {
  const sizes = [1, 16, 17, 1000, 0];
  const tensors = sizes.map((n, i) =>
    f32Tensor([n], valueOf(new Uint8Array(4 * n).fill(0xa0 + i)))
  );
  const layout = layOut(holding("V2", tensors));
  const bytes = await joined(layout.emit());
  const view = new DataView(bytes.buffer);
  assertEquals(view.getUint32(0, true), bytes.length - 4);
  assertEquals(layout.tensorBytes, sizes.reduce((n, size) => n + 4 * size, 0));
  for (const [i, size] of sizes.entries()) {
    if (size < 16) continue;
    const at = bytes.indexOf(0xa0 + i);
    assertEquals([at % 64, view.getUint32(at - 4, true)], [0, 4 * size]);
  }
});

Deno.test("layOut() gives V1 a stable hash and the plain order of values", async () => {
  const tensors = [1, 2, 3].map((n) => f32Tensor([n], valueOf(new Uint8Array(4 * n).fill(n))));
  const layout = layOut(holding("V1", tensors));
  const bytes = await joined(layout.emit());
  assertEquals(bytes.subarray(24, 48), Uint8Array.from([1, 2, 2, 3, 3, 3].flatMap(four)));
  assertEquals(new DataView(bytes.buffer).getBigUint64(16, true), 24n);
  assert(layout.hash !== 0n && layout.hash === layOut(holding("V1", tensors)).hash);
  assert(layout.hash !== layOut(holding("V1", tensors.toReversed())).hash);
  assertEquals((await readBytes(bytes)).models[0].hash, layout.hash);
});

Deno.test("layOut() refuses what a format cannot hold, before a byte is written", () => {
  const refused = (model: FileModel) => assertThrows(() => layOut(model), FormatError).message;
  const big = f32Tensor([1 << 28, 2], zeros(2 ** 31));
  const message = refused(holding("V2", [big]));
  assertStringIncludes(message, "2147484");
  assertStringIncludes(message, '"FBS" (V1)');
  const huge = f32Tensor([1 << 28, 4], zeros(2 ** 32));
  assertStringIncludes(refused(holding("V1", [huge])), "4294967296 bytes");
  const many = layOut(holding("V1", Array.from({ length: 5 }, () => big)));
  assert(many.totalBytes > 5 * 2 ** 31 && many.tensorBytes === 5 * 2 ** 31);
  assertStringIncludes(refused(holding("V1", [f32Tensor([], zeros(4))])), "rank 0");
  assertStringIncludes(refused(holding("V2", [f32Tensor([1.5], zeros(6))])), "extent 1.5");
  assertStringIncludes(refused(holding("V2", [f32Tensor([2], zeros(4))])), "has 8 bytes");
  assertStringIncludes(refused(holding("V2", [f32Tensor([2])])), "no value");
  const model = holding("V1", [f32Tensor([1], zeros(4))]);
  const [opr] = model.oprs;
  assertStringIncludes(refused({ ...model, oprs: [{ ...opr, inputs: [0] }] }), "variable 0");
  assertStringIncludes(refused({ ...model, oprs: [{ ...opr, type: "Nothing" }] }), "operator");
  assertStringIncludes(
    refused({ ...model, oprs: [{ ...opr, type: "Argsort" }] }),
    "numbers 2",
  );
  assertStringIncludes(refused({ ...model, outputs: [] }), "without outputs");
  const odd = (table: string, fields: Param["fields"]) =>
    refused({ ...model, oprs: [{ ...opr, params: [{ table, fields }] }] });
  assertStringIncludes(odd("Axis", { axes: 1 }), "no field axes");
  assertStringIncludes(odd("Axis", { axis: 2 ** 31 }), "cannot be 2147483648");
  assertStringIncludes(odd("#200", {}), "no parameter table #200");
  assertStringIncludes(
    refused({
      ...holding("V2", [f32Tensor([1], zeros(4))]),
      oprs: [{ ...opr, params: [{ table: "ExponentialRNG", fields: {} }] }],
    }),
    "use V1",
  );
});

Deno.test("emit() reports progress and notices a source of another length", async () => {
  const layout = layOut(holding("V1", [f32Tensor([1 << 20], zeros(1 << 22))]));
  const seen: number[] = [];
  for await (const chunk of layout.emit((done, total) => seen.push(done / total))) {
    assert(chunk.length > 0);
  }
  assertEquals(seen.at(-1), 1);
  assert(seen.every((share, i) => i === 0 || share > seen[i - 1]));
  const lies = (bytes: number): FileValue => ({ ...valueOf(new Uint8Array(bytes)), bytes: 8 });
  for (const [bytes, what] of [[4, "gave 4 bytes"], [12, "gave more bytes"]] as const) {
    const wrong = layOut(holding("V2", [f32Tensor([2], lies(bytes))]));
    const error = await assertRejects(() => joined(wrong.emit()), FormatError);
    assertStringIncludes(error.message, what);
  }
});

Deno.test("emit() opens each value when its turn comes and stops where it is stopped", async () => {
  const events: string[] = [];
  const watched = (name: string): FileValue => ({
    bytes: 8,
    async *open() {
      events.push(`open ${name}`);
      try {
        yield new Uint8Array(4);
        yield new Uint8Array(4);
      } finally {
        events.push(`close ${name}`);
      }
    },
  });
  const tensors = ["a", "b", "c"].map((name) => f32Tensor([2], watched(name)));
  const layout = layOut(holding("V1", tensors));
  assertEquals(events, []);
  let chunks = 0;
  for await (const _ of layout.emit()) if (++chunks === 4) break;
  assertEquals(events, ["open a", "close a", "open b", "close b"]);
  chunks = 0;
  for await (const _ of layout.emit()) chunks++;
  assertEquals(events.length, 4 + 6);
});

Deno.test("emit() of 256 MiB holds one chunk at a time", async () => {
  for (const format of ["V1", "V2"] as const) {
    const each = 1 << 26;
    const counts = { given: 0, taken: 0, ahead: 0 };
    const value: FileValue = {
      bytes: each,
      async *open() {
        const chunk = new Uint8Array(1 << 16);
        for (let done = 0; done < each; done += chunk.length) {
          counts.given += chunk.length;
          yield await Promise.resolve(chunk);
        }
      },
    };
    const layout = layOut(holding(format, Array(4).fill(f32Tensor([each / 4], value))));
    const start = Deno.memoryUsage().rss;
    let [bytes, peak] = [0, 0];
    for await (const chunk of layout.emit()) {
      bytes += chunk.length;
      if (chunk.length === 1 << 16) counts.taken += chunk.length;
      counts.ahead = Math.max(counts.ahead, counts.given - counts.taken);
      if (bytes % (1 << 22) < 1 << 16) peak = Math.max(peak, Deno.memoryUsage().rss);
    }
    assertEquals(bytes, layout.totalBytes);
    assertEquals(counts, { given: 4 * each, taken: 4 * each, ahead: 0 });
    assertLess(peak - start, 64 << 20, format);
  }
});

Deno.test("layOutTestcases() writes a container that reads back", async () => {
  const [main] = (await readBytes(await dataFile("mge-golden/mlp.v1.mge"))).models;
  const tensors = [f32Tensor([2, 4], valueOf(new Uint8Array(32).fill(5)))];
  const cases = ["V2", "V1"].map((format) => holding(format as "V1" | "V2", tensors));
  const layout = layOutTestcases(layOut(main), cases.map(layOut));
  const shares: number[] = [];
  const bytes = await joined(layout.emit((done, total) => shares.push(done / total)));
  assertEquals([bytes.length, shares.at(-1)], [layout.totalBytes, 1]);
  assertEquals([layout.hash, layout.tensorBytes], [main.hash, 60 + 64]);
  const file = await readBytes(bytes);
  assertEquals([file.container, file.bytes], ["mgbtest0", bytes.length]);
  assertEquals(await withValues(file.models[0]), await withValues(main));
  assertEquals(file.testcases.map((one) => one.format), ["V2", "V1"]);
});

const everyBN = {
  param_dim: 2,
  fwd_mode: 1,
  epsilon: 1e-5,
  avg_factor: 0.1,
  scale: 3,
  bias: -1,
};

async function everyFile(): Promise<NamedFile[]> {
  return (await Promise.all(folders.map(modelFiles))).flat();
}

/** Leaves out what only says the same as an absent field. */
function strip(model: object): unknown {
  return JSON.parse(JSON.stringify(model, (_, value) => {
    return typeof value === "bigint" ? `${value}n` : value;
  }));
}

function four(n: number): number[] {
  return [n, n, n, n];
}

/** So many zeros, in new chunks of a mebibyte. */
function zeros(bytes: number): FileValue {
  return {
    bytes,
    async *open() {
      for (let done = 0; done < bytes; done += 1 << 20) {
        yield await Promise.resolve(new Uint8Array(Math.min(1 << 20, bytes - done)));
      }
    },
  };
}
