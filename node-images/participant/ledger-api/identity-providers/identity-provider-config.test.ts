import { status } from "@grpc/grpc-js";
import { IdentityProviderConfigServiceClient as ClientV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/identity_provider_config_service.ts";
import { IdentityProviderConfigServiceClient as ClientV2 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/identity_provider_config_service.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../../testing/served.ts";
import { userLedger } from "../../testing/user-ledger.ts";
import { IDENTITY_PROVIDER_FIELDS, type IdentityProvider, updatedProvider } from "./identity-provider.ts";

const deadline = { deadlineMs: 10_000 };

const config = (identityProviderId: string, change = {}) => ({
  identityProviderId,
  isDeactivated: false,
  issuer: `https://${identityProviderId}.example.com`,
  jwksUrl: `https://${identityProviderId}.example.com/jwks`,
  audience: "",
  ...change,
});

async function providers() {
  const ledger = await userLedger();
  const [v1, v2] = [ledger.client(ClientV1), ledger.client(ClientV2)];
  return {
    ...ledger,
    v1,
    create: (id: string, change = {}) =>
      call(v2, "createIdentityProviderConfig", { identityProviderConfig: config(id, change) }, deadline),
    update: (id: string, change: object, updateMask: string[] | undefined) => {
      const empty = { isDeactivated: false, issuer: "", jwksUrl: "", audience: "" };
      const identityProviderConfig = config(id, { ...empty, ...change });
      return call(v2, "updateIdentityProviderConfig", { identityProviderConfig, updateMask }, deadline);
    },
    remove: (identityProviderId: string) => call(v2, "deleteIdentityProviderConfig", { identityProviderId }, deadline),
    list: async () => (await call(v2, "listIdentityProviderConfigs", {}, deadline)).identityProviderConfigs,
  };
}

describe("identity providers", () => {
  test("are created, read, changed, listed and deleted, by v1 as by v2", async () => {
    await using ledger = await providers();
    expect((await ledger.create("b")).identityProviderConfig).toEqual(config("b"));
    await ledger.create("a", { audience: "apps", isDeactivated: true });
    const a = await call(ledger.v1, "getIdentityProviderConfig", { identityProviderId: "a" }, deadline);
    expect(a.identityProviderConfig).toEqual(config("a", { audience: "apps", isDeactivated: true }));
    const moved = { issuer: "https://new.example.com", jwksUrl: "http://127.0.0.1:1/jwks" };
    const updated = await ledger.update("a", moved, ["issuer", "jwks_url", "is_deactivated"]);
    expect(updated.identityProviderConfig).toEqual(config("a", { ...moved, audience: "apps" }));
    const without = await ledger.update("a", {}, ["audience"]);
    expect(without.identityProviderConfig).toEqual(config("a", moved));
    expect((await ledger.list()).map(({ identityProviderId }) => identityProviderId)).toEqual(["a", "b"]);
    await ledger.remove("a");
    expect(await ledger.list()).toEqual([config("b")]);
  });

  test("have an id and an issuer of their own", async () => {
    await using ledger = await providers();
    await ledger.create("a");
    await ledger.create("b");
    const exists = { code: status.ALREADY_EXISTS, reason: "IDP_CONFIG_ALREADY_EXISTS" };
    const issuerExists = { code: status.ALREADY_EXISTS, reason: "IDP_CONFIG_ISSUER_ALREADY_EXISTS" };
    expect(await refusalOf(ledger.create("a", { issuer: "https://other" }))).toMatchObject(exists);
    const issuer = "https://a.example.com";
    expect(await refusalOf(ledger.create("c", { issuer }))).toMatchObject(issuerExists);
    expect(await refusalOf(ledger.update("b", { issuer }, ["issuer"]))).toMatchObject(issuerExists);
    expect(await ledger.list()).toEqual([config("a"), config("b")]);
  });

  test("are 16 at most, also when they are created at once", async () => {
    await using ledger = await providers();
    const attempts = await Promise.allSettled(Array.from({ length: 18 }, (_, n) => ledger.create(`p${n}`)));
    const refused = attempts.filter((attempt) => attempt.status === "rejected");
    expect(refused).toHaveLength(2);
    for (const { reason } of refused) expect(reason).toMatchObject({ reason: "TOO_MANY_IDENTITY_PROVIDER_CONFIGS" });
    expect(await ledger.list()).toHaveLength(16);
  });

  test("stay while they have users or parties", async () => {
    await using ledger = await providers();
    await ledger.create("a");
    const user = { id: "u", primaryParty: "", isDeactivated: false, annotations: {}, resourceVersion: 0n };
    await ledger.users.create({ ...user, identityProviderId: "a" }, []);
    const inUse = { code: status.FAILED_PRECONDITION, reason: "IDP_CONFIG_IN_USE" };
    expect(await refusalOf(ledger.remove("a"))).toMatchObject(inUse);
    await ledger.users.delete("u", () => undefined);
    const party = { party: "p::1220", displayName: "", annotations: {}, identityProviderId: "a" };
    await ledger.parties.allocate(party);
    expect(await refusalOf(ledger.remove("a"))).toMatchObject(inUse);
    await ledger.parties.update("p::1220", (record) => ({ ...record, identityProviderId: "" }));
    await ledger.remove("a");
  });

  test("what is refused names the field", async () => {
    await using ledger = await providers();
    await ledger.create("a");
    const cases: [() => Promise<unknown>, string, RegExp][] = [
      [() => ledger.create(""), "MISSING_FIELD", /identity_provider_id/],
      [() => ledger.create("a!"), "INVALID_FIELD", /identity_provider_id: "a!" is not/],
      [() => ledger.create("x".repeat(256)), "INVALID_FIELD", /1 to 255/],
      [() => ledger.create("b", { issuer: "" }), "MISSING_FIELD", /issuer/],
      [() => ledger.create("b", { jwksUrl: "" }), "MISSING_FIELD", /jwks_url/],
      [() => ledger.create("b", { jwksUrl: "nonsense" }), "INVALID_FIELD", /jwks_url: Malformed URL/],
      [() => ledger.create("b", { jwksUrl: "ftp://x/" }), "INVALID_FIELD", /expected https/],
      [() => ledger.create("b", { jwksUrl: "http://idp.example.com/" }), "INVALID_FIELD", /http on a loopback address/],
      [() => ledger.create("b", { jwksUrl: "https://u:p@x/" }), "INVALID_FIELD", /no user name or password/],
      [() => ledger.update("a", { jwksUrl: "x" }, ["jwks_url"]), "INVALID_FIELD", /jwks_url/],
      [() => ledger.update("a", {}, undefined), "MISSING_FIELD", /update_mask/],
      [() => ledger.update("a", {}, []), "INVALID_IDENTITY_PROVIDER_UPDATE_REQUEST", /no entries/],
      [
        () => ledger.update("a", {}, ["jwksUrl"]),
        "INVALID_IDENTITY_PROVIDER_UPDATE_REQUEST",
        /'jwksUrl' points to an unknown/,
      ],
      [() => ledger.update("a", {}, ["issuer", "issuer"]), "INVALID_IDENTITY_PROVIDER_UPDATE_REQUEST", /duplicated/],
      [
        () => ledger.update("b", {}, ["issuer"]),
        "IDP_CONFIG_NOT_FOUND",
        /updating .* unknown identity provider id="b"/,
      ],
      [() => ledger.remove("b"), "IDP_CONFIG_NOT_FOUND", /deleting/],
    ];
    for (const [attempt, reason, text] of cases) {
      const refusal = await refusalOf(attempt());
      expect(refusal.reason, attempt.toString()).toBe(reason);
      expect(refusal.message).toMatch(text);
    }
    expect(await ledger.list()).toEqual([config("a")]);
  });
});

test("an update changes the fields that its mask names, and none to nothing that must be there", () => {
  const text = fc.constantFrom("", "x", "y");
  const provider: fc.Arbitrary<IdentityProvider> = fc.record({
    id: fc.constant("p"),
    isDeactivated: fc.boolean(),
    issuer: text,
    jwksUrl: text,
    audience: text,
  });
  const paths = fc.uniqueArray(fc.constantFrom(...IDENTITY_PROVIDER_FIELDS));
  fc.assert(
    fc.property(provider, provider, paths, (present, given, paths) => {
      const updated = updatedProvider(present, given, paths);
      for (const [field, path] of [
        ["isDeactivated", "is_deactivated"],
        ["issuer", "issuer"],
        ["jwksUrl", "jwks_url"],
        ["audience", "audience"],
      ] as const) {
        const mayBeEmpty = field === "audience" || field === "isDeactivated";
        const changes = paths.includes(path) && (mayBeEmpty || given[field] !== "");
        expect(updated[field]).toBe(changes ? given[field] : present[field]);
      }
    }),
  );
});
