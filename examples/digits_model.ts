/**
 * The digit network with its trained parameters, as a module for the command line:
 * `deno run -A cli.ts dump examples/digits_model.ts -o digits.mge --input-data '#rand(0,1)'`.
 */
import { trace } from "@weft/weft";
import { loadParams } from "@weft/weft/io";
import { digits, inputs, spec } from "./digits.ts";

const file = new URL("./data/digits/net_init.safetensors", import.meta.url);
const parameters = await loadParams(spec, file);

/** Images to scores, with the parameters as constants. */
export default trace(digits(parameters), { captureAsConst: true, recordOnly: true });
export { inputs };
