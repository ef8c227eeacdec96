/**
 * What a dump wrote, in lines for people.
 * @module
 */
import type { DumpInfo } from "../mge/dump_options.ts";
import type { DumpToOptions } from "../trace/dump.ts";
import { formatBytes } from "./std.ts";

/** Container, sizes and names of a written file. */
export function dumpLines(
  output: string,
  options: Pick<DumpToOptions, "format" | "gzip">,
  info: DumpInfo,
): string[] {
  const { nrOpr, totBytes, tensorValueBytes, contentHash, inputs, outputs, params } = info;
  const format = options.format === "FBS" ? "V1" : "V2";
  const packed = options.gzip ? " before compression" : "";
  return [
    `${output}: ${format}, ${nrOpr} operators, ${formatBytes(totBytes)}${packed}, ` +
    `${formatBytes(tensorValueBytes)} of them tensors, hash ${contentHash}`,
    `inputs   ${inputs.join(", ") || "none"}`,
    `outputs  ${outputs.join(", ")}`,
    ...(params.length ? [`params   ${params.join(", ")}`] : []),
  ];
}
