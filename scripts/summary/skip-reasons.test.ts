import { expect, test } from "vitest";
import { skipReasonsIn } from "./skip-reasons.ts";

test("of what tests write only the lines are kept that say why something was skipped", () => {
  const written = "starting\nSKIPPED: grpcurl: no Go\nnot SKIPPED: this\nSKIPPED: no recordings\n";
  expect(skipReasonsIn(written)).toEqual(["SKIPPED: grpcurl: no Go", "SKIPPED: no recordings"]);
});
