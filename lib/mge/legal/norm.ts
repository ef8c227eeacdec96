/**
 * Normalisation and softmax: V2 has an operator for two of them, all else is composed.
 * @module
 */
import { isFloat, sizeOf, type Type } from "../../core/type.ts";
import type { WritingRules } from "./site.ts";
import { table } from "./steps.ts";

/** Normalisations as operators. */
export const normWriting: WritingRules = {
  softmax: {
    takes: ({ outs: [out] }, container) => container === "V2" && isFloat(out.dtype),
    write: ({ e, ins: [x], attrs: { axis }, out }) =>
      e.opr("Softmax", [table("Softmax", { axis })], [x], out),
  },
  layerNorm: {
    takes: ({ ins, outs: [out] }, container) =>
      container === "V2" && isFloat(out.dtype) && ins.length !== 2,
    write({ e, ins, attrs: { dims, eps }, out }) {
      const tail = out.shape.slice(-dims);
      const lead = out.shape.slice(0, out.shape.length - dims);
      const own: Type = { dtype: "f32", shape: lead.length ? lead : [1] };
      const param = table("LayerNorm", {
        ...{ affine: ins.length > 1, eps, normalized_dim: dims, normalized_size: sizeOf(tail) },
      });
      return e.opr("LayerNorm", [param], ins, out, { outs: [out, own, own] });
    },
  },
};
