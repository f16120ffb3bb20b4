import fc from "fast-check";
import { expect, test } from "vitest";
import { type IdentityProviderState, planIdentityProvider } from "./identity-provider/plan.ts";
import { planUser, rightsOf, type UserRight, type UserState } from "./ledger-user/plan.ts";

const parties = fc.uniqueArray(fc.constantFrom("a", "b", "c"));
const user: fc.Arbitrary<UserState> = fc.record(
  {
    primaryParty: fc.constantFrom("", "a", "b"),
    active: fc.boolean(),
    annotations: fc.dictionary(fc.constantFrom("k1", "k2", "__proto__", "k3"), fc.constantFrom("v", "w"), {
      noNullPrototype: true,
    }),
    actAs: parties,
    readAs: parties,
    participantAdmin: fc.boolean(),
    identityProviderAdmin: fc.boolean(),
  },
  { noNullPrototype: true },
);

const text = (right: UserRight) => JSON.stringify(right);
const rightTexts = (state: UserState) => rightsOf(state).map(text).sort();

test("a user is reached in one plan from any state, with its rights and nothing else, and a second plan is empty", () => {
  fc.assert(
    fc.property(user, fc.option(user, { nil: undefined }), (wanted, start) => {
      const rights = new Set(start ? rightTexts(start) : []);
      let fields = start && {
        primaryParty: start.primaryParty,
        active: start.active,
        annotations: { ...start.annotations },
      };
      for (const step of planUser(wanted, start)) {
        switch (step.do) {
          case "create":
            expect(fields).toBeUndefined();
            fields = {
              primaryParty: wanted.primaryParty,
              active: wanted.active,
              annotations: { ...wanted.annotations },
            };
            for (const right of rightTexts(wanted)) rights.add(right);
            break;
          case "update": {
            if (fields === undefined) throw new Error("there is no user to update");
            const annotations = new Map(Object.entries(fields.annotations));
            for (const [key, value] of Object.entries(step.annotations)) {
              if (value === "") expect(annotations.delete(key)).toBe(true);
              else annotations.set(key, value);
            }
            fields = {
              primaryParty: step.fields.includes("primary_party") ? wanted.primaryParty : fields.primaryParty,
              active: step.fields.includes("is_deactivated") ? wanted.active : fields.active,
              annotations: Object.fromEntries(annotations),
            };
            break;
          }
          case "grant":
            // Nothing that is still to be taken away is held while more is given.
            expect([...rights].every((right) => rightTexts(wanted).includes(right))).toBe(true);
            for (const right of step.rights) {
              expect(rights.has(text(right))).toBe(false);
              rights.add(text(right));
            }
            break;
          case "revoke":
            for (const right of step.rights) expect(rights.delete(text(right))).toBe(true);
        }
      }
      expect([...rights].sort()).toEqual(rightTexts(wanted));
      const { primaryParty, active, annotations } = wanted;
      expect(fields).toEqual({ primaryParty, active, annotations });
      expect(planUser(wanted, wanted)).toEqual([]);
    }),
  );
});

const idp: fc.Arbitrary<IdentityProviderState> = fc.record({
  issuer: fc.constantFrom("i", "j"),
  jwksUrl: fc.constantFrom("u", "v"),
  audience: fc.constantFrom("", "a"),
  active: fc.boolean(),
});

test("an identity provider is updated in just the fields that differ", () => {
  fc.assert(
    fc.property(idp, fc.option(idp, { nil: undefined }), (wanted, present) => {
      const [step] = planIdentityProvider(wanted, present);
      if (present === undefined) expect(step?.do).toBe("create");
      else if (step === undefined) expect(present).toEqual(wanted);
      else {
        const names = {
          issuer: "issuer",
          jwksUrl: "jwks_url",
          audience: "audience",
          active: "is_deactivated",
        } as const;
        const differ = Object.entries(names).filter(([key]) => wanted[key as "issuer"] !== present[key as "issuer"]);
        expect(step).toEqual({ do: "update", fields: differ.map(([, field]) => field) });
      }
    }),
  );
});
