/**
 * Builds the page: a folder with one HTML file, which holds its style, its script and some digits,
 * and the model file beside it. The page's own policy lets it run nothing but that script, load
 * nothing but the model, and start no workers but the library's.
 * @module
 */
import { paletteStyle } from "../../lib/report/colors.ts";
import { bundled } from "./bundle.ts";
import { fiftyDigits, parameters, type Samples, writeModel } from "./model.ts";

/** What was built. */
export interface Built {
  /** Bytes of the page and of the model, and of the page as gzip packs it. */
  readonly page: number;
  readonly packed: number;
  readonly model: number;
}

const here = new URL("./", import.meta.url);

/** Builds into a folder, which is made if need be. */
export async function build(folder: string): Promise<Built> {
  await Deno.mkdir(folder, { recursive: true });
  const samples = await fiftyDigits();
  const model = await writeModel(`${folder}/digits.mge`, await parameters(samples));
  const page = await pageOf(samples);
  await Deno.writeTextFile(`${folder}/index.html`, page);
  const packed = new Blob([page]).stream().pipeThrough(new CompressionStream("gzip"));
  return {
    page: new Blob([page]).size,
    packed: (await new Response(packed).bytes()).length,
    model,
  };
}

async function pageOf(samples: Samples): Promise<string> {
  const style = paletteStyle() + await Deno.readTextFile(new URL("page.css", here));
  // Nothing in a script may look like its end.
  const script = (await bundled(new URL("page.ts", here))).replaceAll("</script", "<\\/script");
  const policy = [
    "default-src 'none'",
    `script-src '${await fingerprint(script)}' 'wasm-unsafe-eval'`,
    `style-src '${await fingerprint(style)}'`,
    "worker-src blob:",
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  const put: readonly (readonly [tag: string, text: string])[] = [
    [
      '<meta charset="utf-8">',
      `<meta charset="utf-8">\n    <meta http-equiv="Content-Security-Policy" content="${
        policy.join("; ")
      }">`,
    ],
    ['<link rel="stylesheet" href="page.css">', `<style>${style}</style>`],
    [
      '<script type="application/json" id="digits"></script>',
      `<script type="application/json" id="digits">${JSON.stringify(chosen(samples))}</script>`,
    ],
    ['<script type="module" src="page.ts"></script>', `<script type="module">${script}</script>`],
  ];
  const template = await Deno.readTextFile(new URL("index.html", here));
  return put.reduce((page, [tag, text]) => {
    if (!page.includes(tag)) throw new Error(`index.html has no ${tag}`);
    return page.replace(tag, () => text);
  }, template);
}

/** One of each digit, and at the end the one that the network reads wrong. */
function chosen(
  { images, labels }: Samples,
): { readonly label: number; readonly pixels: string }[] {
  const wrong = 5;
  const first = Array.from(
    { length: 10 },
    (_, digit) => labels.findIndex((label, i) => label === digit && i !== wrong),
  );
  return [...first, wrong].map((i) => {
    const bytes = Uint8Array.from(images.subarray(784 * i, 784 * i + 784), (v) => v * 256);
    return { label: labels[i], pixels: bytes.toBase64() };
  });
}

async function fingerprint(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `sha256-${new Uint8Array(hash).toBase64()}`;
}
