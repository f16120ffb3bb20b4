/**
 * How many cases each property is tried with: `PROPERTY_RUNS`, or fast-check's default of 100. A case that one run in a
 * hundred finds fails somebody else's change; hunt for it with `PROPERTY_RUNS=20000 npx vitest run FILE`.
 * Properties that set their own number, because a case is dear, keep it.
 */
import fc from "fast-check";

const runs = Number(process.env.PROPERTY_RUNS ?? "");
if (Number.isInteger(runs) && runs > 0) fc.configureGlobal({ numRuns: runs });
