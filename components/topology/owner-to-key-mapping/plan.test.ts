import fc from "fast-check";
import { expect, test } from "vitest";
import { chosenKey, type KeyState, type KeyStep, planKey, type WantedKey } from "./plan.ts";

const keys = ["k1", "k2", "k3", "k4"];

const wanted: fc.Arbitrary<WantedKey> = fc.record({
  name: fc.constantFrom("n1", "n2"),
  current: fc.option(fc.constantFrom(...keys), { nil: undefined }),
  adopt: fc.boolean(),
});

const state: fc.Arbitrary<KeyState> = fc
  .record({
    held: fc
      .subarray(keys)
      .chain((held) =>
        fc.tuple(
          ...held.map((fingerprint) =>
            fc.record({ fingerprint: fc.constant(fingerprint), name: fc.constantFrom("n1", "n2", "other") }),
          ),
        ),
      ),
    authorized: fc.subarray(keys),
    effective: fc.option(fc.subarray(keys), { nil: undefined }),
  })
  .map(({ held, authorized, effective }) => {
    const isHeld = (key: string) => held.some(({ fingerprint }) => fingerprint === key);
    return { held, authorized: authorized.filter(isHeld), ...(effective && { effective: effective.filter(isHeld) }) };
  });

/** What there is after one step; what was authorised reaches the domain only when it is waited for. */
function apply(now: KeyState, step: KeyStep): KeyState {
  switch (step.do) {
    case "generate":
      return { ...now, held: [...now.held, { fingerprint: `new of ${step.name}`, name: step.name }] };
    case "authorize":
      expect(now.authorized).not.toContain(step.key);
      return { ...now, authorized: [...now.authorized, step.key] };
    case "revoke":
      expect(now.authorized).toContain(step.key);
      return { ...now, authorized: now.authorized.filter((key) => key !== step.key) };
    case "wait":
      return { ...now, effective: now.authorized };
  }
}

test("from any state the member ends with the one wanted key, in a few rounds, and a second run does nothing", () => {
  fc.assert(
    fc.property(wanted, state, (key, start) => {
      let now = start;
      let rounds = 0;
      for (let steps = planKey(key, now); steps.length > 0; steps = planKey(key, now)) {
        for (const step of steps) now = apply(now, step);
        expect(++rounds).toBeLessThanOrEqual(6);
      }
      const chosen = chosenKey(key, now);
      expect(now.authorized).toEqual([chosen]);
      if (now.effective !== undefined) expect(now.effective).toEqual([chosen]);
    }),
  );
});

test("there is no moment without a key in effect, and none is generated where one fits", () => {
  fc.assert(
    fc.property(wanted, state, (key, start) => {
      // The domain shows what is authorised, as it does when nothing is on its way.
      let now: KeyState = { ...start, effective: start.authorized };
      const began = now.authorized.length > 0;
      for (let steps = planKey(key, now); steps.length > 0; steps = planKey(key, now)) {
        for (const step of steps) {
          if (step.do === "generate") expect(chosenKey(key, now)).toBeUndefined();
          now = apply(now, step);
          const usable = now.authorized.filter((each) => now.effective?.includes(each));
          if (began) expect(usable.length).toBeGreaterThan(0);
        }
      }
    }),
  );
});
