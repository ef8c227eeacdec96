/**
 * Every recorded dump of MegEngine's Python package made again from the equivalent function: it
 * loads, gives the recorded values, and has the same names, operators and figures but for what is
 * listed, with the reasons.
 * @module
 */
import { assert, assertEquals } from "../std.ts";
import { recordedDumps, remake } from "./remade.ts";
import { because, type Reason, reasons } from "./remade_reasons.ts";

/** Values of the release's V2 files that are wrong, and what ours give there. */
const wrongInRelease = ["CLIP [0] is 0.5, wanted -0.5", "SIGN [0] is 1, wanted -1"];

const dumps = await recordedDumps();
type Listing = Record<string, Record<string, unknown>>;
const golden = new URL("remade.json", import.meta.url);
const listed: Listing = JSON.parse(await Deno.readTextFile(golden));
const isUpdate = Deno.args.includes("--update");

for (const [name, why] of Object.entries(because)) {
  Deno.test(`remade: ${name}, ${why.length ? why.join(", ") : "the same"}`, async () => {
    const own = dumps.filter((one) => one.name.startsWith(`${name}/`));
    assert(own.length > 0);
    const listing: Listing = {};
    for (const one of own) {
      const { found, lines } = await remake(one);
      const isWrong = why.includes("rewritingBugs") && /(base|noopt)\.v2/.test(one.name);
      assertEquals(lines, isWrong ? wrongInRelease : [], one.name);
      assertEquals(found.inputs, undefined, one.name);
      if (!why.includes("parameters")) assertEquals(found.params, undefined, one.name);
      if (!why.length) assertEquals(found, {}, one.name);
      if (Object.keys(found).length) listing[one.name] = { ...found };
    }
    const before = Object.entries(listed).filter(([key]) => key.startsWith(`${name}/`));
    if (!isUpdate) assertEquals(listing, Object.fromEntries(before));
    else for (const [key] of before) delete listed[key];
    Object.assign(listed, listing);
  });
}

Deno.test("remade: every folder is there, and every reason is one's", () => {
  const folders = new Set(dumps.map((one) => one.name.split("/")[0]));
  assertEquals([...folders].sort(), Object.keys(because).sort());
  const used = new Set(Object.values(because).flat());
  assertEquals([...used].sort(), (Object.keys(reasons) as Reason[]).sort());
});

Deno.test("remade: of 218 dumps 63 are the same, and 155 differ as listed", async () => {
  if (isUpdate) {
    const lines = Object.keys(listed).sort().map((k) =>
      `${JSON.stringify(k)}: ${JSON.stringify(listed[k])}`
    );
    await Deno.writeTextFile(golden, `{\n${lines.join(",\n")}\n}\n`);
  }
  assertEquals([dumps.length, Object.keys(listed).length], [218, 155]);
});

Deno.test("docs/dumps.md has every reason and whom it is of", async () => {
  const padded = await Deno.readTextFile(new URL("../../docs/dumps.md", import.meta.url));
  const text = padded.replaceAll(/ +/g, " ");
  for (const [reason, what] of Object.entries(reasons)) {
    const folders = Object.keys(because).filter((k) => because[k].includes(reason as Reason));
    const row = `| ${what} | ${folders.map((f) => `\`${f}\``).join(" ")} |`;
    assert(text.includes(row), row);
  }
});
