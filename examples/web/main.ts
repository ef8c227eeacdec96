/**
 * `deno task web`: builds the page that reads digits and serves it on this machine.
 *
 * `--build-only` leaves it at the folder, `--out DIR` names another folder than `dist`, `--port N` is
 * where it is served, and `--no-isolation` serves it without the headers that let threads share
 * memory, as most static hosts do.
 * @module
 */
import { build } from "./build.ts";
import { serve, type Served } from "./serve.ts";

const usage = "usage: deno task web [--build-only] [--out DIR] [--port N] [--no-isolation]";
const args = [...Deno.args];
const take = (name: string) => args.includes(name) && args.splice(args.indexOf(name), 1).length > 0;
const taken = (name: string, fallback: string) => {
  const at = args.indexOf(name);
  return at < 0 ? fallback : args.splice(at, 2)[1] ?? fail(`${name} needs a value`);
};

const isOnlyBuilt = take("--build-only");
const isolated = !take("--no-isolation");
const folder = taken("--out", "dist");
const port = Number(taken("--port", "8000"));
if (args.length) fail(`there is no option ${args[0]}`);
if (!Number.isInteger(port) || port < 0 || port > 65535) fail("--port takes a number up to 65535");

const { page, packed, model } = await build(folder);
console.log(`${folder}/index.html  ${kilobytes(page)}, ${kilobytes(packed)} behind gzip`);
console.log(`${folder}/digits.mge  ${kilobytes(model)}`);
if (!isOnlyBuilt) {
  const { url, finished } = served();
  console.log(`\n${url}${isolated ? "" : "  (not isolated: WebAssembly has one thread)"}`);
  await finished;
}

function served(): Served {
  try {
    return serve(folder, { port, isolated });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return fail(`port ${port} is taken; another is given by --port`);
  }
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} kB`;
}

function fail(why: string): never {
  console.error(`${why}\n${usage}`);
  Deno.exit(2);
}
