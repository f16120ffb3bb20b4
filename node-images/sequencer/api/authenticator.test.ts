import { Metadata } from "@grpc/grpc-js";
import { generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import { authenticationContent, type ServiceAgreementVersion } from "@pulumi-canton/protocol/service-agreement.ts";
import { beforeEach, expect, test } from "vitest";
import { Authenticator } from "./authenticator.ts";
import { answerHandshake } from "./handshake.ts";

const pair = generateSigningKeyPair();
const domainId = "da::1220aa";
const member = `PAR::alice::${pair.publicKey.id}`;
let now: number;
let active: boolean;
let disabled: boolean;
let keys: (typeof pair.publicKey)[];
let authenticator: Authenticator;

beforeEach(() => {
  now = 1_000_000;
  active = true;
  disabled = false;
  keys = [pair.publicKey];
  authenticator = new Authenticator({
    membership: { domainId, isActive: () => active, signingKeys: () => keys },
    isDisabled: () => disabled,
    nonceLifetimeMs: 60_000,
    tokenLifetimeMs: 3_600_000,
    clock: () => now,
  });
});

const answer = (nonce: Buffer) =>
  authenticator.authenticate(
    member,
    nonce,
    sign(pair, "sequencer-authentication", Buffer.concat([nonce, Buffer.from(domainId)])),
  );
const nonceNow = () => authenticator.challenge(member, ["5"]).nonce;

function metadataWith(token: Buffer): Metadata {
  const metadata = new Metadata();
  metadata.set("memberid", member);
  metadata.set("domainid", domainId);
  metadata.set("authtoken-bin", token);
  return metadata;
}

test("a nonce expires, and so does a token", () => {
  const late = nonceNow();
  now += 60_000;
  expect(() => answer(late)).toThrow("has expired");
  const { token, expiresAt } = answer(nonceNow());
  expect(expiresAt).toBe(now + 3_600_000);
  expect(authenticator.sessionOf(metadataWith(token)).member).toBe(member);
  now += 3_600_000;
  expect(() => authenticator.sessionOf(metadataWith(token))).toThrow("has expired");
  expect(() => authenticator.sessionOf(metadataWith(token))).toThrow("not known");
});

test("a member that authenticates again and again has its last tokens only", () => {
  const tokens = Array.from({ length: 100 }, () => answer(nonceNow()).token);
  const good = tokens.filter((token) => {
    try {
      return authenticator.sessionOf(metadataWith(token)).member === member;
    } catch {
      return false;
    }
  });
  expect(good).toEqual(tokens.slice(-64));
});

test("terms of service: a participant that did not accept them as they are gets no token; others of the domain need not", () => {
  const terms = { id: "terms-2", textHash: "22" };
  const membership = { domainId, isActive: () => true, signingKeys: () => keys };
  const strict = new Authenticator({
    membership,
    isDisabled: () => false,
    nonceLifetimeMs: 60_000,
    tokenLifetimeMs: 60_000,
    terms,
  });
  const answerOf = (who: string, accepted?: ServiceAgreementVersion) => {
    const { nonce } = strict.challenge(who, ["5"]);
    const content = authenticationContent(nonce, domainId, accepted);
    return strict.authenticate(who, nonce, sign(pair, "sequencer-authentication", content));
  };
  expect(() => answerOf(member)).toThrow(/has not accepted the terms of service terms-2/);
  for (const other of [
    { ...terms, id: "terms-1" },
    { ...terms, textHash: "21" },
  ]) {
    expect(() => answerOf(member, other)).toThrow(/not for the terms of service terms-2 as they are now/);
  }
  expect(answerOf(member, terms).accepted).toEqual(terms);
  expect(answerOf(`MED::${domainId}`).accepted).toBeUndefined();
});

test("a nonce is used up by a wrong signature too", () => {
  const nonce = nonceNow();
  expect(() => authenticator.authenticate(member, nonce, undefined)).toThrow("not one of the keys");
  expect(() => answer(nonce)).toThrow("used already");
});

test("many open challenges of one member push out the oldest, and nothing else", () => {
  const first = nonceNow();
  const rest = Array.from({ length: 64 }, nonceNow);
  expect(() => answer(first)).toThrow("used already");
  expect(answer(rest[0] as Buffer).token).toHaveLength(32);
});

test("a session ends when the member is not active, is disabled, or no longer has the key", () => {
  const session = metadataWith(answer(nonceNow()).token);
  keys = [generateSigningKeyPair().publicKey];
  expect(() => authenticator.sessionOf(session)).toThrow("no longer has the key");
  keys = [pair.publicKey];
  disabled = true;
  expect(() => authenticator.sessionOf(session)).toThrow("disabled");
  disabled = false;
  active = false;
  expect(() => authenticator.sessionOf(session)).toThrow("not active");
  authenticator.sweep();
  active = true;
  expect(() => authenticator.sessionOf(session)).toThrow("not known");
});

test("handshakes", () => {
  const outcome = (clientProtocolVersions: string[], minimumProtocolVersion?: string) =>
    answerHandshake({ clientProtocolVersions, minimumProtocolVersion });
  expect(outcome(["3", "5"])).toMatchObject({ serverProtocolVersion: "5", value: { $case: "success" } });
  expect(outcome(["5.0.0"], "4")).toMatchObject({ value: { $case: "success" } });
  expect(outcome([])).toMatchObject({
    value: { $case: "failure", value: { reason: expect.stringContaining("none") } },
  });
  expect(outcome(["55", "x"])).toMatchObject({ value: { $case: "failure" } });
  expect(outcome(["5"], "6")).toMatchObject({ value: { $case: "failure" } });
});
