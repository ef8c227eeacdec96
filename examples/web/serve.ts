/**
 * Serves a folder on this machine, parts of files included, with the two headers that let a page
 * share memory between threads, or without them.
 * @module
 */

/** How a folder is served. */
export interface ServeOptions {
  /** 0 takes any port that is free. */
  readonly port: number;
  /** Whether pages are isolated from other origins. */
  readonly isolated: boolean;
  /** Other headers for every answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server that runs. */
export interface Served extends AsyncDisposable {
  /** Where the folder's index is. */
  readonly url: string;
  /** Resolves when it has stopped. */
  readonly finished: Promise<void>;
}

/** A page so served may have memory that its threads share. */
const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mge: "application/octet-stream",
};

/** Starts a server; nobody but this machine can reach it. */
export function serve(folder: string, { port, isolated, headers }: ServeOptions): Served {
  const common = {
    "cache-control": "no-cache",
    ...(isolated ? isolation : {}),
    ...headers,
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, async (request) => {
    const name = decodeURIComponent(new URL(request.url).pathname).slice(1) || "index.html";
    const bytes = /^[\w-]+\.\w+$/.test(name)
      ? await Deno.readFile(`${folder}/${name}`).catch(() => undefined)
      : undefined;
    if (!bytes) return new Response(`There is no ${name} here\n`, { status: 404, headers: common });
    const type = types[name.split(".")[1]] ?? "text/plain; charset=utf-8";
    return part(request, bytes, { ...common, "content-type": type, "accept-ranges": "bytes" });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    finished: server.finished,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** All of a file, or the range that was asked for. */
function part(
  request: Request,
  bytes: Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>>,
): Response {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  if (!range) return new Response(bytes, { headers });
  const first = Number(range[1]);
  const last = Math.min(bytes.length - 1, range[2] ? Number(range[2]) : Infinity);
  if (first > last) {
    return new Response(null, {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${bytes.length}` },
    });
  }
  return new Response(bytes.subarray(first, last + 1), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${first}-${last}/${bytes.length}` },
  });
}
