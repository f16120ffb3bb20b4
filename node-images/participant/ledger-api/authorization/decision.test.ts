import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RIGHT_KINDS, type User, type UserRight } from "../users/user.ts";
import { type Claims, claimsOf, includesParty, sameClaims, WILDCARD } from "./claims.ts";
import { decide } from "./decision.ts";
import type { Requirement } from "./requirement.ts";

interface Request {
  readonly userId: string;
  readonly identityProviderId: string;
  readonly commands: { readonly applicationId: string; readonly commandId: string } | undefined;
  readonly other: number;
}

// Few names, so that they often meet.
const party = fc.constantFrom("alice::1220", "bob::1220", "carol::1220");
const userId = fc.constantFrom("u1", "u2", "u3");
const identityProviderId = fc.constantFrom("", "idp1", "idp2");

const right: fc.Arbitrary<UserRight> = fc
  .constantFrom(...RIGHT_KINDS)
  .chain(
    (kind): fc.Arbitrary<UserRight> =>
      ["canActAs", "canReadAs", "canExecuteAs"].includes(kind)
        ? party.map((party) => ({ kind, party }))
        : fc.constant({ kind, party: "" }),
  );
const rights = fc.array(right, { maxLength: 6 });
const user: fc.Arbitrary<User> = fc.tuple(userId, identityProviderId).map(([id, identityProviderId]) => ({
  id,
  identityProviderId,
  primaryParty: "",
  isDeactivated: false,
  annotations: {},
  resourceVersion: 0n,
}));
const claims = fc.tuple(user, rights).map(([user, rights]) => claimsOf(user, rights, undefined));

const request: fc.Arbitrary<Request> = fc.record({
  userId: fc.oneof(fc.constant(""), userId),
  identityProviderId,
  commands: fc.option(fc.record({ applicationId: fc.oneof(fc.constant(""), userId), commandId: fc.string() }), {
    nil: undefined,
  }),
  other: fc.integer(),
});

const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.constantFrom<Requirement[]>(
    { need: "public" },
    { need: "participantAdmin" },
    { need: "admin" },
    { need: "ownIdentityProvider", field: ["identityProviderId"] },
    { need: "ownUserOrAdmin", field: ["userId"] },
    { need: "ownUser", field: ["commands", "applicationId"] },
  ),
  party.map((party) => ({ need: "actAs", party }) as const),
  party.map((party) => ({ need: "readAs", party }) as const),
);
const requirements = fc.array(requirement, { maxLength: 5 });

describe("a decision", () => {
  test("permits only who meets every requirement, each read for itself", () => {
    const meets = (claims: Claims, each: Requirement, request: Request): boolean => {
      switch (each.need) {
        case "public":
          return true;
        case "participantAdmin":
          return claims.participantAdmin;
        case "admin":
          return claims.participantAdmin || claims.identityProviderAdmin;
        case "actAs":
          return includesParty(claims.actAs, each.party);
        case "readAs":
          return includesParty(claims.readAs, each.party);
        case "ownIdentityProvider":
          return claims.identityProviderId === "" || request.identityProviderId === claims.identityProviderId;
        case "ownUserOrAdmin":
          return request.userId === claims.userId || claims.participantAdmin || claims.identityProviderAdmin;
        case "ownUser":
          return request.commands === undefined || request.commands.applicationId === claims.userId;
      }
    };
    fc.assert(
      fc.property(claims, requirements, request, (claims, requirements, request) => {
        const decision = decide(claims, requirements, request);
        if (decision.kind !== "permitted") return;
        for (const each of requirements) {
          if (each.need === "ownUser" && decision.request.commands === undefined) continue;
          expect(meets(claims, each, decision.request), each.need).toBe(true);
        }
      }),
    );
  });

  test("never lets a caller reach beyond its identity provider, whatever its rights", () => {
    const own: Requirement = { need: "ownIdentityProvider", field: ["identityProviderId"] };
    fc.assert(
      fc.property(claims, requirements, request, (claims, requirements, request) => {
        fc.pre(claims.identityProviderId !== "");
        const decision = decide(claims, [...requirements, own], request);
        if (decision.kind === "permitted") {
          expect(decision.request.identityProviderId).toBe(claims.identityProviderId);
        }
      }),
    );
  });

  test("fills in what is empty and changes nothing else of the request", () => {
    fc.assert(
      fc.property(claims, requirements, request, (claims, requirements, request) => {
        const decision = decide(claims, requirements, request);
        if (decision.kind !== "permitted") return;
        const { request: decided } = decision;
        expect({ ...decided, userId: "", identityProviderId: "", commands: undefined }).toEqual({
          ...request,
          userId: "",
          identityProviderId: "",
          commands: undefined,
        });
        if (request.userId !== "") expect(decided.userId).toBe(request.userId);
        if (request.identityProviderId !== "") expect(decided.identityProviderId).toBe(request.identityProviderId);
        expect(decided.commands?.commandId).toBe(request.commands?.commandId);
        if (request.commands?.applicationId)
          expect(decided.commands?.applicationId).toBe(request.commands.applicationId);
      }),
    );
  });

  test("is not lost by more rights", () => {
    // A participant's administrator speaks of the default provider where others mean their own: no other right matters so.
    const harmless = rights.map((rights) => rights.filter(({ kind }) => kind !== "participantAdmin"));
    fc.assert(
      fc.property(user, rights, harmless, requirements, request, (user, rights, more, requirements, request) => {
        const before = decide(claimsOf(user, rights, undefined), requirements, request);
        const after = decide(claimsOf(user, [...rights, ...more], undefined), requirements, request);
        if (before.kind === "permitted") expect(after).toEqual(before);
      }),
    );
  });

  test("denies nothing where nobody is authenticated; only a user that must be named is missed", () => {
    fc.assert(
      fc.property(requirements, request, (requirements, request) => {
        const named = { ...request, userId: request.userId || "u1" };
        const commands = { commandId: "c", applicationId: request.commands?.applicationId || "u1" };
        expect(decide(WILDCARD, requirements, { ...named, commands })).toEqual({
          kind: "permitted",
          request: { ...named, commands },
        });
      }),
    );
    const own: Requirement = { need: "ownUserOrAdmin", field: ["userId"] };
    expect(decide(WILDCARD, [own], { userId: "" }).kind).toBe("invalid");
  });
});

describe("claims", () => {
  test("who may act as a party may read as it; nobody but the participant's administrator administers the default provider", () => {
    fc.assert(
      fc.property(user, rights, (user, rights) => {
        const claims = claimsOf(user, rights, undefined);
        for (const { kind, party } of rights) {
          if (kind === "canActAs") expect(includesParty(claims.actAs, party)).toBe(true);
          if (kind === "canActAs" || kind === "canReadAs") expect(includesParty(claims.readAs, party)).toBe(true);
        }
        if (user.identityProviderId === "") expect(claims.identityProviderAdmin).toBe(false);
        expect(claims.actAs).not.toBe("any");
      }),
    );
  });

  test("are the same whatever the order of the rights, and not after one that matters", () => {
    fc.assert(
      fc.property(user, rights, party, (user, rights, party) => {
        const claims = claimsOf(user, rights, undefined);
        expect(sameClaims(claims, claimsOf(user, [...rights].reverse(), undefined))).toBe(true);
        fc.pre(!includesParty(claims.actAs, party));
        const more = claimsOf(user, [...rights, { kind: "canActAs", party }], undefined);
        expect(sameClaims(claims, more)).toBe(false);
        expect(sameClaims(more, claims)).toBe(false);
      }),
    );
  });
});
