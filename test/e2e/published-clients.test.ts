/**
 * The local stack as a client sees it that was made without this repository: stubs of the published descriptors, making
 * the calls of Canton's own console in the console's order. It does by hand what `up` does for an admitted participant.
 */
import { haveObserved, observedFolder, readObserved } from "@pulumi-canton/topology/testing/observed.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deployment, shipped } from "./deployment.ts";
import { type Answer, fieldsOf, PublishedClient } from "./published-clients-caller.ts";
import { publishedDescriptors } from "./published-clients-descriptors.ts";

const descriptors = await publishedDescriptors();
const missing = "unavailable" in descriptors ? descriptors.unavailable : undefined;
if (missing !== undefined) console.warn(`SKIPPED: calls with the published descriptors: cannot be had: ${missing}`);
if (!haveObserved) console.warn(`SKIPPED: comparing with a real Canton: no recordings at ${observedFolder.pathname}`);

const minutes = 60_000;
const carol = { name: "carol", parties: ["Carol"] };
const services = {
  apiInfo: "/com.digitalasset.canton.connection.v30.ApiInfoService",
  status: "/com.digitalasset.canton.health.admin.v0.StatusService",
  participantStatus: "/com.digitalasset.canton.participant.admin.v0.ParticipantStatusService",
  domainStatus: "/com.digitalasset.canton.domain.admin.v0.DomainStatusService",
  domain: "/com.digitalasset.canton.domain.admin.v0.DomainService",
  init: "/com.digitalasset.canton.topology.admin.v0.InitializationService",
  read: "/com.digitalasset.canton.topology.admin.v0.TopologyManagerReadService",
  write: "/com.digitalasset.canton.topology.admin.v0.TopologyManagerWriteService",
  aggregation: "/com.digitalasset.canton.topology.admin.v0.TopologyAggregationService",
  vault: "/com.digitalasset.canton.crypto.admin.v0.VaultService",
  connectivity: "/com.digitalasset.canton.participant.admin.v0.DomainConnectivityService",
  partyNames: "/com.digitalasset.canton.participant.admin.v0.PartyNameManagementService",
  ledgerParties: "/com.daml.ledger.api.v1.admin.PartyManagementService",
} as const;

/** What the console registers besides the place of the domain. */
const timeTracker = {
  observationLatency: { nanos: 250_000_000 },
  patienceDuration: { nanos: 500_000_000 },
  minObservationDuration: { seconds: 86_400 },
  timeProofRequest: {
    initialRetryDelay: { nanos: 200_000_000 },
    maxRetryDelay: { seconds: 5 },
    maxSequencingDelay: { seconds: 10 },
  },
};

describe.skipIf(missing !== undefined)("Canton's console, by its calls", { timeout: minutes }, () => {
  let client: PublishedClient;
  let deployment: Deployment;
  const url = { domain: "", participant1: "", participant2: "", ledger1: "", sequencer: "" };
  let domainId: string;
  /** The participant that is not on the allow-list, without `PAR::`. */
  let participant: string;

  beforeAll(async () => {
    client = new PublishedClient(descriptors as Buffer);
    deployment = await Deployment.create({ ...shipped, participants: [...shipped.participants, carol] });
    const { code, text } = await deployment.run("up");
    expect(code, text).not.toBe(0);
    const { nodes, domain } = await deployment.status();
    domainId = domain.id;
    url.domain = nodes["domain-manager"]?.adminApi ?? "";
    url.participant1 = nodes["carol"]?.adminApi ?? "";
    url.ledger1 = nodes["carol"]?.ledgerApi ?? "";
    url.participant2 = nodes["alice"]?.adminApi ?? "";
    url.sequencer = nodes["sequencer1"]?.publicApi ?? "";
    participant = nodes["carol"]?.id.replace(/^PAR::/, "") ?? "";
  }, 3 * minutes);
  afterAll(async () => {
    await deployment.dispose();
  }, 2 * minutes);

  /** Makes a call that is to succeed; where there are recordings, every field that was recorded has to be in the answer. */
  async function ok(to: string, path: string, request: object = {}, recording?: string): Promise<Answer["response"]> {
    const { code, message, response } = await client.call(to, path, request);
    expect(`${code} ${message}`, path).toBe("OK ");
    if (recording !== undefined) compare(path, response, recording);
    return response;
  }

  function compare(path: string, response: Answer["response"], recording: string): void {
    if (!haveObserved) return;
    const recorded = readObserved(`${recording}.json`).findLast(
      ({ method, responses }) => method === path && responses.length > 0,
    );
    if (recorded === undefined) throw new Error(`${recording}.json has no answer of ${path}`);
    const here = fieldsOf(response);
    const lacking = [...fieldsOf(recorded.responses[0])].filter((field) => !here.has(field));
    expect(lacking, `fields that a real Canton answers to ${path}, see ${recording}.json`).toEqual([]);
  }

  /** As the console does after a change: asks every node until nothing waits to be dispatched. */
  async function synchronized(): Promise<void> {
    const waiting = async () => {
      const answers = [
        await ok(url.participant2, `${services.participantStatus}/ParticipantStatus`),
        await ok(url.participant1, `${services.participantStatus}/ParticipantStatus`),
        await ok(url.domain, `${services.domainStatus}/DomainStatus`),
      ];
      return answers.map((answer) => statusOf(answer)["common_status"]?.topology_queues);
    };
    await expect.poll(waiting, { timeout: 20_000 }).toEqual([{}, {}, {}]);
  }

  test("health.status, id", async () => {
    for (const node of [url.participant1, url.participant2, url.domain]) {
      expect(await ok(node, `${services.apiInfo}/GetApiInfo`)).toEqual({ name: "admin-api" });
    }
    expect(await ok(url.ledger1, `${services.apiInfo}/GetApiInfo`)).toEqual({ name: "ledger-api" });
    expect(
      await ok(url.participant1, `${services.participantStatus}/ParticipantStatus`, {}, "rp.health.status"),
    ).toMatchObject({ status: { active: true, common_status: { uid: participant, active: true } } });
    expect(await ok(url.domain, `${services.domainStatus}/DomainStatus`, {}, "rd.health.status")).toMatchObject({
      status: { common_status: { uid: domainId }, sequencer: { active: true }, protocol_version: 5 },
    });
    expect(await ok(url.participant1, `${services.init}/GetId`, {}, "rp.id")).toEqual({
      initialized: true,
      unique_identifier: participant,
      instance: "carol",
    });
    expect(await ok(url.domain, `${services.init}/GetId`, {}, "rd.id")).toMatchObject({ unique_identifier: domainId });
    expect(await ok(url.participant1, `${services.status}/Status`, {}, "health.initialized")).toMatchObject({});
  });

  test("domains.connect of a participant that is not admitted", async () => {
    const refused = await client.call(url.participant1, `${services.connectivity}/ConnectDomain`, {
      domain_alias: "mydomain",
      retry: false,
    });
    expect(refused).toMatchObject({ code: "FAILED_PRECONDITION", reason: "PARTICIPANT_IS_NOT_ACTIVE" });
    expect(refused.metadata["serverResponse"]).toContain(participant);
  });

  test("participants.set_state, list, active", async () => {
    const grant = {
      authorization: { replace_existing: true },
      side: "From",
      domain: domainId,
      participant: `PAR::${participant}`,
      permission: "Submission",
      trust_level: "Ordinary",
    };
    const path = `${services.write}/AuthorizeParticipantDomainState`;
    await ok(url.domain, path, grant, "rd.participants.set_state");
    await synchronized();
    expect(await client.call(url.domain, path, grant)).toMatchObject({
      code: "ALREADY_EXISTS",
      reason: "TOPOLOGY_MAPPING_ALREADY_EXISTS",
    });
    const authorized = { base_query: { filter_store: "Authorized", head_state: {} } };
    const listed = await ok(
      url.domain,
      `${services.read}/ListParticipantDomainState`,
      authorized,
      "rd.participants.list",
    );
    expect(listed["results"]).toContainEqual(
      expect.objectContaining({
        item: expect.objectContaining({
          side: "From",
          domain: domainId,
          participant,
          permission: "Submission",
          trust_level: "Ordinary",
        }),
      }),
    );
    const onDomain = {
      base_query: { filter_store: domainId, use_state_store: true, head_state: {} },
      filter_participant: participant,
    };
    const active = await ok(url.domain, `${services.read}/ListParticipantDomainState`, onDomain);
    expect(active["results"], "one side only").toHaveLength(1);
  });

  test("domains.connect", async () => {
    const { connectivity } = services;
    // What the refused update left behind, as a refused connect of the console does.
    const before = await ok(url.participant1, `${connectivity}/ListConfiguredDomains`);
    const [registered] = before["results"] as { config: object; connected?: boolean }[];
    expect(registered).toMatchObject({ config: { domain_alias: "mydomain", manual_connect: true } });
    expect(registered?.connected).toBeUndefined();
    await ok(url.participant1, `${connectivity}/RegisterDomain`, { add: registered?.config });
    expect(
      await client.call(url.participant1, `${connectivity}/RegisterDomain`, {
        add: { ...registered?.config, priority: 7 },
      }),
    ).toMatchObject({ code: "ALREADY_EXISTS", reason: "SYNC_SERVICE_ALREADY_ADDED" });
    const agreement = await ok(
      url.participant1,
      `${connectivity}/GetAgreement`,
      { domain_alias: "mydomain" },
      "domains.connect",
    );
    expect(agreement).toEqual({ domain_id: domainId });
    expect(await ok(url.domain, `${services.apiInfo}/GetApiInfo`)).toEqual({ name: "admin-api" });
    expect(
      await ok(
        url.participant1,
        `${connectivity}/ConnectDomain`,
        { domain_alias: "mydomain", retry: false },
        "domains.connect",
      ),
    ).toEqual({ connected_successfully: true });
    await synchronized();
    await ok(
      url.participant1,
      `${connectivity}/ModifyDomain`,
      { modify: { ...registered?.config, manual_connect: false, timeTracker } },
      "domains.connect",
    );
    expect(await ok(url.participant1, `${connectivity}/ListConnectedDomains`, {}, "domains.list_connected")).toEqual({
      connected_domains: [{ domain_alias: "mydomain", domain_id: domainId, healthy: true }],
    });
    const after = await ok(url.participant1, `${connectivity}/ListConfiguredDomains`, {}, "domains.list_registered");
    const [modified] = after["results"] as { config: { manual_connect?: boolean }; connected?: boolean }[];
    expect([modified?.connected, modified?.config.manual_connect]).toEqual([true, undefined]);
  });

  test("domains.active: both sides, at the participant and at the domain", async () => {
    const status = await ok(url.domain, `${services.domainStatus}/DomainStatus`, {}, "domains.active");
    expect(statusOf(status)["connected_participants_uid"]).toContain(participant);
    for (const node of [url.participant1, url.domain]) {
      const states = await ok(
        node,
        `${services.read}/ListParticipantDomainState`,
        {
          base_query: { filter_store: domainId, use_state_store: true, head_state: {} },
          filter_participant: participant,
        },
        "domains.active",
      );
      const sides = (states["results"] as { item: { side: string } }[]).map(({ item }) => item.side);
      expect(sides.sort(), node).toEqual(["From", "To"]);
    }
  });

  test("parties.enable, hosted, list", async () => {
    const party = `Dora::${participant.split("::")[1]}`;
    const host = {
      authorization: {},
      side: "Both",
      party,
      participant: `PAR::${participant}`,
      permission: "Submission",
    };
    const path = `${services.write}/AuthorizePartyToParticipant`;
    await ok(url.participant1, path, host, "parties.enable");
    await ok(url.participant1, `${services.partyNames}/setPartyDisplayName`, {
      party_id: party,
      display_name: "Dora D",
    });
    for (const node of [url.participant1, url.participant2]) {
      const hosted = { limit: 1000, filter_party: party, filter_participant: participant };
      await expect
        .poll(async () => (await ok(node, `${services.aggregation}/ListParties`, hosted))["results"], {
          timeout: 20_000,
        })
        .toEqual([
          {
            party,
            participants: [
              { participant: `PAR::${participant}`, domains: [{ domain: domainId, permission: "Submission" }] },
            ],
          },
        ]);
    }
    const known = await ok(url.ledger1, `${services.ledgerParties}/ListKnownParties`);
    expect(known["party_details"]).toContainEqual(
      expect.objectContaining({ party, is_local: true, display_name: "Dora D" }),
    );
    await ok(
      url.participant1,
      `${services.aggregation}/ListParties`,
      { limit: 1000, filter_participant: participant },
      "parties.hosted",
    );
    expect(await client.call(url.participant1, path, host)).toMatchObject({
      code: "ALREADY_EXISTS",
      reason: "TOPOLOGY_MAPPING_ALREADY_EXISTS",
    });
  });

  test("keys and topology lists", async () => {
    const head = { use_state_store: true, head_state: {} };
    const authorized = { base_query: { filter_store: "Authorized", ...head } };
    const everywhere = { base_query: head };
    const lists: [to: string, method: string, request: object, recording: string, atLeast: number][] = [
      [url.participant1, `${services.read}/ListAvailableStores`, {}, "topology.stores.list", 2],
      [url.participant1, `${services.read}/ListAll`, authorized, "topology.all.list", 5],
      [
        url.participant1,
        `${services.read}/ListNamespaceDelegation`,
        authorized,
        "topology.namespace_delegations.list",
        1,
      ],
      [
        url.participant1,
        `${services.read}/ListOwnerToKeyMapping`,
        everywhere,
        "topology.owner_to_key_mappings.list",
        4,
      ],
      [
        url.participant1,
        `${services.read}/ListPartyToParticipant`,
        everywhere,
        "topology.party_to_participant_mappings.list",
        2,
      ],
      [url.participant1, `${services.read}/ListVettedPackages`, everywhere, "", 0],
      [url.participant1, `${services.read}/ListIdentifierDelegation`, authorized, "", 0],
      [
        url.domain,
        `${services.read}/ListParticipantDomainState`,
        authorized,
        "rd.topology.participant_domain_states.list",
        3,
      ],
      [
        url.domain,
        `${services.read}/ListMediatorDomainState`,
        authorized,
        "rd.topology.mediator_domain_states.list",
        1,
      ],
      [
        url.domain,
        `${services.read}/ListDomainParametersChanges`,
        authorized,
        "rd.service.get_dynamic_domain_parameters",
        1,
      ],
      [url.domain, `${services.domain}/GetDomainParametersVersioned`, {}, "rd.service.get_static_domain_parameters", 1],
      [url.participant1, `${services.vault}/ListMyKeys`, {}, "keys.secret.list", 3],
      [url.participant1, `${services.vault}/ListPublicKeys`, {}, "keys.public.list", 3],
      [url.participant1, `${services.aggregation}/ListKeyOwners`, { limit: 1000 }, "keys.public.list_owners", 1],
    ];
    for (const [to, path, request, recording, atLeast] of lists) {
      const response = await ok(to, path, request, recording === "" ? undefined : recording);
      const [all = []] = Object.values(response);
      const rows = Array.isArray(all) ? all : Object.values(all ?? {}).flatMap((each) => each);
      expect(rows.length, path).toBeGreaterThanOrEqual(atLeast);
    }
  });

  test("domains.disconnect, reconnect", async () => {
    const { connectivity } = services;
    await ok(url.participant1, `${connectivity}/DisconnectDomain`, { domain_alias: "mydomain" });
    expect(await ok(url.participant1, `${connectivity}/ListConnectedDomains`)).toEqual({});
    expect(
      await ok(url.participant1, `${connectivity}/ConnectDomain`, { domain_alias: "mydomain", retry: true }),
    ).toEqual({ connected_successfully: true });
    expect(
      await client.call(url.participant1, `${connectivity}/ConnectDomain`, { domain_alias: "nowhere" }),
    ).toMatchObject({ code: "NOT_FOUND", reason: "SYNC_SERVICE_UNKNOWN_DOMAIN" });
  });

  test("what was done by hand is adopted by the next up", async () => {
    await deployment.configure({
      participants: [...shipped.participants, carol],
      allowList: [...shipped.allowList, "carol"],
    });
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    const { nodes, parties } = await deployment.status();
    expect(nodes["carol"]?.state).toBe("ready");
    expect(parties["Carol"]).toBe(`Carol::${participant.split("::")[1]}`);
  });
});

/** Two different messages, of which tests look at single fields. */
function statusOf(answer: Answer["response"]): Record<string, any> {
  return answer["status"] as Record<string, unknown>;
}
