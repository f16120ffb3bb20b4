import { status } from "@grpc/grpc-js";
import { PartyManagementServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import { PartyManagementServiceClient as PartyManagementServiceClientV2 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/party_management_service.ts";
import { PartyNameManagementServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/party_name_management.ts";
import { type Database, openDatabase } from "@pulumi-canton/runtime/database.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { partyNameManagementService } from "../services/party-name-management.ts";
import { observationsAvailable, observed, observedRefusal, ourRefusal } from "../testing/observed.ts";
import { refusalOf, served } from "../testing/served.ts";
import { IdentityProviderStore } from "./identity-providers/identity-provider-store.ts";
import { partyManagementServices } from "./party-management.ts";
import { PartyStore } from "./party-store.ts";
import { UserStore } from "./users/user-store.ts";

const namespace = "122050f5924a5e6620316d0620189f098c2783a01a948018b9d371a3149beb3fc6ec";
const options = { deadlineMs: 10_000 };

let testDatabase: TestDatabase;
let database: Database;

beforeEach(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({
    storage: testDatabase.storage,
    migrations: new URL("../migrations/", import.meta.url),
    logger: silentLogger,
  });
});

afterEach(async () => {
  await database.close(0);
  await testDatabase.drop();
});

/** The services over a topology that is a list: hosting a party puts it there. */
async function ledger(
  known: { party: string; isLocal: boolean }[] = [],
  connected = true,
  meanwhile: () => Promise<unknown> = async () => undefined,
) {
  const store = new PartyStore(database);
  const users = new UserStore(database);
  const providers = new IdentityProviderStore(database);
  const server = await served([
    ...partyManagementServices({
      participant: "participant1",
      participantUid: () => `participant1::${namespace}`,
      directory: { list: async () => known },
      store,
      users,
      providers,
      host: async (party) => {
        await meanwhile();
        known.push({ party, isLocal: true });
      },
      connectedDomains: () => (connected ? ["domain::1220"] : []),
      requireActive: () => undefined,
    }),
    partyNameManagementService(store, () => undefined),
  ]);
  return {
    known,
    users,
    providers,
    served: server.client,
    client: server.client(PartyManagementServiceClient),
    names: server.client(PartyNameManagementServiceClient),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const allocation = (recorded: any) => ({
  partyIdHint: recorded.party_id_hint ?? "",
  displayName: recorded.display_name ?? "",
  localMetadata: { resourceVersion: "", annotations: recorded.local_metadata?.annotations ?? {} },
  identityProviderId: "",
});

const details = (recorded: any) => ({
  party: recorded.party,
  displayName: recorded.display_name ?? "",
  isLocal: recorded.is_local ?? false,
  localMetadata: {
    resourceVersion: recorded.local_metadata?.resource_version ?? "",
    annotations: recorded.local_metadata?.annotations ?? {},
  },
  identityProviderId: "",
});

/** Submission ids are random: only that there is one can be compared. */
function withoutIds(refusal: ReturnType<typeof ourRefusal>) {
  const { submissionId, submission_id, ...metadata } = refusal.metadata;
  return { ...refusal, metadata: { ...metadata, hasId: (submissionId ?? submission_id) !== undefined } };
}

describe.skipIf(!observationsAvailable)("answers as a real Canton did", () => {
  test("allocating a party", async () => {
    await using node = await ledger();
    const recorded = observed("ledger_api.parties.allocate", "AllocateParty");
    const { partyDetails } = await call(node.client, "allocateParty", allocation(recorded.request), options);
    expect(partyDetails).toEqual(details(recorded.responses[0].party_details));
  });

  test("allocating a party without a hint", async () => {
    await using node = await ledger();
    const recorded = observed("ledger_api.parties.allocate-empty-hint", "AllocateParty");
    const { partyDetails } = await call(node.client, "allocateParty", allocation(recorded.request), options);
    const shape = /^party-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}::1220[0-9a-f]{64}$/;
    expect(recorded.responses[0].party_details.party).toMatch(shape);
    expect(partyDetails?.party).toMatch(shape);
    expect(partyDetails).toEqual({
      ...details(recorded.responses[0].party_details),
      party: partyDetails?.party,
    });
  });

  test("allocating a party twice", async () => {
    const recorded = observed("refusal-ledger_api.parties.allocate-twice", "AllocateParty");
    await using node = await ledger([{ party: `Dave::${namespace}`, isLocal: true }]);
    const refusal = await refusalOf(call(node.client, "allocateParty", allocation(recorded.request), options));
    expect(withoutIds(ourRefusal(refusal))).toEqual(withoutIds(observedRefusal(recorded)));
  });

  test.each([
    "raw-AllocateParty-bad-hint",
    "refusal-ledger_api.parties.allocate-bad-hint",
    "refusal-ledger_api.parties.allocate-bad-annotation-key",
  ])("%s", async (file) => {
    await using node = await ledger();
    const recorded = observed(file, "AllocateParty");
    const refusal = await refusalOf(call(node.client, "allocateParty", allocation(recorded.request), options));
    expect(withoutIds(ourRefusal(refusal))).toEqual(withoutIds(observedRefusal(recorded)));
    expect(node.known).toEqual([]);
  });

  test("a hint that is too long", async () => {
    await using node = await ledger();
    const recorded = observed("raw-AllocateParty-long-hint", "AllocateParty");
    const refusal = await refusalOf(call(node.client, "allocateParty", allocation(recorded.request), options));
    const { metadata: _ours, ...ours } = ourRefusal(refusal);
    const { metadata: _theirs, ...theirs } = observedRefusal(recorded);
    expect(ours).toEqual(theirs);
  });

  test("allocating without a connected domain", async () => {
    await using node = await ledger([], false);
    const recorded = observed("refusal-disabled-participant-AllocateParty", "AllocateParty");
    const refusal = await refusalOf(call(node.client, "allocateParty", allocation(recorded.request), options));
    const expected = withoutIds(observedRefusal(recorded));
    expect(withoutIds(ourRefusal(refusal))).toEqual({
      ...expected,
      metadata: { ...expected.metadata, participant: "participant1" },
    });
  });

  test("listing and reading parties, with the names they were given", async () => {
    const recorded = observed("ledger_api.parties.list", "ListKnownParties").responses[0].party_details;
    await using node = await ledger(
      recorded.map((each: any) => ({ party: each.party, isLocal: each.is_local ?? false })),
    );
    for (const { party, display_name } of recorded) {
      if (display_name === undefined) continue;
      await call(node.names, "setPartyDisplayName", { partyId: party, displayName: display_name }, options);
    }
    const all = { pageSize: 0, pageToken: "", identityProviderId: "" };
    const { partyDetails } = await call(node.client, "listKnownParties", all, options);
    expect(partyDetails).toEqual(recorded.map(details));
    const bob = observed("ledger_api.parties.update", "GetParties");
    const request = { parties: bob.request.parties, identityProviderId: "" };
    const got = await call(node.client, "getParties", request, options);
    expect(got.partyDetails).toEqual(bob.responses[0].party_details.map(details));

    const update = observed("ledger_api.parties.update", "UpdatePartyDetails");
    const updated = await call(
      node.client,
      "updatePartyDetails",
      { partyDetails: details(update.request.party_details), updateMask: update.request.update_mask.paths },
      options,
    );
    expect(updated.partyDetails).toEqual(details(update.responses[0].party_details));
  });

  test("reading what is no party", async () => {
    await using node = await ledger();
    const recorded = observed("raw-GetParties-bad", "GetParties");
    const request = { parties: recorded.request.parties, identityProviderId: "" };
    const refusal = await refusalOf(call(node.client, "getParties", request, options));
    expect(ourRefusal(refusal)).toEqual(observedRefusal(recorded));
  });

  test("updating a party that nobody knows", async () => {
    await using node = await ledger();
    const recorded = observed("raw-UpdatePartyDetails-unknown-party", "UpdatePartyDetails");
    const { party_details, update_mask } = recorded.request;
    const request = { partyDetails: details(party_details), updateMask: update_mask.paths };
    const refusal = await refusalOf(call(node.client, "updatePartyDetails", request, options));
    expect(withoutIds(ourRefusal(refusal))).toEqual(withoutIds(observedRefusal(recorded)));
  });
});

describe("parties in v2", () => {
  const v2 = (node: Awaited<ReturnType<typeof ledger>>) => node.served(PartyManagementServiceClientV2);
  const allocate = (change: object) => ({
    partyIdHint: "erin",
    localMetadata: undefined,
    identityProviderId: "",
    synchronizerId: "",
    userId: "",
    ...change,
  });
  const user = { primaryParty: "", isDeactivated: false, annotations: {}, resourceVersion: 0n };

  test("are the same as in v1, without display names", async () => {
    await using node = await ledger();
    const { partyDetails } = await call(v2(node), "allocateParty", allocate({}), options);
    const party = `erin::${namespace}`;
    expect(partyDetails).toEqual({
      party,
      isLocal: true,
      localMetadata: { resourceVersion: "0", annotations: {} },
      identityProviderId: "",
    });
    const request = { parties: [party], identityProviderId: "" };
    expect((await call(node.client, "getParties", request, options)).partyDetails).toEqual([
      { ...partyDetails, displayName: "" },
    ]);
  });

  test("can be given to a user when they are allocated, and to nobody else's", async () => {
    await using node = await ledger();
    await node.users.create({ ...user, id: "erin", identityProviderId: "" }, []);
    await call(v2(node), "allocateParty", allocate({ userId: "erin", synchronizerId: "domain::1220" }), options);
    expect((await node.users.findWithRights("erin"))?.rights).toEqual([
      { kind: "canActAs", party: `erin::${namespace}` },
    ]);
    const refusals = [
      [{ userId: "nobody" }, "USER_NOT_FOUND", /unknown user "nobody"/],
      [
        { synchronizerId: "other::1220" },
        "INVALID_ARGUMENT",
        /"other::1220" is not connected; connected: domain::1220/,
      ],
      [{ identityProviderId: "idp" }, "INVALID_ARGUMENT", /Id\(idp\) has not been found/],
    ] as const;
    for (const [change, reason, text] of refusals) {
      const refused = call(v2(node), "allocateParty", allocate({ partyIdHint: "f", ...change }), options);
      const refusal = await refusalOf(refused);
      expect(refusal.reason).toBe(reason);
      expect(refusal.message).toMatch(text);
    }
    expect(node.known).toHaveLength(1);
  });

  test("stay with their identity provider: another one that allocates them at once, or later, is refused", async () => {
    const both = Promise.withResolvers<void>();
    let waiting = 0;
    await using node = await ledger([], true, () => {
      if (++waiting === 2) both.resolve();
      return both.promise;
    });
    for (const id of ["a", "b"]) {
      await node.providers.create({ id, isDeactivated: false, issuer: id, jwksUrl: "https://i/", audience: "" }, 16);
      await node.users.create({ ...user, id: `of-${id}`, identityProviderId: id }, []);
    }
    const attempt = (id: string) =>
      call(v2(node), "allocateParty", allocate({ identityProviderId: id, userId: `of-${id}` }), options);
    const outcomes = await Promise.allSettled([attempt("a"), attempt("b")]);
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(outcomes.find((outcome) => outcome.status === "rejected")?.reason).toMatchObject({
      reason: "INVALID_ARGUMENT",
      message: expect.stringMatching(/Party already exists/),
    });
    const loser = outcomes[0].status === "fulfilled" ? "b" : "a";
    // Hosted no longer: who had it still has the rights.
    node.known.length = 0;
    expect(await refusalOf(attempt(loser))).toMatchObject({ message: expect.stringMatching(/Party already exists/) });
    expect((await node.users.findWithRights(`of-${loser}`))?.rights).toEqual([]);
  });

  test("keep what was said of them when their user, or are refused when their provider, is deleted meanwhile", async () => {
    let meanwhile = async (): Promise<unknown> => undefined;
    await using node = await ledger([], true, () => meanwhile());
    await node.providers.create(
      { id: "idp", isDeactivated: false, issuer: "i", jwksUrl: "https://i/", audience: "" },
      16,
    );
    await node.users.create({ ...user, id: "short", identityProviderId: "idp" }, []);
    meanwhile = () => node.users.delete("short", () => undefined);
    const request = allocate({ userId: "short", identityProviderId: "idp" });
    expect(await refusalOf(call(v2(node), "allocateParty", request, options))).toMatchObject({
      reason: "USER_NOT_FOUND",
      message: expect.stringMatching(/unknown user "short"/),
    });
    const seen = { parties: [`erin::${namespace}`], identityProviderId: "idp" };
    expect((await call(v2(node), "getParties", seen, options)).partyDetails[0]?.identityProviderId).toBe("idp");

    const other = { id: "other", isDeactivated: false, issuer: "o", jwksUrl: "https://o/", audience: "" };
    await node.providers.create(other, 16);
    meanwhile = () => node.providers.delete("other");
    const late = allocate({ partyIdHint: "frank", identityProviderId: "other" });
    expect(await refusalOf(call(v2(node), "allocateParty", late, options))).toMatchObject({
      reason: "INVALID_ARGUMENT",
      message: expect.stringMatching(/Id\(other\) has not been found/),
    });
  });

  test("are filtered by the beginning of their ids", async () => {
    const known = ["anna", "anne", "bob"].map((name) => ({ party: `${name}::${namespace}`, isLocal: true }));
    await using node = await ledger(known);
    const list = async (filterParty: string) => {
      const request = { pageToken: "", pageSize: 0, identityProviderId: "", filterParty };
      return (await call(v2(node), "listKnownParties", request, options)).partyDetails.map(({ party }) => party);
    };
    expect(await list("ann")).toEqual([`anna::${namespace}`, `anne::${namespace}`]);
    expect(await list("anna::")).toEqual([`anna::${namespace}`]);
    expect(await list("c")).toEqual([]);
  });

  test("belong to an identity provider: others see that they are there, and no more", async () => {
    await using node = await ledger();
    await node.providers.create(
      { id: "idp", isDeactivated: false, issuer: "i", jwksUrl: "https://i/", audience: "" },
      16,
    );
    const annotations = { a: "1" };
    const metadata = { resourceVersion: "", annotations };
    const request = allocate({ identityProviderId: "idp", localMetadata: metadata });
    await call(v2(node), "allocateParty", request, options);
    const party = `erin::${namespace}`;
    const seenBy = async (identityProviderId: string) =>
      (await call(v2(node), "getParties", { parties: [party], identityProviderId }, options)).partyDetails[0];
    const own = {
      party,
      isLocal: true,
      localMetadata: { resourceVersion: "0", annotations },
      identityProviderId: "idp",
    };
    const bare = { party, localMetadata: { resourceVersion: "", annotations: {} }, identityProviderId: "" };
    expect(await seenBy("idp")).toEqual(own);
    expect(await seenBy("")).toEqual({ ...bare, isLocal: true });

    const update = (identityProviderId: string, updateMask = ["local_metadata.annotations"], isLocal = true) =>
      call(
        v2(node),
        "updatePartyDetails",
        { partyDetails: { party, isLocal, localMetadata: metadata, identityProviderId }, updateMask },
        options,
      );
    expect(await refusalOf(update(""))).toMatchObject({
      message: expect.stringMatching(/Use UpdatePartyIdentityProviderId/),
    });
    expect(await refusalOf(update("idp", ["is_local"], false))).toMatchObject({
      message: expect.stringMatching(/not-modifiable 'is_local'/),
    });
    expect((await update("idp")).partyDetails?.localMetadata?.resourceVersion).toBe("1");

    const move = { party, sourceIdentityProviderId: "idp", targetIdentityProviderId: "" };
    await call(v2(node), "updatePartyIdentityProviderId", move, options);
    expect(await seenBy("idp")).toEqual({ ...bare, isLocal: false });
    expect(await seenBy("")).toMatchObject({ localMetadata: { annotations } });
    const again = call(v2(node), "updatePartyIdentityProviderId", move, options);
    expect(await refusalOf(again)).toMatchObject({ reason: "PARTY_NOT_FOUND" });
  });

  test("whose keys are their own are not built, and that is said", async () => {
    await using node = await ledger();
    const request = { synchronizer: "", onboardingTransactions: [], multiHashSignatures: [], identityProviderId: "" };
    const refusal = await refusalOf(call(v2(node), "allocateExternalParty", request, options));
    expect(refusal).toMatchObject({ code: status.UNIMPLEMENTED, message: expect.stringMatching(/not built/) });
  });
});

describe("parties", () => {
  test("are listed page by page", async () => {
    const known = ["a", "b", "c", "d", "e"].map((name) => ({ party: `${name}::${namespace}`, isLocal: false }));
    await using node = await ledger(known);
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await call(
        node.client,
        "listKnownParties",
        { pageSize: 2, pageToken, identityProviderId: "" },
        options,
      );
      expect(page.partyDetails.length).toBeLessThanOrEqual(2);
      seen.push(...page.partyDetails.map(({ party }) => party));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen).toEqual(known.map(({ party }) => party));
    const bad = { pageSize: 2, pageToken: "zzz", identityProviderId: "" };
    expect((await refusalOf(call(node.client, "listKnownParties", bad, options))).message).toMatch(
      /Invalid page token/,
    );
  });

  test("annotations are merged, an empty value removes, and a stale version is refused", async () => {
    const party = `a::${namespace}`;
    await using node = await ledger([{ party, isLocal: true }]);
    const update = (annotations: Record<string, string>, resourceVersion = "") =>
      call(
        node.client,
        "updatePartyDetails",
        {
          partyDetails: {
            party,
            displayName: "",
            isLocal: false,
            localMetadata: { annotations, resourceVersion },
            identityProviderId: "",
          },
          updateMask: ["local_metadata"],
        },
        options,
      );
    expect((await update({ x: "1", y: "2" })).partyDetails?.localMetadata).toEqual({
      resourceVersion: "0",
      annotations: { x: "1", y: "2" },
    });
    expect((await update({ x: "", z: "3" }, "0")).partyDetails?.localMetadata).toEqual({
      resourceVersion: "1",
      annotations: { y: "2", z: "3" },
    });
    expect(await refusalOf(update({ z: "4" }, "0"))).toMatchObject({
      reason: "CONCURRENT_PARTY_DETAILS_UPDATE_DETECTED",
    });
  });

  test("a hint with a namespace is refused, and says why", async () => {
    await using node = await ledger();
    const refusal = await refusalOf(
      call(node.client, "allocateParty", allocation({ party_id_hint: `Zoe::${namespace}` }), options),
    );
    expect(refusal.message).toMatch(/must not contain "::"/);
  });
});
