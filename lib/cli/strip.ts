/**
 * `strip`: the operators, modes and element types that a set of models needs, in the words of
 * MegEngine's strip info, by which its builds are cut down.
 * @module
 */
import { writeTo } from "../io/sink.ts";
import { joinedStrip, type StripInfo, stripText } from "../mge/strip.ts";
import { type FileStrip, stripOfFile } from "../mge/strip_file.ts";
import { planned, textOf } from "../trace/dump_to.ts";
import { command } from "./command.ts";
import { modelNotes } from "./model_argument.ts";
import { openModelFile } from "./model_file.ts";
import { argumentOf, openArgument, type Opening } from "./opened.ts";
import { stagedTypes } from "./stated_types.ts";
import { subject } from "./subject.ts";
import { usageError } from "./parse.ts";

/** The command. */
export const strip: ReturnType<typeof command> = command({
  name: "strip",
  summary: "the operators and dtypes that a set of models needs, as MegEngine's strip info",
  usage: "MODEL… [-o FILE] [flags]",
  arity: [1, Infinity],
  example: ["digits.mge", "a.mge b.mge model.ts -o strip.json", "c.mge -o strip.json --append"],
  json: true,
  permissions: "--allow-read=MODEL (for a module also what it imports); with -o also " +
    "--allow-read and --allow-write for the folder of FILE (it is written beside and renamed)",
  notes: [
    ...modelNotes,
    "The result is one line of JSON with the lists dtypes, elemwise_modes and opr_types, each " +
    "sorted, and the content hash of the last model (0 for V2). With --append the lists of FILE " +
    "get what they lack at their ends, and the hash is replaced.",
  ],
  flags: {
    output: { kind: "string", short: "o", placeholder: "FILE", doc: "write it there" },
    append: { kind: "boolean", doc: "add to what FILE holds" },
  },
  async run(context) {
    const { args, flags: { output, append }, print, document, log, signal, colors } = context;
    if (append && output === undefined) {
      throw usageError("Cannot append without a file: give -o FILE");
    }
    if (output === "-") throw usageError("Cannot take - for -o: leave it out to print the result");
    const before = append ? await textOf(output!) : undefined;
    const infos: StripInfo[] = [];
    for (const text of args) {
      const { info, notes } = await needsOf(text, context);
      for (const note of notes) await log(`${colors.yellow("note:")} ${text}: ${note}`);
      infos.push(info);
    }
    const info = joinedStrip(infos);
    const text = stripText(info, before, output);
    if (output === undefined) {
      await print(text);
    } else {
      await writeTo(output, [new TextEncoder().encode(text)], { signal });
      await print(`${output}: ${args.length} ${args.length === 1 ? "model" : "models"}`);
    }
    // Numbers of 64 bits are not for readers of JSON.
    const lists = text.replace(/"hash": \d+/, `"hash": "${info.hash}"`);
    await document({ ...JSON.parse(lists), models: args, file: output ?? null });
    return 0;
  },
});

async function needsOf(text: string, context: Opening): Promise<FileStrip> {
  const argument = await argumentOf(text);
  if (argument.kind !== "module") {
    return await stripOfFile(await openModelFile(argument, context), argument.title);
  }
  const opened = await openArgument(argument, context);
  const types = stagedTypes(opened, [], "types");
  return { info: (await planned(subject(opened).f, types, {})).strip, notes: [] };
}
