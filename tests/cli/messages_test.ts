/**
 * What every command says of wrong usage and of bad files, with its exit status: the recorded texts,
 * and that every error of `lib/cli` is among them. `deno test -A -u` records them anew.
 * @module
 */
import { program } from "../../cli.ts";
import { hostFromBytes } from "../../lib/core/host.ts";
import { writeNpy, writeNpz } from "../../lib/io/npy.ts";
import { assert, assertEquals } from "../std.ts";
import {
  dataFile,
  type Done,
  root,
  start,
  temporaryFolder,
  weft,
  weftProcess,
} from "./commands.ts";

const numbers = (shape: readonly number[], ...data: number[]) =>
  hostFromBytes({ dtype: "f32", shape }, new Uint8Array(new Float32Array(data).buffer));

/** Lines as one types them in a folder that holds what `prepare` puts there. */
const lines: Readonly<Record<string, readonly string[]>> = {
  weft: ["", "--verison", "dmup", "help insepct", "inspect", "inspect a.mge b.mge"],
  dump: [
    "dump MODEL",
    "dump MODEL -o",
    "dump MODEL -o - --append",
    "dump MODEL -o - --json",
    "dump MODEL -o out.mge --kepe-var-name 1",
    "dump MODEL -o out.mge --gzip=1",
    "dump MODEL -o out.mge --format V1",
    "dump MODEL -o out.mge --keep-var-name 3",
    "dump MODEL -o out.mge --opt-level 4",
    "dump MODEL -o out.mge --maxerr -1",
    "dump MODEL -o out.mge --maxerr much",
    "dump MODEL -o out.mge --repeat 0",
    "dump MODEL -o out.mge --append-json",
    "dump MODEL -o out.mge --user-info {",
    "dump MODEL -o out.mge --flexible x",
    "dump MODEL -o out.mge --flexible none --flexible x=0",
    "dump MODEL -o out.mge --flexible y=0",
    "dump MODEL -o out.mge --flexible x=1",
    "dump MODEL -o out.mge --arg-names a,b",
    "dump MODEL -o out.mge --output-names a",
    "dump MODEL -o out.mge --types y=f32[1]",
    "dump MODEL -o out.mge --types x=f31[1]",
    "dump MODEL -o out.mge --types x=f32[2,2] --types x=f32[3,2]",
    "dump MODEL -o out.mge --input-data #rnd(0,1)",
    "dump MODEL -o out.mge --input-data y:#rand(0,1)",
    "dump MODEL -o out.mge --input-data #rand(0,1) --resize-input",
    "dump MODEL -o out.mge --input-data none.npy",
    "dump MODEL -o out.mge --input-transform data+",
    "dump MODEL -o out.mge --enable-nchw4 --enable-nchw88",
    "dump MODEL -o out.mge --enable-io16xc32 --enable-ioc16",
    "dump MODEL -o none/out.mge",
    "dump MODEL -o folder",
    "dump MODEL -o /dev/full",
    "dump MODEL#weight -o out.mge",
    "dump MODEL#lyaer -o out.mge",
    "dump MODEL -o out.mge --strip-info-file bad.json --append-json",
    "dump empty.ts -o out.mge",
    "dump broken.ts -o out.mge",
    "dump nothing.ts -o out.mge",
    "dump untyped.ts -o out.mge",
    "dump none.ts -o out.mge",
  ],
  run: [
    "run MODEL",
    "run none.mge",
    "run folder",
    "run net.onnx",
    "run net.pkl",
    "run text.mge",
    "run cut.mge --input #rand(0,1)",
    "run pointer.mge",
    "run x.npz",
    "run MODEL --device webgup",
    "run MODEL --input y=#rand(0,1)",
    "run MODEL --input x=#rand(0)",
    "run MODEL --input x=x.npy --input x=x.npy",
    "run MODEL --input x=wide.npy",
    "run MODEL --input x=two.npz",
    "run MODEL --input x=odd.npy --batch 2",
    "run MODEL --input x=x.npy --batch 0",
    "run MODEL --input x=x.npy --iter 0",
    "run MODEL --input x=x.npy --warmup -1",
    "run MODEL --input x=x.npy --seed 1.5",
    "run MODEL --input x=x.npy --check w=x.npy",
    "run MODEL --input x=x.npy --check y=none.npy",
    "run MODEL --input x=x.npy --check y=x.npy",
    "run MODEL --input x=x.npy --rtol -1",
    "run MODEL --input x=x.npy --tune-cache bad.json",
    "run MODEL --input x=x.npy --tune-cache list.json",
    "run MODEL --input x=x.npy --tune-cache entry.json",
    "run MODEL --input x=x.npy --output none/a.safetensors",
    "run MODEL --input x=x.npy --profile none/a.json",
    "run MODEL --input x=x.npy --io-dump none/a.txt",
    "run CASES --batch 2",
    "run CASES --check sum=x.npy",
    "run CASES --rgb",
  ],
  profile: [
    "profile MODEL",
    "profile net.onnx",
    "profile MODEL --input x=x.npy --iter 0",
    "profile MODEL --input x=x.npy --warmup -1",
    "profile MODEL --input x=x.npy --html -",
    "profile MODEL --input x=x.npy --html MODEL",
    "profile MODEL --input x=x.npy --chrome-trace a.json --html a.json",
    "profile MODEL --input x=x.npy --html none/a.html",
    "profile MODEL --input x=x.npy --tune-cache bad.json",
    "profile CASES --batch 2",
  ],
  inspect: [
    "inspect net.onnx",
    "inspect text.mge",
    "inspect MODEL --after fold",
    "inspect MODEL --graph --opt-level 4",
    "inspect MODEL --graph --after fodl",
    "inspect MODEL --binding",
    "inspect MODEL --passes --known y=#rand(0,1)",
    "inspect MODEL --passes --known nothing",
    "inspect MODEL --html -",
    "inspect MODEL --html MODEL",
  ],
  check: [
    "check",
    "check none",
    "check empty",
    "check onnx",
    "check net.onnx",
    "check folder --filter (",
    "check folder --filter nothing",
    "check both",
    "check odd",
    "check tolerance",
    "check notjson",
    "check twice",
    "check wrong --fail-fast",
  ],
  convert: [
    "convert MLP",
    "convert MLP out.onnx",
    "convert MLP out",
    "convert net.onnx out.mge",
    "convert none.mge out.mge",
    "convert text.mge out.mge",
    "convert x.npz out.mge",
    "convert MLP out.safetensors --enable-ioc16",
    "convert ADD out.safetensors",
    "convert MLP out.mge --format V1",
    "convert MLP out.mge --inputs arg_0=i32[3,8]",
    "convert MLP out.mge --inputs arg_0=f32[3,9]",
    "convert MLP out.mge --enable-nchw4 --enable-chwn4",
    "convert MLP none/out.mge",
    "convert IMAGE2D out.safetensors",
  ],
  compare: [
    "compare MLP",
    "compare MLP none.mge",
    "compare MLP net.onnx",
    "compare - -",
    "compare MLP dump.txt",
    "compare folder folder",
    "compare dump.txt dump.txt --rtol 1",
    "compare dump.txt dump.txt --input #rand(0,1)",
    "compare dump.txt dump2.txt",
    "compare recording recording",
    "compare recording2 recording2",
    "compare MLP ADD",
    "compare MLP EMBEDDING",
    "compare MATMULS KWARGS",
    "compare MLP MLP --device-b cuda",
    "compare MODEL MODEL#layer --device reference",
  ],
  strip: [
    "strip",
    "strip none.mge",
    "strip net.onnx",
    "strip MLP --append",
    "strip MLP -o -",
    "strip MLP -o bad.json --append",
    "strip MLP -o none/a.json",
  ],
  ops: ["ops all", "ops --jsn"],
  doctor: ["doctor all", "doctor --jsn"],
  bench: [
    "bench all",
    "bench --suite none.ts",
    "bench --suite empty.ts",
    "bench --targets cuda",
    "bench --rows (",
    "bench --regression 0",
    "bench --suite suite.ts --against history --no-first",
  ],
};

const places: Readonly<Record<string, string>> = {
  MODEL: `${root}tests/cli/model.ts`,
  MLP: dataFile("mge-python/mlp/base.v1.mge"),
  ADD: dataFile("mge-python/add/base.v1.mge"),
  EMBEDDING: dataFile("mge-python/embedding/base.v1.mge"),
  MATMULS: dataFile("mge-python/matmuls/base.v1.mge"),
  KWARGS: dataFile("mge-python/kwargs_call/base.v1.mge"),
  CASES: dataFile("mge-python/testcases/multi_named.mge"),
  IMAGE2D: dataFile("mge-python/convnet/hwcd4.v2.mge"),
};

async function prepare(folder: string): Promise<void> {
  const mlp = await Deno.readFile(places.MLP);
  const text = (name: string, content: string) => Deno.writeTextFile(`${folder}/${name}`, content);
  const bytes = (name: string, content: Uint8Array) => Deno.writeFile(`${folder}/${name}`, content);
  for (
    const name of ["folder", "empty", "onnx", "recording", "recording2", "history"]
  ) await Deno.mkdir(`${folder}/${name}`);
  for (const name of ["both", "odd", "tolerance", "notjson", "twice", "wrong"]) {
    await Deno.mkdir(`${folder}/${name}/inputs`, { recursive: true });
    await bytes(`${name}/model.mge`, mlp);
    await bytes(`${name}/inputs/0.npy`, writeNpy(numbers([3, 8], ...new Array(24).fill(0))));
  }
  await bytes("both/inputs.npz", writeNpz([["arg_0", numbers([1], 1)]]));
  await bytes("odd/inputs/7.npy", writeNpy(numbers([1], 1)));
  await text("tolerance/tolerance.json", '{"rtol": -1}');
  await text("notjson/tolerance.json", "{");
  await bytes("twice/inputs/arg_0.npy", writeNpy(numbers([1], 1)));
  await bytes("wrong/outputs.npz", writeNpz([["net.Softmax", numbers([3, 4], ...range(12))]]));
  await text("net.onnx", "");
  await text("onnx/model.onnx", "");
  await text("text.mge", "this is no model, but a text");
  await bytes("cut.mge", mlp.subarray(0, 900));
  await Deno.copyFile(dataFile("mge/git-lfs-pointer.mge"), `${folder}/pointer.mge`);
  await bytes("x.npy", writeNpy(numbers([1, 2], 2, 4)));
  await bytes("x.npz", writeNpz([["x", numbers([1, 2], 2, 4)]]));
  await bytes("wide.npy", writeNpy(numbers([2], 2, 4)));
  await bytes("odd.npy", writeNpy(numbers([3, 2], ...range(6))));
  await bytes("two.npz", writeNpz([["a", numbers([1], 1)], ["b", numbers([1], 1)]]));
  await text("bad.json", "{");
  await text("list.json", "[]");
  await text("entry.json", '{"kernels": {"a": 1}}');
  await text("empty.ts", "export const a = 1;");
  await text("broken.ts", "throw new RangeError('no luck');");
  await text("nothing.ts", "export default () => undefined; export const inputs = [3];");
  await text("untyped.ts", "export default (x) => x;");
  await text("dump.txt", '0 "x" arg #0123456789abcdef f32[1] 1\n');
  await text("dump2.txt", '0 "x" arg\n');
  await text("recording/index.json", "{");
  await text("recording2/index.json", "{}");
  await text(
    "suite.ts",
    "export const targets = ['a']; export const usual = 1; export const measure = () => " +
      "({ columns: [{ target: 'a', place: 'b', results: [] }], table: () => '' });",
  );
  await text("history/a-b.jsonl", "{");
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** Files of a line: paths in the folder, the command and flags as they are. */
function argsOf(line: string, folder: string): string[] {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  const local = /^(out|none|recording|folder)|\.(mge|npy|npz|ts|json|onnx|pkl|txt|safetensors)$/;
  const path = (word: string) =>
    names.includes(word) || local.test(word) ? `${folder}/${word}` : word;
  return line.split(" ").filter(Boolean).map((word, i, words) => {
    if (words[i - 1] === "--flexible") return word;
    const [, name, rest] = /^([A-Z0-9]+)(#.*)?$/.exec(word) ?? [];
    if (name in places) return places[name] + (rest ?? "");
    const [, head, tail] = /^(\w+=)([^#[]+)$/.exec(word) ?? [];
    return head ? head + path(tail) : path(word);
  });
}

function recorded(line: string, { status, out, err }: Done, folder: string): string {
  const text = `${out}${err}`.replaceAll(folder, "DIR").replaceAll(root, "ROOT/")
    .replaceAll(/first [\d.]+ ms, .*\n/g, "").replaceAll(/weft-\d+-[0-9a-f]{8}/g, "weft-…");
  return `$ weft ${line}\n${text}${status}`;
}

const texts: string[] = [];

for (const [command, all] of Object.entries(lines)) {
  Deno.test(`messages of ${command}`, async (t) => {
    await using made = await temporaryFolder();
    const folder = made.path;
    await prepare(folder);
    const found: string[] = [];
    for (const line of all) {
      const args = argsOf(line, folder);
      const runs = ["run", "profile", "check", "compare"].includes(command) &&
        !line.includes("--device ");
      const done = await weft(...args, ...(runs ? ["--device", "reference"] : []));
      assert(done.status !== 0, `${line} is taken: ${done.out}`);
      assert(!/this should not happen|internal:/.test(done.err), `${line}: ${done.err}`);
      assert(!/undefined|\[object/.test(done.err), `${line}: ${done.err}`);
      found.push(recorded(line, done, folder));
    }
    assertEquals([...Deno.readDirSync(folder)].filter(({ name }) => /^out|tmp$/.test(name)), []);
    texts.push(...found);
    await (t as unknown as { assertSnapshot(x: string): Promise<void> }).assertSnapshot(
      found.join("\n\n"),
    );
  });
}

Deno.test("messages of what is not permitted, and of a reader that leaves", async (t) => {
  await using made = await temporaryFolder();
  const found: string[] = [];
  const module = places.MODEL;
  const denied: readonly [string, string[], string[]][] = [
    ["inspect MLP", [], ["inspect", places.MLP]],
    ["inspect MODEL", [`--allow-read=${module}`], ["inspect", module]],
    ["dump MODEL -o out.mge", [`--allow-read`], ["dump", module, "-o", `${made.path}/out.mge`]],
  ];
  for (const [line, permissions, args] of denied) {
    const text = recorded(line, await weftProcess(permissions, args), made.path);
    found.push(
      text.replaceAll(/to ROOT\/\S+?,/g, "to ROOT/…,").replaceAll(/ROOT\/\S+\n/g, "ROOT/…\n"),
    );
  }
  const child = start(["-A"], ["dump", `${root}tests/cli/slow_model.ts`, "-o", "-"]);
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const err = await new Response(child.stderr).text();
  const { code } = await child.status;
  found.push(recorded("dump SLOW -o - | head", { status: code, out: "", err }, made.path));
  texts.push(...found);
  await (t as unknown as { assertSnapshot(x: string): Promise<void> }).assertSnapshot(
    found.join("\n\n"),
  );
});

Deno.test("every command and every error of lib/cli is among the recorded messages", async () => {
  assertEquals(
    program.commands.map(({ name }) => name).filter((name) => !(name in lines)),
    [],
    "commands without recorded messages",
  );
  const lost: string[] = [];
  for await (const { name } of Deno.readDir(`${root}lib/cli`)) {
    const source = await Deno.readTextFile(`${root}lib/cli/${name}`);
    for (const [, literal] of source.matchAll(errors)) {
      if (/^.internal:/.test(literal) || elsewhere.some((text) => literal.includes(text))) continue;
      if (!texts.some((text) => patternOf(literal).test(text))) lost.push(`${name}: ${literal}`);
    }
  }
  assertEquals(lost, []);
});

/** The first literal of an error. */
const errors =
  /(?:usageError|(?:Format|Option|Device)Error|refuse)\(\s*("(?:[^"\\]|\\.)*"|`(?:[^`\\$]|\\.|\$(?!\{)|\$\{(?:[^`{}]|\{[^}]*\}|`[^`]*`)*\})*`)/g;

/** What another test shows, since it takes another machine or a package. */
const elsewhere: readonly string[] = [
  // bench_test.ts
  "the suite is in the project's repository",
];

/** A literal as the texts that it gives: anything in the place of what it fills in. */
function patternOf(literal: string): RegExp {
  const parts = literal.slice(1, -1).split(/\$\{(?:[^`{}]|\{[^}]*\}|`[^`]*`)*\}/)
    .map((part) => part.replaceAll("\\n", "\n").replaceAll(/\\(.)/g, "$1"));
  const escaped = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(escaped.join("[\\s\\S]*?"));
}
