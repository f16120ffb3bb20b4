/** A real domain in this process and what its operator, and those of its participants, do with it. */

import type { Client } from "@grpc/grpc-js";
import { idle, setState } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { type SequencerSettings, TestDomain } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import { PartyManagementServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import {
  DomainConnectionConfig,
  DomainConnectivityServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { ParticipantStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/participant_status_service.ts";
import {
  RequestSide,
  TopologyChangeOp,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import {
  ListAllRequest,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import type { ClientConstructor } from "@pulumi-canton/runtime/grpc-client.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import type { TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";

/** Longest that a call may take. */
export const deadlineMs = 20_000;

/** What serves a participant's APIs. */
export interface ParticipantApis {
  admin<C extends Client>(constructor: ClientConstructor<C>): C;
  ledger<C extends Client>(constructor: ClientConstructor<C>): C;
}

type Sequencer = Awaited<ReturnType<TestDomain["sequencer"]>>;

/** A permissioned domain: sequencers, mediator and manager, each with its own database. */
export class PermissionedDomain implements AsyncDisposable {
  readonly #nodes: TestDomain;
  readonly adminPort: number;
  readonly domainId: string;
  /** The sequencers' public APIs. */
  readonly urls: readonly string[];

  /** The admin APIs of the mediator, and of the sequencers as they were started. */
  readonly peerAdminPorts: readonly number[];
  /** The domain manager's. */
  readonly managerDatabase: TestDatabase;

  readonly #sequencers: Sequencer[];

  private constructor(
    nodes: TestDomain,
    sequencers: Sequencer[],
    mediator: { adminPort: number },
    managerDatabase: TestDatabase,
    adminPort: number,
    domainId: string,
    urls: readonly string[],
  ) {
    this.#nodes = nodes;
    this.#sequencers = sequencers;
    this.peerAdminPorts = [mediator, ...sequencers].map((node) => node.adminPort);
    this.managerDatabase = managerDatabase;
    this.adminPort = adminPort;
    this.domainId = domainId;
    this.urls = urls;
  }

  /** @param options.sequencersCaFile the authority of the sequencers' certificates, when `settings` has them speak TLS */
  static async start(
    sequencerCount = 2,
    options: {
      readonly settings?: SequencerSettings;
      readonly policy?: "open" | "permissioned";
      readonly sequencersCaFile?: string;
    } = {},
  ): Promise<PermissionedDomain> {
    const { settings, policy = "permissioned", sequencersCaFile } = options;
    const nodes = new TestDomain();
    try {
      const sequencers: Sequencer[] = [];
      for (let n = 1; n <= sequencerCount; n++) sequencers.push(await nodes.sequencer(`sequencer${n}`, { settings }));
      const mediator = await nodes.mediator("mediator1");
      const manager = await nodes.manager({ sequencers, sequencersCaFile, mediators: [mediator], policy });
      const { commonStatus } = await idle(manager.adminPort);
      const domainId = commonStatus?.uid ?? "";
      const scheme = sequencersCaFile === undefined ? "http" : "https";
      const urls = sequencers.map(({ publicPort }) => `${scheme}://127.0.0.1:${publicPort}`);
      return new PermissionedDomain(nodes, sequencers, mediator, manager.database, manager.adminPort, domainId, urls);
    } catch (error) {
      await nodes[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Stops all sequencers, does something meanwhile, and starts them again where they were. */
  async withoutSequencers(meanwhile: () => Promise<void>, settings?: SequencerSettings): Promise<void> {
    const stopped = this.#sequencers.splice(0);
    for (const sequencer of stopped) await sequencer.close();
    await meanwhile();
    for (const { name, database, adminPort, publicPort } of stopped) {
      this.#sequencers.push(await this.#nodes.sequencer(name, { database, adminPort, publicPort, settings }));
    }
  }

  /** Databases that end with the domain. */
  database() {
    return this.#nodes.database();
  }

  /** What the domain allows a participant: `participants.set_state`. */
  async set(uid: string, permission: Parameters<typeof setState>[3]): Promise<void> {
    await setState(this.adminPort, this.domainId, `PAR::${uid}`, permission);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nodes[Symbol.asyncDispose]();
  }
}

/** A connection to all sequencers of a domain. */
export function connection(
  { urls, domainId }: Pick<PermissionedDomain, "urls" | "domainId">,
  changes: Partial<DomainConnectionConfig> = {},
): DomainConnectionConfig {
  return DomainConnectionConfig.fromPartial({
    domainAlias: "mydomain",
    sequencerConnections: urls.map((url, index) => ({
      type: { $case: "grpc", value: { connections: [url] } },
      alias: `sequencer${index + 1}`,
    })),
    manualConnect: false,
    domainId,
    initialRetryDelay: { seconds: 0n, nanos: 50_000_000 },
    maxRetryDelay: { seconds: 0n, nanos: 500_000_000 },
    sequencerTrustThreshold: 1,
    ...changes,
  });
}

/** The unique identifier of a participant. */
export async function uidOf(node: ParticipantApis): Promise<string> {
  return (await call(node.admin(InitializationServiceClient), "getId", {}, { deadlineMs })).uniqueIdentifier;
}

/** Registers a domain, to be connected by hand first, as the console does. */
export async function register(node: ParticipantApis, config: DomainConnectionConfig): Promise<void> {
  const client = node.admin(DomainConnectivityServiceClient);
  await call(client, "registerDomain", { add: { ...config, manualConnect: true } }, { deadlineMs });
}

/** Confirms the terms of service of a domain, when it has any that are not confirmed; gives their id. */
export async function confirmAgreement(node: ParticipantApis, domainAlias = "mydomain"): Promise<string | undefined> {
  const client = node.admin(DomainConnectivityServiceClient);
  const { agreement, accepted } = await call(client, "getAgreement", { domainAlias }, { deadlineMs });
  if (agreement === undefined || accepted) return undefined;
  await call(client, "acceptAgreement", { domainAlias, agreementId: agreement.id }, { deadlineMs });
  return agreement.id;
}

/** `domains.connect_multi`: registers, confirms the terms of service, connects, and has it connected by itself from then on. */
export async function connectTo(node: ParticipantApis, config: DomainConnectionConfig): Promise<void> {
  await register(node, config);
  await confirmAgreement(node, config.domainAlias);
  await connectAgain(node, config.domainAlias);
  const client = node.admin(DomainConnectivityServiceClient);
  await call(client, "modifyDomain", { modify: { ...config, manualConnect: false } }, { deadlineMs });
}

/** `domains.reconnect`. */
export async function connectAgain(node: ParticipantApis, domainAlias = "mydomain", retry = false): Promise<boolean> {
  const client = node.admin(DomainConnectivityServiceClient);
  return (await call(client, "connectDomain", { domainAlias, retry }, { deadlineMs })).connectedSuccessfully;
}

/** The aliases of the domains that are connected and healthy. */
export async function connectedDomains(node: ParticipantApis): Promise<string[]> {
  const client = node.admin(DomainConnectivityServiceClient);
  const { connectedDomains: connected } = await call(client, "listConnectedDomains", {}, { deadlineMs });
  return connected.filter(({ healthy }) => healthy).map(({ domainAlias }) => domainAlias);
}

/** `parties.enable`: the mapping alone; gives the party's id. */
export async function enableParty(node: ParticipantApis, name: string): Promise<string> {
  const uid = await uidOf(node);
  const party = `${name}::${uid.slice(uid.indexOf("::") + 2)}`;
  await changeHosting(node, TopologyChangeOp.Add, party);
  return party;
}

/** `parties.disable`. */
export function disableParty(node: ParticipantApis, party: string): Promise<void> {
  return changeHosting(node, TopologyChangeOp.Remove, party);
}

async function changeHosting(node: ParticipantApis, change: TopologyChangeOp, party: string): Promise<void> {
  await call(
    node.admin(TopologyManagerWriteServiceClient),
    "authorizePartyToParticipant",
    {
      authorization: { change, signedBy: "", replaceExisting: false, forceChange: false },
      side: RequestSide.Both,
      party,
      participant: `PAR::${await uidOf(node)}`,
      permission: 1,
    },
    { deadlineMs },
  );
}

/** The parties that the Ledger API of a participant knows. */
export async function partiesOf(node: ParticipantApis): Promise<Map<string, boolean>> {
  const request = { pageSize: 0, pageToken: "", identityProviderId: "" };
  const client = node.ledger(PartyManagementServiceClient);
  const { partyDetails } = await call(client, "listKnownParties", request, { deadlineMs });
  return new Map(partyDetails.map(({ party, isLocal }) => [party, isLocal]));
}

/** How many topology transactions a participant's status says are on their way. */
export async function queued(node: ParticipantApis): Promise<number> {
  const { kind } = await call(node.admin(ParticipantStatusServiceClient), "participantStatus", {}, { deadlineMs });
  if (kind?.$case !== "status") throw new Error("the participant has no status");
  const queues = kind.value.commonStatus?.topologyQueues;
  return (queues?.manager ?? 0) + (queues?.dispatcher ?? 0) + (queues?.clients ?? 0);
}

/** Everything in force on a domain as a participant has it: what, and since which sequencing time. */
export async function topologyOf(node: ParticipantApis, domainId: string): Promise<string[]> {
  const request = ListAllRequest.fromPartial({
    baseQuery: { filterStore: domainId, useStateStore: true, timeQuery: { $case: "headState", value: {} } },
  });
  const client = node.admin(TopologyManagerReadServiceClient);
  const { result } = await call(client, "listAll", request, { deadlineMs });
  return (result?.items ?? []).map(({ transaction }) => transaction.toString("base64")).sort();
}
