import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { Metadata, status } from "@grpc/grpc-js";
import { IdentityProviderConfigServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/identity_provider_config_service.ts";
import { UserManagementServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/user_management_service.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { createTestAuthority, type TestAuthority } from "@pulumi-canton/runtime/testing/certificates.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { type CryptoKey, exportSPKI, importJWK } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusalOf } from "../../testing/served.ts";
import { startTestParticipant } from "../../testing/test-participant.ts";
import {
  bearer,
  signingKey,
  signToken,
  startTokenIssuer,
  type TokenClaims,
  type TokenIssuer,
  tokenAlgorithms,
} from "../../testing/token-issuer.ts";
import { userLedger } from "../../testing/user-ledger.ts";
import type { TokenTarget } from "./access-token.ts";
import { KeySets } from "./key-sets.ts";
import { tokenAuthenticator } from "./token-authenticator.ts";

const participantUid = `participant1::1220${"ab".repeat(32)}`;
const audience = "ledger-of-participant1";
const issuerName = "https://idp.example.com/realms/main";
const deadline = { deadlineMs: 10_000 };
const now = () => Math.floor(Date.now() / 1000);

let issuer: TokenIssuer;
let stranger: TokenIssuer;

beforeAll(async () => {
  [issuer, stranger] = await Promise.all([startTokenIssuer(), startTokenIssuer()]);
});
afterAll(async () => {
  await Promise.all([issuer[Symbol.asyncDispose](), stranger[Symbol.asyncDispose]()]);
});

/** A Ledger API that knows the tokens of the issuer, with users `alice`, who may do nothing, and `participant_admin`. */
async function authenticatedLedger({
  target = { targetAudience: audience } as TokenTarget & { issuer?: string },
  clockLeewayMs = 0,
  keySets = new KeySets({ cooldownMs: 0 }),
} = {}) {
  const ledger = await userLedger(({ users, providers }) =>
    tokenAuthenticator({
      participant: "participant1",
      participantUid: async () => participantUid,
      sources: [
        {
          type: "jwks",
          url: issuer.jwksUrl,
          issuer: undefined,
          targetAudience: undefined,
          targetScope: undefined,
          ...target,
        },
      ],
      providers,
      users,
      keySets,
      clockLeewayMs,
    }),
  );
  const user = { primaryParty: "", isDeactivated: false, annotations: {}, resourceVersion: 0n, identityProviderId: "" };
  await ledger.users.create({ ...user, id: "alice" }, []);
  await ledger.users.create({ ...user, id: "gone", isDeactivated: true }, []);
  const client = ledger.client(UserManagementServiceClient);
  const providers = ledger.client(IdentityProviderConfigServiceClient);
  return {
    ...ledger,
    client,
    providerClient: providers,
    /** Who the caller with these credentials is: its own user. */
    whoAmI: async (metadata: Metadata) => {
      const request = { userId: "", identityProviderId: "" };
      return (await call(client, "getUser", request, { ...deadline, metadata })).user?.id;
    },
    newUser: (id: string, identityProviderId: string) => ({ ...user, id, identityProviderId }),
  };
}

/** What callers learn: a code, and whom to ask. */
const told = (code: number) => ({
  code,
  reason: "",
  message: expect.stringMatching(
    /^An error occurred\. Please contact the operator and inquire about the request \w+ with tid \w+$/,
  ),
});

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a caller is the user that its token is for", () => {
  test.each(tokenAlgorithms)("%s", async (alg) => {
    await using ledger = await authenticatedLedger();
    const token = await issuer.sign({ sub: "alice", aud: ["other", audience], iss: issuerName }, alg);
    expect(await ledger.whoAmI(bearer(token))).toBe("alice");
  });

  test.each<[string, TokenTarget, TokenClaims]>([
    ["an audience", { targetAudience: audience }, { aud: audience }],
    ["a scope", { targetScope: "ledger" }, { scope: "openid ledger", aud: "account" }],
    ["a scope in a list", { targetScope: "ledger" }, { scp: ["openid", "ledger"] }],
    ["both", { targetAudience: audience, targetScope: "ledger" }, { aud: [audience], scope: "ledger" }],
    ["the published audience", {}, { aud: `https://daml.com/jwt/aud/participant/${participantUid}` }],
    ["the published scope", {}, { scope: "openid daml_ledger_api" }],
    ["the published scope for this participant", {}, { scope: "daml_ledger_api", aud: participantUid }],
  ])("with %s", async (_, target, claims) => {
    await using ledger = await authenticatedLedger({ target });
    expect(await ledger.whoAmI(bearer(await issuer.sign({ sub: "alice", ...claims })))).toBe("alice");
  });

  test("a token need not end", async () => {
    await using ledger = await authenticatedLedger();
    expect(await ledger.whoAmI(bearer(await issuer.sign({ sub: "alice", aud: audience, exp: undefined })))).toBe(
      "alice",
    );
  });
});

describe("nobody is let in", () => {
  const valid: TokenClaims = { sub: "alice", aud: audience };
  const withHeader = (value: string) => {
    const metadata = new Metadata();
    metadata.set("authorization", value);
    return metadata;
  };
  const parts = async () => (await issuer.sign(valid)).split(".") as [string, string, string];

  const credentials: Record<string, () => Promise<Metadata>> = {
    "without a token": async () => new Metadata(),
    "with a password": async () => withHeader("Basic YWxpY2U6c2VjcmV0"),
    "with an empty token": async () => withHeader("Bearer "),
    "with what is no token": async () => withHeader("Bearer abc"),
    "with what looks like a token": async () => withHeader("Bearer a.b.c"),
    "with a token that has expired": async () => bearer(await issuer.sign({ ...valid, exp: now() - 1 })),
    "with a token that is not valid yet": async () => bearer(await issuer.sign({ ...valid, nbf: now() + 60 })),
    "with a token from the future": async () => bearer(await issuer.sign({ ...valid, iat: now() + 60 })),
    "with a token for another audience": async () => bearer(await issuer.sign({ ...valid, aud: "somebody" })),
    "with a token for no audience": async () => bearer(await issuer.sign({ sub: "alice" })),
    "with a token of another issuer": async () =>
      bearer(await issuer.sign({ ...valid, iss: "https://evil.example.com" })),
    "with a token without an issuer": async () => bearer(await issuer.sign({ ...valid, iss: undefined })),
    "with a stranger's token": async () => bearer(await stranger.sign({ ...valid, iss: issuerName })),
    "with a stranger's key under a known id": async () =>
      bearer(await signToken({ ...stranger.keys.EdDSA, kid: issuer.keys.EdDSA.kid }, { ...valid, iss: issuerName })),
    "with a key of another algorithm": async () =>
      bearer(await signToken(await signingKey("ES384"), { ...valid, iss: issuerName })),
    "with PS256 by a key for RS256": async () => {
      const key = await signingKey("PS256");
      return bearer(await signToken({ ...key, kid: issuer.keys.RS256.kid }, { ...valid, iss: issuerName }));
    },
    "with algorithm none": async () =>
      bearer(`${base64({ alg: "none" })}.${base64({ ...valid, iss: issuerName, exp: now() + 600 })}.`),
    "with a signature cut off": async () => bearer((await parts()).with(2, "").join(".")),
    "with other claims": async () =>
      bearer((await parts()).with(1, base64({ ...valid, iss: issuerName, sub: "participant_admin" })).join(".")),
    "with another signature": async () => {
      const [header, payload, signature] = await parts();
      return bearer(
        [header, payload, signature.startsWith("A") ? `B${signature.slice(1)}` : `A${signature.slice(1)}`].join("."),
      );
    },
    "with the public key taken for a shared secret": async () => {
      const { jwk, kid } = issuer.keys.RS256;
      const pem = await exportSPKI((await importJWK({ ...jwk, ext: true }, "RS256")) as CryptoKey);
      const signed = `${base64({ alg: "HS256", kid })}.${base64({ ...valid, iss: issuerName, exp: now() + 600 })}`;
      return bearer(`${signed}.${createHmac("sha256", pem).update(signed).digest("base64url")}`);
    },
    "with an issuer that no database can hold": async () =>
      bearer(await issuer.sign({ ...valid, iss: `${issuerName}\0` })),
    "with a key that comes with the token": async () => {
      const key = await signingKey("ES256");
      return bearer(await signToken(key, { ...valid, iss: issuerName }, { jwk: key.jwk }));
    },
  };

  let ledger: Awaited<ReturnType<typeof authenticatedLedger>>;
  beforeAll(async () => {
    ledger = await authenticatedLedger({ target: { targetAudience: audience, issuer: issuerName } });
  });
  afterAll(() => ledger[Symbol.asyncDispose]());

  test.each(Object.entries(credentials))("%s", async (_, make) => {
    expect(await ledger.whoAmI(bearer(await issuer.sign({ ...valid, iss: issuerName })))).toBe("alice");
    expect(await refusalOf(ledger.whoAmI(await make()))).toMatchObject(told(status.UNAUTHENTICATED));
  });

  test.each<[string, TokenTarget, TokenClaims]>([
    ["of another scope", { targetScope: "ledger" }, { scope: "ledgers openid" }],
    ["of one of two", { targetAudience: audience, targetScope: "ledger" }, { aud: audience }],
    ["of no scope and no audience", {}, {}],
    [
      "of two participants",
      {},
      { aud: ["https://daml.com/jwt/aud/participant/a", "https://daml.com/jwt/aud/participant/b"] },
    ],
    ["of the audience of no participant", {}, { aud: "https://daml.com/jwt/aud/participant/" }],
    ["of a scope with two audiences", {}, { scope: "daml_ledger_api", aud: ["a", "b"] }],
  ])("with a token %s", async (_, target, claims) => {
    await using ledger = await authenticatedLedger({ target });
    const answer = ledger.whoAmI(bearer(await issuer.sign({ sub: "alice", ...claims })));
    expect(await refusalOf(answer)).toMatchObject(told(status.UNAUTHENTICATED));
  });

  test.each<[string, TokenTarget, TokenClaims]>([
    ["unknown", { targetAudience: audience }, { aud: audience, sub: "nobody" }],
    ["deactivated", { targetAudience: audience }, { aud: audience, sub: "gone" }],
    ["another participant's", {}, { aud: "https://daml.com/jwt/aud/participant/participant2::1220", sub: "alice" }],
    ["another participant's by scope", {}, { scope: "daml_ledger_api", aud: "participant2::1220", sub: "alice" }],
  ])("whose user is %s", async (_, target, claims) => {
    await using ledger = await authenticatedLedger({ target });
    expect(await refusalOf(ledger.whoAmI(bearer(await issuer.sign(claims))))).toMatchObject(
      told(status.PERMISSION_DENIED),
    );
  });

  test.each([[undefined], [""], ["no user/id!"]])("whose token is for user %j", async (sub) => {
    await using ledger = await authenticatedLedger();
    const refusal = await refusalOf(ledger.whoAmI(bearer(await issuer.sign({ aud: audience, sub }))));
    expect(refusal).toMatchObject({ code: status.INVALID_ARGUMENT, reason: "INVALID_TOKEN" });
  });
});

test("clocks may be off by as much as is configured", async () => {
  await using ledger = await authenticatedLedger({ clockLeewayMs: 60_000 });
  const off = { sub: "alice", aud: audience, exp: now() - 30, nbf: now() + 30, iat: now() + 30 };
  expect(await ledger.whoAmI(bearer(await issuer.sign(off)))).toBe("alice");
  for (const too of [{ exp: now() - 90 }, { nbf: now() + 90 }, { iat: now() + 90 }]) {
    const refusal = await refusalOf(ledger.whoAmI(bearer(await issuer.sign({ ...off, ...too }))));
    expect(refusal).toMatchObject(told(status.UNAUTHENTICATED));
  }
});

describe("keys", () => {
  const claims = { sub: "alice", aud: audience };

  test("are fetched once, and again for one that is not known yet; a withdrawn one ends", async () => {
    await using ledger = await authenticatedLedger();
    const before = issuer.fetches();
    const first = await issuer.sign(claims, "ES256");
    for (let calls = 0; calls < 5; calls++) expect(await ledger.whoAmI(bearer(first))).toBe("alice");
    expect(issuer.fetches()).toBe(before + 1);
    await issuer.rotate("ES256");
    expect(await ledger.whoAmI(bearer(await issuer.sign(claims, "ES256")))).toBe("alice");
    expect(issuer.fetches()).toBe(before + 2);
    expect(await refusalOf(ledger.whoAmI(bearer(first)))).toMatchObject(told(status.UNAUTHENTICATED));
  });

  test("that nobody knows make them be fetched once in a while only", async () => {
    await using ledger = await authenticatedLedger({ keySets: new KeySets() });
    expect(await ledger.whoAmI(bearer(await issuer.sign(claims)))).toBe("alice");
    const before = issuer.fetches();
    for (let calls = 0; calls < 5; calls++) {
      const forged = await signToken(await signingKey("ES256"), claims);
      expect(await refusalOf(ledger.whoAmI(bearer(forged)))).toMatchObject(told(status.UNAUTHENTICATED));
    }
    expect(issuer.fetches()).toBe(before);
  });

  test("are read up to a size: an answer without an end does not fill the memory", async () => {
    let sent = 0;
    const endless = createServer((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(" ".repeat(65_536))) sent += 65_536;
        sent += 65_536;
      };
      response.on("drain", more);
      more();
    });
    await new Promise<void>((resolve) => endless.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}/jwks`;
    const key = new KeySets().at(url)({ alg: "EdDSA" }, { payload: "", signature: "" });
    await expect(key).rejects.toMatchObject({ cause: { message: "the key set has more than 1048576 bytes" } });
    endless.closeAllConnections();
    await new Promise((resolve) => endless.close(resolve));
    // What lay in the sockets' buffers beside.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test("that cannot be fetched let nobody in", async () => {
    const gone = await startTokenIssuer();
    const token = await gone.sign(claims);
    await gone[Symbol.asyncDispose]();
    await using ledger = await userLedger(({ users, providers }) =>
      tokenAuthenticator({
        participant: "participant1",
        participantUid: async () => participantUid,
        sources: [{ type: "jwks", url: gone.jwksUrl, targetAudience: audience }],
        providers,
        users,
        keySets: new KeySets(),
        clockLeewayMs: 0,
      }),
    );
    const client = ledger.client(UserManagementServiceClient);
    const request = { userId: "", identityProviderId: "" };
    const refusal = await refusalOf(call(client, "getUser", request, { ...deadline, metadata: bearer(token) }));
    expect(refusal).toMatchObject(told(status.UNAUTHENTICATED));
  });
});

describe("an issuer whose certificate is by an authority of its own", () => {
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let own: TokenIssuer;
  let database: TestDatabase;
  beforeAll(async () => {
    [authority, stranger, database] = await Promise.all([
      createTestAuthority(),
      createTestAuthority(),
      createTestDatabase(),
    ]);
    own = await startTokenIssuer(await authority.issue("idp"));
  });
  afterAll(async () => {
    await own[Symbol.asyncDispose]();
    await database.drop();
    authority[Symbol.dispose]();
    stranger[Symbol.dispose]();
  });

  /** A participant that is told of the issuer, what came of a token, and what its log says. */
  async function calledWithToken(trust: { readonly caFile?: string }) {
    const lines: string[] = [];
    await using node = await startTestParticipant({
      name: "alice",
      storage: database.storage,
      ledgerApi: { auth: [{ type: "jwks", url: own.jwksUrl, targetAudience: audience, ...trust }] },
      logTo: () => ({ write: (line) => void lines.push(line) }),
    });
    const metadata = bearer(await own.sign({ sub: "participant_admin", aud: audience }));
    const request = { userId: "", identityProviderId: "" };
    const answered = call(node.ledger(UserManagementServiceClient), "getUser", request, { ...deadline, metadata });
    const outcome = await answered.then(
      ({ user }) => user?.id,
      (error) => error.code,
    );
    return { outcome, log: lines.join("") };
  }

  test("is believed by who was told of the authority", async () => {
    expect(await calledWithToken({ caFile: authority.caFile })).toMatchObject({ outcome: "participant_admin" });
  });

  test.each([
    [
      "that was told of none",
      () => ({}),
      /by no authority that this machine knows; expected its authorities in caFile/,
    ],
    ["of another", () => ({ caFile: stranger.caFile }), /by none of the authorities in caFile/],
  ])("lets nobody in at a participant %s, which says what to do", async (_, trust, why) => {
    const { outcome, log } = await calledWithToken(trust());
    expect(outcome).toBe(status.UNAUTHENTICATED);
    expect(log).toMatch(why);
    expect(log).toContain(`the certificate of ${new URL(own.jwksUrl).host} is`);
  });

  test("authorities that cannot be read are told when the participant starts", async () => {
    await expect(calledWithToken({ caFile: "/nowhere/ca.pem" })).rejects.toThrow(
      /ledgerApi\.auth\[0\]\.caFile: cannot read \/nowhere\/ca\.pem: there is no such file/,
    );
  });

  test("the keys of who was told of the authority are not those of who was not", async () => {
    const keySets = new KeySets();
    const header = { alg: "EdDSA", kid: own.keys.EdDSA.kid };
    const token = { payload: "", signature: "" };
    await expect(keySets.at(own.jwksUrl, readFileSync(authority.caFile))(header, token)).resolves.toBeDefined();
    await expect(keySets.at(own.jwksUrl)(header, token)).rejects.toThrow(/NODE_EXTRA_CA_CERTS/);
  });

  test("what it answers besides keys, and without an end, is refused", async () => {
    const { certChainFile, privateKeyFile } = await authority.issue("idp");
    const server = createHttpsServer(
      { cert: readFileSync(certChainFile), key: readFileSync(privateKeyFile) },
      ({ url = "" }, response) => {
        if (url !== "/endless") return void response.writeHead(Number(url.slice(1))).end();
        const more = () => {
          while (!response.destroyed && response.write(" ".repeat(65_536)));
        };
        response.on("drain", more);
        more();
      },
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = (path: string) =>
      new KeySets().at(
        `https://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`,
        readFileSync(authority.caFile),
      )({ alg: "EdDSA" }, { payload: "", signature: "" });
    await expect(at("204")).rejects.toThrow("got status 204; expected 200");
    await expect(at("302")).rejects.toThrow("got status 302; expected 200");
    await expect(at("endless")).rejects.toMatchObject({
      cause: { message: "the key set has more than 1048576 bytes" },
    });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test("an answer that does not come is not waited for", async () => {
    const silent = createTcpServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/jwks`;
    const keys = new KeySets({ timeoutMs: 1 }).at(url, readFileSync(authority.caFile));
    await expect(keys({ alg: "EdDSA" }, { payload: "", signature: "" })).rejects.toMatchObject({
      code: "ERR_JWKS_TIMEOUT",
    });
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe("an identity provider", () => {
  const providerIssuer = "https://customer.example.com";
  const config = (change = {}) => ({
    identityProviderId: "customer",
    isDeactivated: false,
    issuer: providerIssuer,
    jwksUrl: stranger.jwksUrl,
    audience: "",
    ...change,
  });

  /** The ledger with the provider, its administrator `boss`, its user `worker`, and the tokens of all. */
  async function withProvider(change = {}) {
    const ledger = await authenticatedLedger();
    const admin = { ...deadline, metadata: bearer(await issuer.sign({ sub: "participant_admin", aud: audience })) };
    await call(
      ledger.providerClient,
      "createIdentityProviderConfig",
      { identityProviderConfig: config(change) },
      admin,
    );
    await ledger.users.create(ledger.newUser("boss", "customer"), [{ kind: "identityProviderAdmin", party: "" }]);
    await ledger.users.create(ledger.newUser("worker", "customer"), []);
    const scope = "daml_ledger_api";
    return {
      ...ledger,
      admin,
      boss: { ...deadline, metadata: bearer(await stranger.sign({ sub: "boss", iss: providerIssuer, scope })) },
      worker: { ...deadline, metadata: bearer(await stranger.sign({ sub: "worker", iss: providerIssuer, scope })) },
    };
  }

  const denied = told(status.PERMISSION_DENIED);

  test("lets its users in, and nobody else's", async () => {
    await using ledger = await withProvider();
    expect(await ledger.whoAmI(ledger.worker.metadata)).toBe("worker");
    const scope = "daml_ledger_api";
    const foreign = await stranger.sign({ sub: "participant_admin", iss: providerIssuer, scope });
    expect(await refusalOf(ledger.whoAmI(bearer(foreign)))).toMatchObject(denied);
    const ofDefault = await issuer.sign({ sub: "worker", aud: audience });
    expect(await refusalOf(ledger.whoAmI(bearer(ofDefault)))).toMatchObject(denied);
    // The default provider's key does not speak for the issuer of another.
    const forged = await issuer.sign({ sub: "alice", aud: audience, iss: providerIssuer });
    expect(await refusalOf(ledger.whoAmI(bearer(forged)))).toMatchObject(told(status.UNAUTHENTICATED));
  });

  test("has an audience of its own, when it is to", async () => {
    await using ledger = await withProvider({ audience: "customers" });
    const claims = { sub: "worker", iss: providerIssuer };
    expect(await ledger.whoAmI(bearer(await stranger.sign({ ...claims, aud: "customers" })))).toBe("worker");
    expect(await refusalOf(ledger.whoAmI(ledger.worker.metadata))).toMatchObject(told(status.UNAUTHENTICATED));
  });

  test("is refused while it is deactivated", async () => {
    await using ledger = await withProvider();
    const update = (isDeactivated: boolean) =>
      call(
        ledger.providerClient,
        "updateIdentityProviderConfig",
        { identityProviderConfig: config({ isDeactivated }), updateMask: ["is_deactivated"] },
        ledger.admin,
      );
    await update(true);
    expect(await refusalOf(ledger.whoAmI(ledger.worker.metadata))).toMatchObject(told(status.UNAUTHENTICATED));
    await update(false);
    expect(await ledger.whoAmI(ledger.worker.metadata)).toBe("worker");
  });

  test("has an administrator for its own users only", async () => {
    await using ledger = await withProvider();
    const { client, boss, worker, admin } = ledger;
    const all = { pageToken: "", pageSize: 0 };
    const ids = async (identityProviderId: string, caller: typeof boss) =>
      (await call(client, "listUsers", { ...all, identityProviderId }, caller)).users.map(({ id }) => id);
    expect(await ids("", boss)).toEqual(["boss", "worker"]);
    expect(await ids("customer", boss)).toEqual(["boss", "worker"]);
    expect(await ids("", admin)).toEqual(["alice", "gone", "participant_admin"]);
    expect(await ids("customer", admin)).toEqual(["boss", "worker"]);
    expect(await refusalOf(ids("", worker))).toMatchObject(denied);

    const message = (id: string, identityProviderId: string, primaryParty = "") => ({
      id,
      primaryParty,
      isDeactivated: false,
      metadata: undefined,
      identityProviderId,
    });
    const made = await call(client, "createUser", { user: message("third", ""), rights: [] }, boss);
    expect(made.user?.identityProviderId).toBe("customer");
    const elsewhere = { user: message("fourth", "other"), rights: [] };
    expect(await refusalOf(call(client, "createUser", elsewhere, boss))).toMatchObject(denied);
    const named = (userId: string) => ({ userId, identityProviderId: "" });
    for (const rpc of ["getUser", "deleteUser", "listUserRights"] as const) {
      expect(await refusalOf(call(client, rpc, named("alice"), boss)), rpc).toMatchObject(denied);
    }
    const rights = (kind: "participantAdmin" | "identityProviderAdmin") => ({
      ...named("worker"),
      rights: [{ kind: { $case: kind, value: {} } }],
    });
    expect(await refusalOf(call(client, "grantUserRights", rights("participantAdmin"), boss))).toMatchObject(denied);
    await call(client, "grantUserRights", rights("identityProviderAdmin"), boss);
    expect(await ids("", worker)).toEqual(["boss", "third", "worker"]);

    const party = "carol::1220ab";
    const actAs = { ...named("worker"), rights: [{ kind: { $case: "canActAs" as const, value: { party } } }] };
    expect(await refusalOf(call(client, "grantUserRights", actAs, boss))).toMatchObject({
      code: status.NOT_FOUND,
      reason: "UNKNOWN_RESOURCE",
    });
    await ledger.parties.allocate({ party, displayName: "", annotations: {}, identityProviderId: "customer" });
    expect((await call(client, "grantUserRights", actAs, boss)).newlyGrantedRights).toHaveLength(1);
    expect(await refusalOf(call(ledger.providerClient, "listIdentityProviderConfigs", {}, boss))).toMatchObject(denied);
  });

  test("gives users to another, and takes them", async () => {
    await using ledger = await withProvider();
    const move = { userId: "worker", sourceIdentityProviderId: "customer", targetIdentityProviderId: "" };
    expect(await refusalOf(call(ledger.client, "updateUserIdentityProviderId", move, ledger.boss))).toMatchObject(
      denied,
    );
    await call(ledger.client, "updateUserIdentityProviderId", move, ledger.admin);
    expect(await refusalOf(ledger.whoAmI(ledger.worker.metadata))).toMatchObject(denied);
    expect(await ledger.whoAmI(bearer(await issuer.sign({ sub: "worker", aud: audience })))).toBe("worker");
    expect(await refusalOf(call(ledger.client, "updateUserIdentityProviderId", move, ledger.admin))).toMatchObject(
      denied,
    );
  });
});

describe("an administrator", () => {
  test("can neither delete nor deactivate itself, nor give up being one", async () => {
    await using ledger = await authenticatedLedger();
    const id = "participant_admin";
    const admin = { ...deadline, metadata: bearer(await issuer.sign({ sub: id, aud: audience })) };
    const named = { userId: id, identityProviderId: "" };
    const rights = [{ kind: { $case: "participantAdmin" as const, value: {} } }];
    const user = { id, primaryParty: "", isDeactivated: true, metadata: undefined, identityProviderId: "" };
    const attempts = [
      () => call(ledger.client, "deleteUser", named, admin),
      () => call(ledger.client, "updateUser", { user, updateMask: ["is_deactivated"] }, admin),
      () => call(ledger.client, "revokeUserRights", { ...named, rights }, admin),
    ];
    for (const attempt of attempts) {
      expect(await refusalOf(attempt())).toMatchObject({
        reason: "INVALID_ARGUMENT",
        message: expect.stringMatching(/Requesting user cannot/),
      });
    }
    expect(await ledger.whoAmI(admin.metadata)).toBe(id);
  });
});
