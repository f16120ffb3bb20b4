import fc from "fast-check";
import { expect, test } from "vitest";
import { difference, planTerms, question, type TermsState, termsOf } from "./plan.ts";

const terms = fc.record({ id: fc.constantFrom("1", "2"), text: fc.constantFrom("a", "b", "a\nb") }).map(termsOf);
const state: fc.Arbitrary<TermsState> = fc.record({
  registered: fc.boolean(),
  present: fc.option(terms, { nil: undefined }),
  accepted: fc.boolean(),
});

test("from any state the confirmed terms are accepted in a few steps, or a person is asked; nothing else is ever accepted", () => {
  fc.assert(
    fc.property(terms, state, (confirmed, start) => {
      let now = start;
      for (let round = 0; ; round += 1) {
        expect(round).toBeLessThan(4);
        const [step] = planTerms(confirmed, now);
        if (step === undefined) {
          expect(now).toMatchObject({ accepted: true, present: confirmed });
          return;
        }
        if (step.do === "ask") {
          expect(now.present).not.toEqual(confirmed);
          return;
        }
        if (step.do === "accept") expect(now.present).toEqual(confirmed);
        now = step.do === "register" ? { ...now, registered: true } : { ...now, accepted: true };
      }
    }),
  );
});

test("a person is told what has changed, and the lines that confirm it, in a form that YAML reads as text", () => {
  const before = termsOf({ id: "2026-01-15", text: "Be kind.\nPay in time.\nThe end.\n" });
  const after = termsOf({ id: "2026-02-15", text: "Be kind.\nPay at once.\nThe end.\n" });
  expect(difference(before.text, after.text)).toEqual(["  - Pay in time.", "  + Pay at once."]);
  const text = question("mydomain", before, after);
  expect(text).toContain(`    id: "2026-02-15"\n    sha256: "${after.sha256}"`);
  expect(text).toMatch(/2026-01-15 .* were, its own are 2026-02-15/);
  expect(question("mydomain", undefined, after)).toMatch(/asks to accept[^]*  Be kind\.\n  Pay at once\./);
  expect(question("mydomain", before, { ...before, id: "3" })).toContain("Their text is the same.");
  expect(question("mydomain", before, undefined)).toContain("Take termsOfService out of the configuration");
});
