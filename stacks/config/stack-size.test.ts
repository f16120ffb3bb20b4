import { expect, test } from "vitest";
import { whyTooLarge } from "./stack-size.ts";

test("what makes a stack too large is named: lists, the longest first, with their counts, and sections", () => {
  const config = {
    name: "canton",
    zones: ["a", "b"],
    nodes: ["x", "y", "z"],
    allowedRanges: [],
    gateway: { peerRanges: ["10.0.0.0/8"] },
    participants: [{ name: "bank", parties: ["p", "q", "r", "s"] }],
  };
  expect(whyTooLarge(config)).toMatch(
    /more than 149 resources, .*: participants\[0\]\.parties has 4, nodes has 3, zones has 2, .*, with gateway; expected less/,
  );
  expect(whyTooLarge({})).toContain("more than 149 resources");
});
