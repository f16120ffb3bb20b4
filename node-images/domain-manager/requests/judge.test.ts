import { generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { defaultDynamicDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import { fingerprintOfKey } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import {
  mediatorMember,
  newUnauthenticatedMember,
  participantMember,
  sequencerMember,
} from "@pulumi-canton/protocol/identity/member.ts";
import { uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { addition, encodeSignedTransaction, signTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judge, type RegistrationRequest, type Standing } from "./judge.ts";

const key = generateSigningKeyPair();
const namespace = fingerprintOfKey(key.publicKey.publicKey);
const uid = uniqueIdentifier("alice", namespace);
const participant = participantMember(uid);
const domainId = uniqueIdentifier("mydomain", fingerprintOfKey(Buffer.from("domain")));

const signed = (mapping: TopologyMapping) => encodeSignedTransaction(signTransaction(addition(mapping), key));
const root = signed({ kind: "NamespaceDelegation", namespace, targetKey: key.publicKey, isRootDelegation: true });
const ownKey = signed({
  kind: "OwnerToKeyMapping",
  owner: participant,
  key: { purpose: "signing", key: key.publicKey },
});
const state = {
  kind: "ParticipantState",
  side: "To",
  domain: domainId,
  participant,
  permission: "Submission",
  trustLevel: "Ordinary",
} as const;
const ownSide = signed(state);
const hosting = signed({ kind: "PartyToParticipant", side: "Both", party: uid, participant, permission: "Submission" });

const standing: Standing = {
  domainId,
  policy: "permissioned",
  granted: "Submission",
  active: false,
  hasSigningKey: false,
  hasOwnSide: false,
};
const onboarding: RegistrationRequest = {
  requestedBy: newUnauthenticatedMember(),
  participant,
  transactions: [root, ownKey, ownSide],
};
const connected: RegistrationRequest = { requestedBy: participant, participant, transactions: [hosting] };
const present: Standing = { ...standing, active: true, hasSigningKey: true, hasOwnSide: true };

const reasons = (request: RegistrationRequest, against: Standing) =>
  judge(request, against).map((judgement) => ("refusal" in judgement ? judgement.refusal.reason : "passes"));

describe("onboarding", () => {
  test("passes with the root certificate, a key and the agreement to join, when the domain admits the participant", () => {
    expect(reasons(onboarding, standing)).toEqual(["passes", "passes", "passes"]);
  });

  test("is refused by a permissioned domain that does not list the participant, naming it and the way out", () => {
    const refused = judge(onboarding, { ...standing, granted: undefined });
    expect(refused).toHaveLength(3);
    for (const judgement of refused) {
      expect(judgement).toMatchObject({ refusal: { state: "REJECTED" } });
      expect("refusal" in judgement && judgement.refusal.reason).toContain(participant);
      expect("refusal" in judgement && judgement.refusal.reason).toContain("participants.set_state");
    }
  });

  test("passes at an open domain without being listed, and is refused by either when it is disabled", () => {
    expect(reasons(onboarding, { ...standing, granted: undefined, policy: "open" })).toEqual([
      "passes",
      "passes",
      "passes",
    ]);
    for (const policy of ["open", "permissioned"] as const) {
      expect(reasons(onboarding, { ...standing, granted: "Disabled", policy })[0]).toContain(
        `${participant} is disabled`,
      );
    }
  });

  test("passes as a whole or not at all", () => {
    for (const [bad, why] of [
      [signed({ ...state, side: "From" }), "expected side To"],
      [signed({ ...state, domain: uid }), `this is the domain ${domainId}`],
      [signed({ ...state, participant: participantMember(domainId) }), "its own state only"],
      [hosting, "only from a participant that is on the domain"],
      [Buffer.from("no transaction"), "cannot be read"],
    ] as const) {
      const answers = reasons({ ...onboarding, transactions: [root, ownKey, bad, ownSide] }, standing);
      expect(answers).toHaveLength(4);
      for (const answer of answers) {
        expect(answer).toContain(why);
        expect(answer).toContain(participant);
      }
    }
  });

  test("needs a key and the agreement to join, unless the domain knows them already", () => {
    expect(reasons({ ...onboarding, transactions: [root, ownSide] }, standing)[0]).toContain("lacks a signing key");
    expect(reasons({ ...onboarding, transactions: [root, ownKey] }, standing)[0]).toContain("lacks its agreement");
    const known = { ...standing, hasSigningKey: true, hasOwnSide: true };
    expect(reasons({ ...onboarding, transactions: [root] }, known)).toEqual(["passes"]);
  });
});

describe("a participant on the domain", () => {
  test("registers its parties; each transaction is judged by itself", () => {
    const request = { ...connected, transactions: [hosting, Buffer.from("?"), ownKey] };
    expect(reasons(request, present)).toEqual(["passes", expect.stringContaining("cannot be read"), "passes"]);
  });

  test("decides nothing that is for the domain to decide", () => {
    const keyOf = (owner: string) =>
      signed({ kind: "OwnerToKeyMapping", owner, key: { purpose: "signing", key: key.publicKey } });
    const transactions = [
      signed({ kind: "MediatorDomainState", side: "Both", domain: domainId, mediator: mediatorMember(domainId) }),
      signed({ kind: "DomainParametersChange", domain: domainId, parameters: defaultDynamicDomainParameters() }),
      keyOf(sequencerMember(domainId)),
      keyOf(mediatorMember(domainId)),
      signed({ ...state, side: "From" }),
      signed({ ...state, side: "Both" }),
    ];
    for (const answer of reasons({ ...connected, transactions }, present)) {
      expect(answer).not.toBe("passes");
      expect(answer).toContain(participant);
    }
  });

  test("does not speak for another, and is not heard while it is not active", () => {
    const other = { ...connected, requestedBy: participantMember(domainId) };
    expect(reasons(other, present)[0]).toContain("on behalf of");
    expect(reasons(connected, { ...present, active: false })[0]).toContain("is not active");
    expect(reasons(connected, { ...present, granted: "Disabled" })[0]).toContain("is disabled");
  });
});

test("any bytes: one answer for each, and never an exception", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), fc.boolean(), (bytes, isOnboarding) => {
      const transactions = bytes.map((each) => Buffer.from(each));
      const request = { ...(isOnboarding ? onboarding : connected), transactions };
      const answers = judge(request, isOnboarding ? standing : present);
      expect(answers).toHaveLength(transactions.length);
      for (const answer of answers)
        expect(answer).toMatchObject({ refusal: { reason: expect.stringContaining(participant) } });
    }),
  );
});

test("a request with too many transactions is refused as a whole", () => {
  const transactions = Array.from({ length: 1_001 }, () => hosting);
  expect(new Set(reasons({ ...connected, transactions }, present))).toEqual(
    new Set([expect.stringContaining("at most 1000 are accepted")]),
  );
});
