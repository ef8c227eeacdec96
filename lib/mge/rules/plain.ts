/**
 * Operators that hand on their operand: copies, marks, waits, and the assertion of a test case.
 * @module
 */
import { type Rule, type Rules, number } from "../rule.ts";

const identity: Rule = ({ ins }) => [ins[0]];

/** The error is computed by the file itself; the run compares it. */
const assertEqual: Rule = (site) => {
  const { ins, opr } = site;
  if (ins.length > 2) {
    const name = /^assert_eq\((.*):expect,/.exec(opr.outputs[0]?.name ?? "")?.[1];
    site.check({ name: name ?? opr.outputs[0]?.name ?? "", error: ins[2], most: number(site, "maxerr") });
  }
  return [ins[0]];
};

/** Rules of the operators that compute nothing. */
export const plainRules: Rules = {
  Copy: identity,
  Identity: identity,
  MarkDynamicVar: identity,
  MarkNoBroadcastElemwise: identity,
  PersistentOutputStorage: identity,
  VirtualDep: identity,
  Sleep: identity,
  AssertEqual: assertEqual,
};
