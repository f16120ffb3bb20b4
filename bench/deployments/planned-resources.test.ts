import { expect, test } from "vitest";
import { countResources, plannedResources } from "./planned-resources.ts";

test("an entry of a golden file is a resource, what lists it has are none", () => {
  const text = "- type: a:b:C\n  name: c\n  inputs:\n    rules:\n      - type: ingress\n- type: a:b:D\n  name: d\n";
  expect(countResources(text)).toBe(2);
});

test("every template has three environments", () => {
  const environments = Map.groupBy(plannedResources(), ({ template }) => template);
  expect([...environments.keys()]).toEqual(expect.arrayContaining(["aws", "azure", "gcp", "kubernetes"]));
  for (const [template, planned] of environments) {
    expect(
      planned.map(({ environment }) => environment),
      template,
    ).toEqual(["dev", "production", "staging"]);
    for (const { resources } of planned) expect(resources).toBeGreaterThan(0);
  }
});
