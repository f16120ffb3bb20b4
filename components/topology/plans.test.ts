import fc from "fast-check";
import { expect, test } from "vitest";
import { type Grant, planAllowListing, sameGrant } from "./allow-listing/plan.ts";
import {
  type ConnectionState,
  planConnection,
  planDisconnection,
  type Registration,
} from "./domain-connection/plan.ts";
import { type PartyState, planParty, planPartyRemoval } from "./party/plan.ts";
import { parseUniqueIdentifier, partyIdOf, permissions, trustLevels, withoutMemberCode } from "./topology-names.ts";

const grant = fc.record({ permission: fc.constantFrom(...permissions), trustLevel: fc.constantFrom(...trustLevels) });
const grants = fc.uniqueArray(grant, { comparator: sameGrant });

/** What a domain manager has after these steps. */
function applyGrants(granted: readonly Grant[], steps: ReturnType<typeof planAllowListing>): Grant[] {
  return steps.reduce<Grant[]>(
    (now, step) => {
      if (step.do === "revoke") return now.filter((other) => !sameGrant(other, step.grant));
      expect(now.some((other) => sameGrant(other, step.grant))).toBe(false);
      return step.replace ? [step.grant] : [...now, step.grant];
    },
    [...granted],
  );
}

test("an allow-list entry is reached in one plan from any state, and then nothing is left to do", () => {
  fc.assert(
    fc.property(fc.option(grant, { nil: undefined }), grants, (wanted, granted) => {
      const after = applyGrants(granted, planAllowListing(wanted, granted));
      expect(after).toEqual(wanted === undefined ? [] : [wanted]);
      expect(planAllowListing(wanted, after)).toEqual([]);
    }),
  );
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

const partyState: fc.Arbitrary<PartyState> = fc.record({
  authorized: fc.boolean(),
  visible: fc.boolean(),
  connected: fc.boolean(),
});

test("a party is authorized exactly when it is not, and waited for until it shows", () => {
  fc.assert(
    fc.property(partyState, (state) => {
      const [step] = planParty(state);
      expect(step?.do).toBe(!state.authorized ? "authorize" : state.visible ? undefined : "wait");
      const [removal] = planPartyRemoval(state);
      expect(removal?.do).toBe(state.authorized ? "revoke" : state.visible && state.connected ? "wait" : undefined);
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
