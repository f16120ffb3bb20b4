import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { armorRuleSets, planArmor } from "./gcp-armor-plan.ts";

const ranges = fc.uniqueArray(
  fc.nat({ max: 255 }).map((octet) => `203.0.${octet}.0/24`),
  { minLength: 1, maxLength: 40 },
);

describe("rules of Cloud Armor", () => {
  test("everybody on the list is let in by exactly one rule, ten at most in each; the last rule refuses the others", () => {
    fc.assert(
      fc.property(ranges, (allowedRanges) => {
        const rules = planArmor({ allowedRanges });
        const lets = rules.filter(({ action }) => !action.startsWith("deny"));
        expect(lets.flatMap(({ match }) => match.config?.srcIpRanges ?? [])).toEqual(allowedRanges);
        for (const { match } of lets) expect(match.config?.srcIpRanges.length).toBeLessThanOrEqual(10);
        expect(rules.at(-1)).toMatchObject({ action: "deny(403)", priority: 2 ** 31 - 1 });
        const priorities = rules.map(({ priority }) => priority);
        expect(priorities).toEqual([...new Set(priorities)].sort((a, b) => a - b));
      }),
    );
  });

  test("attacks are refused before anybody is let in", () => {
    const rules = planArmor({ allowedRanges: ["203.0.113.0/24"] });
    expect(rules.slice(0, armorRuleSets.length).map(({ action }) => action)).toEqual(
      armorRuleSets.map(() => "deny(403)"),
    );
    expect(rules[0]?.match.expr?.expression).toBe("evaluatePreconfiguredWaf('sqli-v33-stable', {'sensitivity': 1})");
    expect(rules[armorRuleSets.length]).toMatchObject({
      action: "throttle",
      rateLimitOptions: { exceedAction: "deny(429)", rateLimitThreshold: { count: 6_000, intervalSec: 60 } },
    });
  });

  test("with no rate, and nothing looked for, the list alone decides", () => {
    const rules = planArmor({ allowedRanges: ["203.0.113.0/24"], requestsPerMinute: 0, ruleSets: [] });
    expect(rules.map(({ action }) => action)).toEqual(["allow", "deny(403)"]);
  });

  test("a list of nobody, and a rate that is none, are refused", () => {
    expect(() => planArmor({ allowedRanges: [] })).toThrow(/^allowedRanges: got none/);
    expect(() => planArmor({ allowedRanges: ["203.0.113.0/24"], requestsPerMinute: 1.5 })).toThrow(
      /^requestsPerMinute: got 1.5/,
    );
  });
});
