/**
 * The table of reading rules: which operators of files are made of this library's operations.
 * @module
 */
import type { Rules } from "../rule.ts";
import { createRules } from "./create.ts";
import { elementRules } from "./element.ts";
import { imageRules } from "./image.ts";
import { indexRules } from "./index.ts";
import { linearRules } from "./linear.ts";
import { meshRules } from "./mesh.ts";
import { multiRules } from "./multi.ts";
import { normRules } from "./norm.ts";
import { plainRules } from "./plain.ts";
import { poolRules } from "./pool.ts";
import { recurrentRules } from "./recurrent.ts";
import { reduceRules } from "./reduce.ts";
import { relayoutRules } from "./relayout.ts";
import { shapeRules } from "./shape.ts";
import { simulateRules } from "./simulate.ts";
import { sortRules } from "./sort.ts";

/** Reading rules by registry alias; the operators that hold tensors have none, they are leaves. */
export const readingRules: Rules = {
  ...plainRules,
  ...shapeRules,
  ...indexRules,
  ...meshRules,
  ...elementRules,
  ...multiRules,
  ...linearRules,
  ...reduceRules,
  ...poolRules,
  ...relayoutRules,
  ...normRules,
  ...createRules,
  ...sortRules,
  ...imageRules,
  ...recurrentRules,
  ...simulateRules,
};
