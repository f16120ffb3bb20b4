import { describe, expect, test } from "vitest";
import { keyToUnwrapWith } from "./aws-kms-wrapper.ts";

const arn = (region: string, id: string) => `arn:aws:kms:${region}:123456789012:key/${id}`;
const replicated = "mrk-1234abcd12ab34cd56ef1234567890ab";
const single = "1234abcd-12ab-34cd-56ef-1234567890ab";

describe("a data key is unwrapped", () => {
  test.each([
    [
      "with the replica in the region where the node runs now",
      replicated,
      arn("eu-west-1", replicated),
      arn("eu-west-1", replicated),
    ],
    ["with a replica that is named by its id alone", replicated, replicated, replicated],
    [
      "with the key that wrapped it, when another is configured",
      replicated,
      arn("eu-west-1", "mrk-ffff"),
      arn("eu-central-1", replicated),
    ],
    [
      "with the key that wrapped it, when it has no replicas",
      single,
      arn("eu-west-1", single),
      arn("eu-central-1", single),
    ],
    [
      "with the key that wrapped it, when an alias is configured",
      replicated,
      "alias/nodes",
      arn("eu-central-1", replicated),
    ],
  ])("%s", (_, wrappedBy, configured, expected) => {
    expect(keyToUnwrapWith(arn("eu-central-1", wrappedBy), configured)).toBe(expected);
  });
});
