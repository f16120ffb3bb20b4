import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { must, policy } from "./policy.ts";
import { unknown } from "./properties.ts";
import { stackViolations, unknownText, violations } from "./testing/ask.ts";

const example = policy<{ readonly least: number }>({
  name: "example",
  description: "An example.",
  severity: "low",
  appliesIn: "every environment",
  config: { least: { type: "integer", default: 2 } },
  rules: {
    "test:index:Thing": [
      must("sides.left", "true", (value) => value === true),
      ({ props }, { least }) => (Number(props["count"] ?? least) < least ? [`count: expected ${least}`] : []),
    ],
  },
  stack: (resources) => resources.map(({ urn, name }) => ({ urn, message: `${name} is here` })),
});
const thing = { type: "test:index:Thing", name: "the-thing", props: { sides: { left: false } } };

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-06-15T12:00:00Z"), toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a message names the property, what it is and what it has to be", async () => {
  expect(await violations(example, thing)).toEqual(["sides.left: got false; expected true"]);
  expect(await violations(example, { ...thing, props: {} })).toEqual(["sides.left: got nothing; expected true"]);
});

test("one unknown value does not keep the others from being judged", async () => {
  const props = { sides: { left: unknownText, right: true }, count: 1 };
  expect(await violations(example, { ...thing, props })).toEqual(["count: expected 2"]);
  expect(await violations(example, { ...thing, props: { sides: unknownText } })).toEqual([]);
});

test("configuration that is left out is the schema's default", async () => {
  const props = { sides: { left: true }, count: 2 };
  expect(await violations(example, { ...thing, props })).toEqual([]);
  expect(await violations(example, { ...thing, props }, { least: 3 })).toEqual(["count: expected 3"]);
});

test("an exemption lets off the resources it names, until its last day", async () => {
  const exempt = (resource: string, until?: string) => ({ exemptions: [{ resource, reason: "known", until }] });
  expect(await violations(example, thing, exempt("the-thing"))).toEqual([]);
  expect(await violations(example, thing, exempt("the-*", "2026-06-15"))).toEqual([]);
  expect(await violations(example, thing, exempt("another-*"))).toHaveLength(1);
  expect(await violations(example, thing, exempt("the.thing"))).toHaveLength(1);
  expect(await violations(example, thing, exempt("the-thing", "2026-06-14"))).toEqual([
    "sides.left: got false; expected true (its exemption ended on 2026-06-14)",
  ]);
  expect(await stackViolations(example, [thing, { ...thing, name: "other" }], exempt("the-thing"))).toEqual({
    other: ["other is here"],
  });
});

test("types without a rule are not looked at", async () => {
  expect(await violations(example, { ...thing, type: "test:index:Other" })).toEqual([]);
});

test("a policy for production is silent elsewhere, and strict when it was told nothing", async () => {
  const strict = policy({
    name: "strict",
    description: "",
    severity: "low",
    appliesIn: "production",
    rules: { "test:index:Thing": [({ props }) => (props["on"] === unknown ? [] : ["off"])] },
  });
  expect(await violations(strict, thing, { environment: "staging" })).toEqual([]);
  expect(await violations(strict, thing)).toEqual(["off"]);
  expect(strict.configSchema?.properties["environment"]).toMatchObject({ default: "production" });
});
