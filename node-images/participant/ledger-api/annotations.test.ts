import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { annotationsFault, fitsAnnotations, MAX_ANNOTATIONS_BYTES, mergeAnnotations } from "./annotations.ts";

const valid = (key: string) => annotationsFault({ [key]: "v" }, "f", false) === undefined;

describe("annotation keys", () => {
  test("are [prefix/]name: a name of Kubernetes, and a prefix that is a DNS name", () => {
    const character = fc.constantFrom("a", "Z", "0", "-", "_", ".", "/", "!", " ");
    const key = fc.string({ unit: character, maxLength: 8 });
    const label = (text: string) => /^[a-z0-9-]+$/i.test(text) && !text.startsWith("-") && !text.endsWith("-");
    const name = (text: string) =>
      /^[\w.-]+$/.test(text) && /[a-z0-9]/i.test(text[0] ?? "") && /[a-z0-9]/i.test(text.at(-1) ?? "");
    fc.assert(
      fc.property(key, (key) => {
        const parts = key.split("/");
        const expected =
          parts.length === 1
            ? name(key)
            : parts.length === 2 && (parts[0] ?? "").split(".").every(label) && name(parts[1] ?? "");
        expect(valid(key), key).toBe(expected);
      }),
    );
  });

  test.each([
    ["x".repeat(63), true],
    ["x".repeat(64), false],
    [`${"x".repeat(253)}/y`, true],
    [`${"x".repeat(254)}/y`, false],
  ])("have limits %#", (key, accepted) => {
    expect(valid(key)).toBe(accepted);
  });
});

describe("annotations", () => {
  test("have 256 KiB of UTF-8 together, and what an update removes does not count", () => {
    const value = "é".repeat(MAX_ANNOTATIONS_BYTES / 2 - 1);
    expect(fitsAnnotations({ ab: value })).toBe(true);
    expect(fitsAnnotations({ abc: value })).toBe(false);
    expect(annotationsFault({ ab: value, other: "" }, "f", true)).toBeUndefined();
    expect(annotationsFault({ abc: value }, "the.field", true)).toMatch(/field 'the\.field' are larger than .* 256kb/);
  });

  test("after an update are those given and those not named", () => {
    const some = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.constantFrom("", "1", "2"), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(some, some, (before, given) => {
        const present = mergeAnnotations({}, before);
        const merged = mergeAnnotations(present, given);
        for (const key of ["a", "b", "c", "d"]) {
          const expected = key in given ? given[key] : present[key];
          expect(merged[key]).toBe(expected === "" ? undefined : expected);
        }
        expect(mergeAnnotations(merged, given)).toEqual(merged);
      }),
    );
  });
});
