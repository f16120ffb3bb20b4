import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ConnectionState,
  planConnection,
  planDisconnection,
  type Registration,
} from "./domain-connection/plan.ts";
import { type MappingState, type MappingStep, planMapping } from "./mapping/plan.ts";
import { parseUniqueIdentifier, partyIdOf, permissions, trustLevels, withoutMemberCode } from "./topology-names.ts";

/** Values that a mapping may have; which kind of mapping it is makes no difference to the plan. */
const value = fc.record(
  { permission: fc.constantFrom(...permissions), trustLevel: fc.constantFrom(...trustLevels) },
  { noNullPrototype: true },
);
const values = fc.uniqueArray(value, { comparator: isDeepStrictEqual });
const seenOnDomain = fc.record({
  domainId: fc.constantFrom("a::1220", "b::1220"),
  effective: values,
  follows: fc.boolean(),
});
const mappingState: fc.Arbitrary<MappingState<object>> = fc.record({
  authorized: values,
  domains: fc.array(seenOnDomain, { maxLength: 3 }),
});

/** What a node has authorised after these steps, and what domains say that follow it. */
function applyMapping(state: MappingState<object>, steps: MappingStep<object>[]): MappingState<object> {
  const authorized = steps.reduce<readonly object[]>((now, step) => {
    if (step.do === "wait") return now;
    if (step.do === "revoke") return now.filter((other) => !isDeepStrictEqual(other, step.value));
    expect(now).not.toContainEqual(step.value);
    return step.replace ? [step.value] : [...now, step.value];
  }, state.authorized);
  return { authorized, domains: state.domains.map((seen) => ({ ...seen, effective: authorized })) };
}

test("a mapping is reached in one plan from any state, and then nothing is left to do", () => {
  fc.assert(
    fc.property(fc.option(value, { nil: undefined }), mappingState, (wanted, state) => {
      const after = applyMapping(state, planMapping<object>(wanted, state));
      expect(after.authorized).toEqual(wanted === undefined ? [] : [wanted]);
      expect(planMapping<object>(wanted, after)).toEqual([]);
    }),
  );
});

test("nothing is done that is done: authorised values that are wanted are neither revoked nor authorised again", () => {
  fc.assert(
    fc.property(value, mappingState, (wanted, state) => {
      const held = state.authorized.some((each) => isDeepStrictEqual(each, wanted));
      for (const step of planMapping<object>(wanted, state)) {
        if (step.do !== "wait") expect(step.do === "authorize").toBe(!held);
        if (step.do === "revoke") expect(step.value).not.toEqual(wanted);
      }
    }),
  );
});

test("what one of the domains does not show yet is waited for, unless its end cannot be seen", () => {
  const one = { permission: "Submission" };
  const on = (effective: object[], follows = true) => ({ domainId: "a::1220", effective, follows });
  const plan = (wanted: object | undefined, ...domains: ReturnType<typeof on>[]) =>
    planMapping<object>(wanted, { authorized: wanted === undefined ? [] : [wanted], domains });
  expect(plan(one, on([one]), on([]))).toEqual([{ do: "wait" }]);
  expect(plan(one, on([], false))).toEqual([{ do: "wait" }]);
  expect(plan(one)).toEqual([]);
  expect(plan(undefined, on([]), on([one]))).toEqual([{ do: "wait" }]);
  expect(plan(undefined, on([]), on([one], false))).toEqual([]);
});

const sequencers = fc
  .subarray(["a", "b", "c"], { minLength: 1 })
  .chain((aliases) =>
    fc.tuple(
      ...aliases.map((alias) =>
        fc.record({ alias: fc.constant(alias), url: fc.constantFrom("http://x:1", "http://y:2") }),
      ),
    ),
  );
const registration = fc.record({ sequencers, domainId: fc.constantFrom("", "d::1"), automatic: fc.boolean() });
const connectionState = fc
  .record({ registration: fc.option(registration, { nil: undefined }), connected: fc.boolean() })
  .map((state): ConnectionState => ({ ...state, connected: state.connected && state.registration !== undefined }));

/** What a participant says after these steps; every step must make sense where it stands. */
function applyConnection(
  state: ConnectionState,
  wanted: Omit<Registration, "automatic">,
  steps: ReturnType<typeof planConnection>,
): ConnectionState {
  return steps.reduce<ConnectionState>((now, step) => {
    switch (step.do) {
      case "register":
        expect(now.registration).toBeUndefined();
        return { registration: { ...wanted, automatic: false }, connected: false };
      case "modify":
        expect(now.registration).toBeDefined();
        return { ...now, registration: { ...wanted, automatic: step.automatic } };
      case "disconnect":
        expect(now.connected).toBe(true);
        return { ...now, connected: false };
      case "connect":
        // A registration that is about to change is not dialled.
        expect(now.registration).toMatchObject(wanted);
        return { ...now, connected: true };
      case "agree":
        return now;
    }
  }, state);
}

test("a connection is reached in one plan from any state, and then nothing is left to do", () => {
  fc.assert(
    fc.property(connectionState, registration, (state, { automatic: _, ...wanted }) => {
      const after = applyConnection(state, wanted, planConnection(wanted, state));
      expect(after).toEqual({ registration: { ...wanted, automatic: true }, connected: true });
      expect(planConnection(wanted, after)).toEqual([]);
    }),
  );
});

test("the order of sequencers is no difference", () => {
  const [a, b] = [
    { alias: "a", url: "http://x:1" },
    { alias: "b", url: "http://y:2" },
  ] as const;
  const state = { registration: { sequencers: [b, a], domainId: "", automatic: true }, connected: true };
  expect(planConnection({ sequencers: [a, b], domainId: "" }, state)).toEqual([]);
});

test("a connection is ended from any state, and stays ended after a restart", () => {
  fc.assert(
    fc.property(connectionState, (state) => {
      const known = state.registration ?? { sequencers: [], domainId: "", automatic: false };
      const after = applyConnection(state, known, planDisconnection(state));
      expect(after.connected).toBe(false);
      expect(after.registration?.automatic ?? false).toBe(false);
      expect(planDisconnection(after)).toEqual([]);
    }),
  );
});

test("ids are taken with and without a member's code, and anything else is refused", () => {
  expect(withoutMemberCode("PAR::alice::1220aa")).toBe("alice::1220aa");
  expect(withoutMemberCode("alice::1220aa")).toBe("alice::1220aa");
  expect(partyIdOf("Alice", "PAR::alice::1220aa")).toBe("Alice::1220aa");
  expect(partyIdOf("Alice::1220bb", "PAR::alice::1220aa")).toBe("Alice::1220bb");
  for (const wrong of ["alice", "", "::1220", "XYZ::alice::1220aa", "a::b::c::d"]) {
    expect(() => parseUniqueIdentifier(wrong), wrong).toThrow(/accepted: identifier::fingerprint/);
  }
});
