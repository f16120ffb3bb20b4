import { expect, test } from "vitest";
import { whyPoolsRefused } from "./same-pools.ts";

test("a cluster keeps the pools that it was made with, in any order, and gets no others", () => {
  const made = ["system4ebb", "nodes7cb7"];
  expect(whyPoolsRefused(made, made.toReversed())).toBeUndefined();
  expect(whyPoolsRefused(made, ["system4ebb", "nodes0000"])).toMatch(
    /^cluster\.machines, .* pools system4ebb, nodes0000; .* made with system4ebb, nodes7cb7, .* cluster\.ownPools: true/,
  );
  // Azure would keep it, and nobody would look after it.
  expect(whyPoolsRefused(made, ["system4ebb"])).toBeDefined();
});
