import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { buildDescriptors, factsOf, isPublished } from "./build-descriptors.ts";
import type { DescriptorFacts } from "./descriptor-facts.ts";

const published = JSON.parse(readFileSync(new URL("facts.json", import.meta.url), "utf8")) as DescriptorFacts & {
  files: string[];
};
const set = buildDescriptors(new URL("../proto", import.meta.url).pathname);
const carried = set.file.map(({ name }) => name).filter(isPublished);
const ours = factsOf(set, carried);

describe("our .proto files", () => {
  it("are known by the facts of the published ones (if not: refresh.ts)", () => {
    expect(carried.toSorted()).toEqual(published.files);
    expect(Object.keys(published.messages).length).toBeGreaterThan(500);
    expect(Object.keys(published.services).length).toBeGreaterThan(50);
  });

  it.each(["messages", "enums", "services"] as const)("have exactly the published %s", (part) => {
    expect(Object.keys(ours[part]).toSorted()).toEqual(Object.keys(published[part]).toSorted());
    for (const [name, facts] of Object.entries(published[part])) expect(ours[part][name], name).toEqual(facts);
  });
});
