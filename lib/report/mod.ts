/**
 * Reports: a graph, a model file's operators or a profile as one HTML file to explore in any browser,
 * which loads nothing and needs no network; a profile for chrome://tracing and Perfetto; and what
 * each pass does to a graph.
 *
 * ```ts
 * import { add, f32, matmul, named, relu, stage, type Tensor, tensor } from "@weft/weft";
 * import { graphHtml } from "@weft/weft/report";
 *
 * const w = tensor([[1, -1], [0.5, 2]]);
 * const graph = stage((x: Tensor) => relu(add(matmul(x, w), 1)), [named("x", f32([1, 2]))]);
 * const page = await graphHtml(graph, { title: "a layer" });
 * console.log(page.slice(0, 15)); // <!doctype html>, to be written to a file
 * ```
 * @module
 */
import type { Graph } from "../core/graph.ts";
import type { Node } from "../core/tensor.ts";
import type { Listing } from "../mge/listing.ts";
import { fileData } from "./file_data.ts";
import { graphData } from "./graph_data.ts";
import type { Profile } from "../trace/profile.ts";
import { picturePage, type ReportOptions } from "./page.ts";
import { profilePage } from "./profile_page.ts";

export type { ReportOptions };
export { explain, type Explanation, type Holds, type PassReport } from "../plan/explain.ts";
export { type ChromeTrace, chromeTrace, type TraceEvent } from "./chrome_trace.ts";

/** How a graph's page is made. */
export interface GraphHtmlOptions extends ReportOptions {
  /**
   * Where the author wrote a node, as `file:line:column`; by default the first place outside this
   * library on the stack where the node was made. `() => undefined` leaves places out.
   */
  readonly place?: (node: Node) => string | undefined;
}

/**
 * A graph as a picture to explore: the text of one HTML file. Parameters that one operation reads
 * stand on its card, numbers too; each result of the graph is a card of its own.
 */
export async function graphHtml(graph: Graph, options: GraphHtmlOptions = {}): Promise<string> {
  const { place, ...page } = options;
  return await picturePage(graphData(graph, place ? { place } : {}), page);
}

/**
 * A model file's own operators as such a picture, whether or not they can run here; `listing` is
 * what `listing()` of a loaded model gives.
 *
 * ```ts
 * import { add, dump, f32, load, named, type Tensor } from "@weft/weft";
 * import { listingHtml } from "@weft/weft/report";
 *
 * const file = dump((x: Tensor) => add(x, 1), [named("x", f32([2]))]);
 * await using model = await load(new Uint8Array(await new Response(file).arrayBuffer()));
 * const page = await listingHtml(model.listing(), { title: "x + 1" });
 * console.log(page.includes("Elemwise ADD")); // true
 * ```
 */
export async function listingHtml(
  listing: Listing,
  options: ReportOptions = {},
): Promise<string> {
  return await picturePage(fileData(listing), options);
}

/**
 * A profile as a page: the kernels by the time they took, the roofline of the machine, a call along
 * time, and the memory step by step.
 *
 * ```ts
 * import { mul, type Tensor, tensor, trace } from "@weft/weft";
 * import { profileHtml } from "@weft/weft/report";
 *
 * await using twice = trace((x: Tensor) => mul(x, 2), { profiling: true });
 * for (let i = 0; i < 3; i++) (await twice(tensor([1, 2]))).dispose();
 * const page = await profileHtml(await twice.profile(), { title: "twice" });
 * console.log(page.includes("Roofline")); // true
 * ```
 */
export async function profileHtml(
  profile: Profile,
  options: ReportOptions = {},
): Promise<string> {
  return await profilePage(profile, options);
}
