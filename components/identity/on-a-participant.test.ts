/** Users and identity providers as resources, on a real participant whose Ledger API asks for tokens. */
import { startTestParticipant, type TestParticipant } from "@pulumi-canton/participant/testing/test-participant.ts";
import { startTokenIssuer, type TokenIssuer } from "@pulumi-canton/participant/testing/token-issuer.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loopback } from "../topology/testing/real-nodes.ts";
import { provider as identityProvider } from "./identity-provider/provider.ts";
import { provider as ledgerUser } from "./ledger-user/provider.ts";

const audience = "the-ledger";
let issuer: TokenIssuer;
let database: TestDatabase;
let node: TestParticipant;
let token: string;

beforeAll(async () => {
  [issuer, database] = await Promise.all([startTokenIssuer(), createTestDatabase()]);
  node = await startTestParticipant({
    name: "alice",
    storage: database.storage,
    ledgerApi: { auth: [{ type: "jwks", url: issuer.jwksUrl, targetAudience: audience }] },
  });
  token = await issuer.sign({ sub: "participant_admin", aud: audience });
});

afterAll(async () => {
  await node?.stop();
  await database?.drop();
  await issuer?.[Symbol.asyncDispose]();
});

function user(changes: Record<string, unknown> = {}) {
  return {
    ledgerApi: loopback(node.ledgerPort),
    token,
    userId: "app",
    identityProviderId: "",
    primaryParty: "alice::1220aa",
    active: true,
    annotations: { foo: "bar", description: "of the shop" },
    actAs: ["zoe::1220aa", "alice::1220aa"],
    readAs: ["bob::1220bb"],
    participantAdmin: false,
    identityProviderAdmin: false,
    ...changes,
  };
}

test("a user is created, found as it was asked for, changed in all it has, and deleted", async () => {
  const { id, outs } = await ledgerUser.create(user());
  expect(await ledgerUser.read(id, outs)).toEqual({ id, props: user(), inputs: user() });
  expect(await ledgerUser.create(user())).toEqual({ id, outs });
  const changed = user({
    primaryParty: "",
    active: false,
    annotations: { baz: "bar", description: "of another shop" },
    actAs: ["alice::1220aa"],
    readAs: [],
    participantAdmin: true,
  });
  expect(await ledgerUser.diff(id, outs, changed)).toMatchObject({ changes: true, replaces: [] });
  // What somebody did by hand shows in a preview, and is put right by the next update.
  await ledgerUser.update(id, outs, changed);
  const seen = await ledgerUser.read(id, outs);
  expect(seen.inputs).toMatchObject({ active: false, actAs: ["alice::1220aa"], participantAdmin: true });
  await ledgerUser.update(id, seen.props ?? {}, user());
  expect(await ledgerUser.read(id, outs)).toEqual({ id, props: user(), inputs: user() });
  await ledgerUser.delete(id, outs);
  expect(await ledgerUser.read(id, outs)).toEqual({});
  await ledgerUser.delete(id, outs);
});

test("a refusal says what to do: without a token, with a worthless one, with somebody else's", async () => {
  const reasonOf = (changes: Record<string, unknown>) =>
    ledgerUser.create(user(changes)).then(
      () => "",
      ({ message }: Error) => message,
    );
  expect(await reasonOf({ token: undefined })).toContain("asks for a token; give that of an administrator as token");
  const worthless = await reasonOf({ token: "a.b.c" });
  expect(worthless).toContain("does not accept the token");
  expect(worthless).not.toContain("a.b.c");
  const { id, outs } = await ledgerUser.create(user({ userId: "plain", participantAdmin: false }));
  const plain = await issuer.sign({ sub: "plain", aud: audience });
  expect(await reasonOf({ token: plain })).toContain("not that of an administrator");
  await ledgerUser.delete(id, outs);
  expect(await ledgerUser.check({}, user({ userId: "no spaces", annotations: { a: "" } }))).toMatchObject({
    failures: [{ property: "userId" }, { property: "annotations.a" }],
  });
});

test("an identity provider is created, deactivated, found again and deleted", async () => {
  const inputs = {
    ledgerApi: loopback(node.ledgerPort),
    token,
    identityProviderId: "sso",
    issuer: "https://sso.example.com",
    jwksUrl: "https://sso.example.com/jwks.json",
    audience: "",
    active: true,
  };
  const { id, outs } = await identityProvider.create(inputs);
  expect(await identityProvider.read(id, outs)).toEqual({ id, props: inputs, inputs });
  const off = { ...inputs, active: false, audience: "ledger" };
  await identityProvider.update(id, outs, off);
  expect((await identityProvider.read(id, outs)).inputs).toMatchObject({ active: false, audience: "ledger" });
  // A user of its own keeps it.
  const member = user({ userId: "member", identityProviderId: "sso", primaryParty: "", actAs: [], readAs: [] });
  const made = await ledgerUser.create(member);
  expect(await ledgerUser.read(made.id, made.outs)).toEqual({ id: "member", props: member, inputs: member });
  await expect(identityProvider.delete(id, outs)).rejects.toThrow();
  await ledgerUser.delete(made.id, made.outs);
  await identityProvider.delete(id, outs);
  expect(await identityProvider.read(id, outs)).toEqual({});
});
