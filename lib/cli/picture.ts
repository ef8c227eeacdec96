/**
 * The page that `inspect --html` writes: the graph, or a file's own operators where it has none.
 * @module
 */
import type { Graph } from "../core/graph.ts";
import { writeTo } from "../io/sink.ts";
import { graphHtml, listingHtml } from "../report/mod.ts";
import type { Inspection } from "./inspection.ts";
import type { Opened } from "./opened.ts";
import { formatBytes } from "./std.ts";

/** What a page is about. */
export interface Subject {
  readonly opened: Opened;
  readonly found: Inspection;
  /** The graph after the passes; absent for a file that has no meaning here. */
  readonly graph: Graph | undefined;
  /** The names of those passes. */
  readonly passes: readonly string[];
}

/** Writes the page, whole or not at all, and says what it is. */
export async function writePicture(
  file: string,
  subject: Subject,
  signal: AbortSignal,
): Promise<string> {
  const { opened, graph } = subject;
  const options = { title: nameOf(opened.title), facts: factsOf(subject) };
  // Nodes of a file were written by nobody: their places would be this program's.
  const places = opened.kind === "file" ? { place: () => undefined } : {};
  const text = graph
    ? await graphHtml(graph, { ...options, ...places })
    : opened.kind === "file"
    ? await listingHtml(opened.model.listing(), options)
    : "";
  const bytes = new TextEncoder().encode(text);
  await writeTo(file, [bytes], { signal });
  return `${formatBytes(bytes.length)}, ${
    graph ? "the graph" : "the file's own operators"
  } as a picture; open it in a browser`;
}

function factsOf({ opened, found, graph, passes }: Subject): [string, string][] {
  const { format, bytes, testcases, refusal } = found;
  const shown = graph
    ? passes.length ? `after ${passes.join(", ")}` : "as it is written"
    : "the file's own operators";
  return [
    ["Shows", shown],
    ["Source", opened.kind === "file" ? `${format}, ${formatBytes(bytes)}` : "a module"],
    ...(testcases.length ? [["Test cases", String(testcases.length)] as [string, string]] : []),
    ...(refusal ? [["Runs here", `no. ${refusal.split("\n")[0]}`] as [string, string]] : []),
  ];
}

/** The last part of a path, with the export's name. */
function nameOf(title: string): string {
  return title.split(/[\\/]/).at(-1) || title;
}
