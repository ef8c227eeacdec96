/**
 * Every command in a process of its own, with the permissions that its help prints and no others;
 * without any one of them it says which is missing.
 * @module
 */
import { program } from "../../cli.ts";
import { assert, assertEquals, assertMatch } from "../std.ts";
import { dataFile, root, temporaryFolder, weftProcess } from "./commands.ts";

const module = `${root}tests/cli/model.ts`;
const library = `${module},${root}mod.ts,${root}lib`;
const mlp = dataFile("mge-python/mlp/base.v1.mge");
const two = dataFile("mge-python/mlp/base.v2.mge");
const cases = dataFile("mge-python/testcases");
const reference = ["--device", "reference"];

interface Trial {
  /** What is allowed, in the folder DIR. */
  readonly allow: readonly string[];
  readonly args: readonly string[];
}

const trials: Readonly<Record<string, readonly Trial[]>> = {
  dump: [
    {
      allow: [`--allow-read=${library},DIR`, "--allow-write=DIR"],
      args: ["dump", module, "-o", "DIR/a.mge", "--strip-info-file", "DIR/a.json"],
    },
    {
      allow: [`--allow-read=${mlp}`],
      args: ["dump", mlp, "-o", "-", "--input-data", "#rand(0,1)"],
    },
  ],
  run: [
    { allow: [`--allow-read=${mlp}`], args: ["run", mlp, "--input", "#rand(0,1)", ...reference] },
    {
      allow: [`--allow-read=${library},DIR`, "--allow-write=DIR"],
      args: [
        ...["run", module, "--input", "#rand(0,1)", ...reference, "--output", "DIR/out"],
        ...["--io-dump", "DIR/values.txt", "--profile", "DIR/profile.json"],
      ],
    },
  ],
  profile: [
    {
      allow: [`--allow-read=${mlp},DIR`, "--allow-write=DIR"],
      args: [
        ...["profile", mlp, "--input", "#rand(0,1)", ...reference, "--html", "DIR/a.html"],
        ...["--chrome-trace", "DIR/a.json"],
      ],
    },
  ],
  inspect: [
    { allow: [`--allow-read=${mlp}`], args: ["inspect", mlp, "--graph"] },
    {
      allow: [`--allow-read=${library},DIR`, "--allow-write=DIR"],
      args: ["inspect", module, "--html", "DIR/a.html"],
    },
  ],
  convert: [
    {
      allow: [`--allow-read=${mlp},DIR`, "--allow-write=DIR"],
      args: ["convert", mlp, "DIR/a.mge", "--enable-nchw44"],
    },
    {
      allow: [`--allow-read=${library},DIR`, "--allow-write=DIR"],
      args: ["convert", module, "DIR/a.safetensors"],
    },
  ],
  check: [{ allow: [`--allow-read=${cases}`], args: ["check", cases, ...reference] }],
  compare: [
    { allow: [`--allow-read=${mlp},${two}`], args: ["compare", mlp, two, "--all", ...reference] },
    {
      allow: [`--allow-read=${library}`],
      args: ["compare", module, module, "--device", "wasm", "--device-b", "webgpu"],
    },
  ],
  strip: [
    { allow: [`--allow-read=${mlp},${library}`], args: ["strip", mlp, module] },
    {
      allow: [`--allow-read=${mlp},DIR`, "--allow-write=DIR"],
      args: ["strip", mlp, "-o", "DIR/a.json", "--append"],
    },
  ],
  ops: [{ allow: [], args: ["ops", "--json"] }],
  doctor: [{ allow: [], args: ["doctor", "--json"] }],
  bench: [
    {
      allow: ["--allow-read", "--allow-write", "--allow-run"],
      args: ["bench", "--targets", "wasm", "--rows", "^matmul 256$", "--no-first"],
    },
  ],
};

const isAdapter = await navigator.gpu?.requestAdapter() != null;

for (const { name, permissions } of program.commands) {
  Deno.test(`${name} works with the permissions that its help prints, and no others`, async () => {
    const own = trials[name];
    assert(own !== undefined, `${name} has no trial`);
    const printed = new Set(permissions.match(/--allow-\w+/g) ?? ["none"]);
    const used = own.flatMap(({ allow }) => allow.map((flag) => flag.replace(/=.*/, "")));
    assertEquals(new Set(used.length ? used : ["none"]), printed);
    for (const { allow, args } of own) {
      if (args.includes("webgpu") && !isAdapter) continue;
      await using folder = await temporaryFolder();
      const within = (text: string) => text.replace("DIR", folder.path);
      const [flags, words] = [allow.map(within), args.map(within)];
      const { status, err } = await weftProcess(flags, words);
      assertEquals(status, 0, `${words.join(" ")}: ${err}`);
      assert(!/Requires \w+ access/.test(err), err);
      // Denied one at a time; bench has its own words for a process that it may not start.
      for (const [i, flag] of flags.entries()) {
        const less = await weftProcess(flags.toSpliced(i, 1), words);
        assertEquals(less.status, 2, `${words.join(" ")} without ${flag}: ${less.err}`);
        assertMatch(less.err, /access|allow/);
      }
    }
  });
}
