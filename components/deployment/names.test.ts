import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type NameRule, nameWithin } from "./names.ts";

const inner = "abcdefghijklmnopqrstuvwxyz0123456789-";
const letters = [...inner.slice(0, 26)];
const ends = [...inner.slice(0, 36)];

/** Parts of names: a letter or digit at both ends, the first part with a letter first. */
function part(starts: readonly string[]) {
  return fc
    .tuple(
      fc.constantFrom(...starts),
      fc.string({ unit: fc.constantFrom(...inner), maxLength: 20 }),
      fc.constantFrom(...ends),
      fc.boolean(),
    )
    .map(([first, middle, last, single]) => (single ? first : `${first}${middle}${last}`));
}

const names = fc
  .tuple(part(letters), fc.array(part(ends), { maxLength: 4 }))
  .map(([first, others]) => [first, ...others]);

const rules: fc.Arbitrary<NameRule> = fc.record(
  {
    length: fc.integer({ min: 12, max: 63 }),
    characters: fc.constantFrom("hyphens" as const, "plain" as const),
    scope: fc.string(),
  },
  { requiredKeys: ["length"] },
);

describe("nameWithin", () => {
  test("a name is within its rule: length, characters, a letter first, a letter or digit last", () => {
    fc.assert(
      fc.property(rules, names, (rule, parts) => {
        const name = nameWithin(rule, ...parts);
        expect(name.length).toBeLessThanOrEqual(rule.length);
        expect(name).toMatch(rule.characters === "plain" ? /^[a-z][a-z0-9]*$/ : /^[a-z]([a-z0-9-]*[a-z0-9])?$/);
      }),
    );
  });

  test("the same parts give the same name, whatever was named before", () => {
    fc.assert(
      fc.property(rules, names, names, (rule, parts, others) => {
        const name = nameWithin(rule, ...parts);
        nameWithin(rule, ...others);
        expect(nameWithin({ ...rule }, ...parts)).toBe(name);
      }),
    );
  });

  test("two names that were cut stay different, though they begin alike", () => {
    fc.assert(
      fc.property(names, fc.uniqueArray(part(ends), { minLength: 2, maxLength: 2 }), ([first = "a"], [left, right]) => {
        const long = first.padEnd(63, "x");
        const cut = (end = "") => nameWithin({ length: 24 }, long, end);
        expect(cut(left)).not.toBe(cut(right));
        expect(cut(left).slice(0, 17)).toBe(cut(right).slice(0, 17));
      }),
    );
  });

  test("a scope makes a name unique, and keeps it the same for the same scope", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 2 }),
        names,
        ([here = "", there = ""], parts) => {
          const within = (scope: string) => nameWithin({ length: 63, scope }, ...parts);
          expect(within(here)).not.toBe(within(there));
          expect(within(here)).toBe(within(here));
        },
      ),
    );
  });

  test("a name that fits is its parts and nothing else", () => {
    expect(nameWithin({ length: 63 }, "canton-prod", "nodes")).toBe("canton-prod-nodes");
    expect(nameWithin({ length: 17 }, "canton-prod", "nodes")).toBe("canton-prod-nodes");
    expect(nameWithin({ length: 24, characters: "plain" }, "canton-prod", "nodes")).toBe("cantonprodnodes");
    expect(nameWithin({ length: 16 }, "canton-prod", "nodes")).toMatch(/^canton-pr-[0-9a-f]{6}$/);
    // No two hyphens where the cut falls on one.
    expect(nameWithin({ length: 14 }, "canton-prod", "nodes")).toMatch(/^canton-[0-9a-f]{6}$/);
    expect(nameWithin({ length: 63, scope: "s" }, "a", "b")).toMatch(/^a-b-[0-9a-f]{6}$/);
  });

  test.each([
    [["Canton"], "Canton"],
    [["1st"], "1st"],
    [["a", ""], ""],
    [["a", "b-"], "b-"],
    [["-a"], "-a"],
    [["a", "b_c"], "b_c"],
    [["a", "ü"], "ü"],
  ])("%j is refused, and the part named", (parts, wrong) => {
    expect(() => nameWithin({ length: 63 }, ...parts)).toThrow(
      `got "${wrong}" as a part of a name; expected lower-case letters, digits and hyphens, a letter first`,
    );
  });
});
