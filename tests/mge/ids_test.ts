/**
 * Operator ids against MegEngine's registry, and the parameter tables.
 * @module
 */
import { hex64 } from "../../lib/core/hash.ts";
import {
  countedOutputs,
  fileOperators,
  operatorOf,
  operatorOfV0,
  operatorOfV1,
  operatorOfV2,
} from "../../lib/mge/ids.ts";
import {
  elemwiseModes,
  enumMember,
  enumNumber,
  paramTable,
  paramTables,
  tensorBytes,
} from "../../lib/mge/schema.ts";
import { assertEquals } from "../std.ts";
import { dataFile } from "./model_files.ts";

Deno.test("fileOperators has the ids of MegEngine's registry", async () => {
  const text = new TextDecoder().decode(await dataFile("mge/ids.tsv"));
  const rows = text.trim().split("\n").slice(1);
  const own = fileOperators.map((o) =>
    [
      o.alias,
      hex64(o.persistId),
      hex64(o.plainId),
      o.v2Type,
      o.v2Version,
      hex64(o.v2Id),
      o.typeinfo,
    ].join("\t")
  );
  assertEquals(own, rows);
});

Deno.test("operatorOf*() find every operator by each of its ids", () => {
  for (const operator of fileOperators) {
    assertEquals(operatorOf(operator.alias), operator);
    assertEquals(operatorOfV0(operator.plainId), operator);
    assertEquals(operatorOfV1(operator.persistId), operator);
    assertEquals(operatorOfV2(operator.v2Id, operator.v2Version), operator);
    // Only the low eight bits of the version count, and version 1 has the plain ids.
    assertEquals(operatorOfV2(operator.v2Id, operator.v2Version + 256), operator);
    assertEquals(operatorOfV2(operator.plainId, 1), operator);
    assertEquals(operatorOfV2(operator.v2Id, 0), undefined);
  }
  assertEquals(operatorOfV1(1n), undefined);
});

Deno.test("countedOutputs() follows parameters and inputs", () => {
  const bn = (mode: number) => [{ table: "BN", fields: { fwd_mode: mode } }];
  assertEquals(countedOutputs("BatchNormV1", bn(0), 5, 0), 6);
  assertEquals(countedOutputs("BatchNormV1", bn(1), 5, 0), 4);
  assertEquals(countedOutputs("BatchNormV1", bn(0), 3, 0), 4);
  assertEquals(countedOutputs("TopK", [{ table: "TopK", fields: { mode: 0 } }], 2, 0), 1);
  assertEquals(countedOutputs("TopK", [{ table: "TopK", fields: { mode: 2 } }], 2, 0), 2);
  assertEquals(countedOutputs("SVD", [{ table: "SVD", fields: { compute_uv: false } }], 1, 0), 1);
  assertEquals(countedOutputs("Split", [], 4, 0), 3);
  assertEquals(countedOutputs("CheckNonFinite", [], 2, 0), 3);
  assertEquals(countedOutputs("MultipleDeviceTensorHolder", [], 0, 9), 9);
  assertEquals(countedOutputs("Elemwise", [], 2, 0), 1);
  assertEquals(countedOutputs("TensorRTRuntimeOpr", [], 2, 0), undefined);
});

Deno.test("paramTables has the union's 99 tables with their defaults", () => {
  assertEquals(paramTables.length, 99);
  const ids = (...names: string[]) => names.map((name) => paramTable(name)?.id);
  assertEquals(ids("Empty", "Convolution", "Elemwise", "DType"), [1, 3, 17, 67]);
  assertEquals(ids("param.DType", "Padding", "MultinomialRNG"), [51, 82, 99]);
  assertEquals(paramTable("ExecutionPolicy")?.fields[1].fallback, 0xffffffffffffffffn);
  assertEquals(paramTable("LRN")?.fields[2].fallback, Math.fround(1e-4));
  assertEquals(paramTable("MultiHeadAttn")?.fields.length, 23);
  assertEquals(paramTable("Resize")?.fields[1], {
    name: "format",
    type: "u32",
    enumName: "ConvolutionFormat",
    fallback: 1,
  });
});

Deno.test("enums have the format's numbers", () => {
  assertEquals(elemwiseModes.length, 86);
  assertEquals(elemwiseModes[36], { name: "FUSE_MUL_ADD4", arity: 4 });
  assertEquals(elemwiseModes[85], { name: "SIGN", arity: 1 });
  assertEquals(enumNumber("ReduceMode", "MAX"), 4);
  assertEquals(enumNumber("ExecutionPolicyStrategy", "OPTIMIZED"), 8);
  assertEquals(enumNumber("ElemwiseMultiTypeMode", "ISINF"), 63);
  assertEquals(enumMember("PoolingV0Mode", 0), "MAX");
  assertEquals(enumMember("ReduceMode", 77), undefined);
});

Deno.test("tensorBytes() pads rows of low-bit types to whole bytes", () => {
  assertEquals(tensorBytes({ name: "Float32" }, [2, 3]), 24);
  assertEquals(tensorBytes({ name: "QuantizedS4", scale: 1 }, [2, 3]), 4);
  assertEquals(tensorBytes({ name: "IntB1" }, [3, 9]), 6);
  assertEquals(tensorBytes({ name: "BFloat16" }, [0, 7]), 0);
});
