/**
 * The README's journey: its module is the example's, and its commands print what stands there;
 * of times and rates only the form. `deno test -A tests/cli/journey_test.ts -- --update` writes the
 * README's outputs anew.
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "../std.ts";
import { root, temporaryFolder, weft } from "./commands.ts";

const readme = `${root}README.md`;
const begin = "## The journey";
const isUpdate = Deno.args.includes("--update");

/** The section, and where it stands. */
function journeyOf(text: string): string {
  const from = text.indexOf(begin);
  assert(from > 0, "the README has the journey");
  return text.slice(from, text.indexOf("\n## ", from + 1));
}

/** What differs from run to run: numbers with their units, and the columns that they make. */
function formOf(text: string, command: string): string {
  if (!/^\$ weft (run|profile)/.test(command)) return text;
  // Which kernel takes longest is the machine's affair: rows are compared in the order of names.
  const lines = text.replace(/< ?/g, "").replace(/[\d][\d.,]*(e-\d+)?/g, "#")
    .replace(/# [nµm]?s\b/g, "# s").replace(/ +/g, " ").split("\n");
  return lines.toSorted().join("\n");
}

Deno.test("the README's module is the example", async () => {
  const section = journeyOf(await Deno.readTextFile(readme));
  assertStringIncludes(section, await Deno.readTextFile(`${root}examples/journey.ts`));
});

Deno.test("the README's commands print what it says", async () => {
  const text = await Deno.readTextFile(readme);
  let section = journeyOf(text);
  await using folder = await temporaryFolder();
  const blocks = [...section.matchAll(/```console\n([^]*?)```/g)];
  assertEquals(blocks.length, 3);
  let commands = 0;
  for (const [, block] of blocks) {
    let made = "";
    for (const part of block.split(/^(?=\$ )/m)) {
      const [command, ...output] = part.split("\n");
      const words = command.match(/'[^']*'|\S+/g)!.slice(2)
        .map((word) => word.replace(/^'|'$/g, ""))
        .map((word) => word.replace(/^model\.mge$/, `${folder.path}/model.mge`))
        .map((word) => word.replace(/^examples\//, `${root}examples/`));
      const device = /^(run|profile)$/.test(words[0]) ? ["--device", "wasm"] : [];
      const { status, out, err } = await weft(...words, ...device);
      assertEquals(status, 0, err);
      // What was written is said on standard error.
      const said = words[0] === "dump" ? err : out;
      const found = (out + (said === out ? "" : said)).replaceAll(`${folder.path}/`, "").trimEnd();
      if (!isUpdate) {
        const want = output.join("\n").trimEnd();
        assertEquals(formOf(found, command), formOf(want, command), command);
      }
      made += `${command}\n${found}\n${part.endsWith("\n\n") ? "\n" : ""}`;
      commands++;
    }
    section = section.replace(block, () => made);
  }
  assertEquals(commands, 5);
  if (isUpdate) await Deno.writeTextFile(readme, text.replace(journeyOf(text), () => section));
});

Deno.test("the README's picture of a profile is there, and small", async () => {
  const section = journeyOf(await Deno.readTextFile(readme));
  const [, path] = /!\[[^\]]+\]\((docs\/\S+\.png)\)/.exec(section)!;
  const bytes = await Deno.readFile(root + path);
  assertEquals([...bytes.subarray(1, 4)], [0x50, 0x4e, 0x47]);
  assert(bytes.length < 300_000, `${bytes.length} bytes`);
});
