import { defaultDynamicDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  checkParameters,
  type DomainParameterName,
  type DomainParameterValues,
  describeParameters,
  durationParameters,
  restored,
  withParameters,
} from "./parameters.ts";
import { planParameters } from "./plan.ts";

const span = fc.integer({ min: 0, max: 100_000 }).chain((n) => fc.constantFrom(`${n}ms`, `${n}s`, `${n}m`));
const values: fc.Arbitrary<DomainParameterValues> = fc.record(
  {
    ...(Object.fromEntries(durationParameters.map((name) => [name, span])) as Record<
      (typeof durationParameters)[number],
      typeof span
    >),
    maxRatePerParticipant: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    maxRequestSize: fc.integer({ min: 65_536, max: 2 ** 31 - 1 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const present = defaultDynamicDomainParameters();
const namesOf = (given: DomainParameterValues) => Object.keys(given) as DomainParameterName[];

test("only what is given is changed, is read back as it was written, and is reached in one plan", () => {
  fc.assert(
    fc.property(values, (given) => {
      const after = withParameters(present, given);
      expect(describeParameters(after, namesOf(given), given)).toEqual(given);
      for (const [name, value] of Object.entries(after)) {
        if (!(name in given)) expect(value).toBe(present[name as DomainParameterName]);
      }
      const steps = planParameters(after, { authorized: present, effective: present });
      expect(steps.length).toBeLessThanOrEqual(1);
      expect(planParameters(after, { authorized: after, effective: present }).every((step) => step.do === "wait")).toBe(
        true,
      );
      expect(planParameters(after, { authorized: after, effective: after })).toEqual([]);
    }),
  );
});

test("a deletion brings back what was there, but for what somebody else has changed since", () => {
  fc.assert(
    fc.property(values, values, (given, byHand) => {
      const previous = describeParameters(present, namesOf(given));
      const now = withParameters(withParameters(present, given), byHand);
      const back = withParameters(now, restored(now, given, previous));
      for (const name of namesOf(given)) {
        const mine = withParameters(present, given)[name];
        expect(back[name]).toBe(now[name] === mine ? present[name] : now[name]);
      }
    }),
  );
});

test("values out of range are told by name, with what is accepted, all at once", async () => {
  const problems = await checkParameters({
    participantResponseTimeout: "soon",
    maxRatePerParticipant: 1.5,
    maxSize: 3,
  });
  expect(problems.map(({ property }) => property)).toEqual([
    "participantResponseTimeout",
    "maxRatePerParticipant",
    "maxSize",
  ]);
  expect(problems[0]?.reason).toMatch(/^got "soon"; expected a number and a unit/);
  expect(problems[2]?.reason).toContain("expected one of participantResponseTimeout, ");

  const ranges = await checkParameters({
    maxRequestSize: 10,
    reconciliationInterval: "1500ms",
    maxRatePerParticipant: 0,
  });
  expect(ranges).toMatchObject([
    { property: "maxRequestSize", reason: "got 10; expected an integer from 65536 to 2147483647" },
    { property: "reconciliationInterval", reason: 'got "1500ms"; expected whole seconds, 1s or more' },
    { property: "maxRatePerParticipant", reason: "got 0; expected an integer from 1 to 2147483647" },
  ]);

  const together = { ledgerTimeRecordTimeTolerance: "60s", mediatorDeduplicationTimeout: "90s" };
  expect(await checkParameters(together)).toMatchObject([
    {
      property: "mediatorDeduplicationTimeout",
      reason: expect.stringContaining("at least twice ledgerTimeRecordTimeTolerance"),
    },
  ]);
  expect(await checkParameters({ mediatorDeduplicationTimeout: "1s" })).toEqual([]);
  expect(await checkParameters({ ledgerTimeRecordTimeTolerance: "5m" })).toEqual([]);
});
