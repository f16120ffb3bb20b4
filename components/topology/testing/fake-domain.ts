/**
 * A domain manager and participants that behave as Canton's admin APIs do, as far as topology resources use them; served over
 * real gRPC in this process. For tests of step engines: the real nodes are exercised end to end.
 */

import type { DomainConnectionConfig } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { DomainConnectivityServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import {
  ListParticipantDomainStateResult,
  ListPartyToParticipantResult,
  TopologyManagerReadServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import {
  type ParticipantDomainStateAuthorization,
  type PartyToParticipantAuthorization,
  TopologyManagerWriteServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { alreadyExists, failedPrecondition, notFound } from "@pulumi-canton/runtime/errors.ts";
import { type GrpcService, implement, startGrpcServer } from "@pulumi-canton/runtime/grpc-server.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { withoutMemberCode } from "../topology-names.ts";

/** Id of the domain that the fakes play. */
export const domainId = "mydomain::1220dd";

/** A server that runs. */
export interface FakeServer {
  readonly endpoint: Endpoint;
  close(): Promise<void>;
}

async function serve(services: readonly GrpcService[], port = 0): Promise<FakeServer> {
  const address = "127.0.0.1";
  const server = await startGrpcServer({ name: "adminApi", server: { address, port }, services, logger: silentLogger });
  const url = `http://${address}:${server.port}`;
  return { endpoint: { address, port: server.port, url }, close: () => server.close(0) };
}

type Mapping = ParticipantDomainStateAuthorization | PartyToParticipantAuthorization;

/** Adds or removes a mapping as a topology manager does, and refuses as it does. */
function authorize<M extends Mapping>(
  mappings: M[],
  request: M,
  same: (a: M, b: M) => boolean,
  rivals: (a: M, b: M) => boolean,
) {
  const index = mappings.findIndex((mapping) => same(mapping, request));
  if (request.authorization?.change === TopologyChangeOp.Remove) {
    if (index < 0)
      throw failedPrecondition("NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE", "There is no active topology transaction");
    mappings.splice(index, 1);
  } else {
    if (index >= 0) throw alreadyExists("TOPOLOGY_MAPPING_ALREADY_EXISTS", "A matching topology mapping exists");
    if (request.authorization?.replaceExisting) {
      const kept = mappings.filter((mapping) => !rivals(mapping, request));
      mappings.splice(0, mappings.length, ...kept);
    }
    mappings.push(request);
  }
  return { serialized: Buffer.alloc(0) };
}

/** Plays a domain manager. */
export class FakeDomainManager {
  /** What it has granted. */
  readonly grants: ParticipantDomainStateAuthorization[] = [];
  /** How many changes it was asked for. */
  changes = 0;

  /** Serves its admin API; on a given port when it is to come back where it was. */
  start(port?: number): Promise<FakeServer> {
    return serve(
      [
        implement(TopologyManagerReadServiceService, {
          listParticipantDomainState: async () =>
            ListParticipantDomainStateResult.fromPartial({
              results: this.grants.map((grant) => ({
                item: { ...grant, participant: withoutMemberCode(grant.participant) },
              })),
            }),
        }),
        implement(TopologyManagerWriteServiceService, {
          authorizeParticipantDomainState: async (request) => {
            this.changes += 1;
            return authorize(
              this.grants,
              request,
              (a, b) =>
                a.participant === b.participant && a.permission === b.permission && a.trustLevel === b.trustLevel,
              (a, b) => a.participant === b.participant,
            );
          },
        }),
      ],
      port,
    );
  }
}

/** Plays a participant. */
export class FakeParticipant {
  /** Its unique identifier. */
  readonly id: string;
  readonly #manager: FakeDomainManager;
  /** The domains that it knows. */
  readonly domains = new Map<string, { config: DomainConnectionConfig; connected: boolean }>();
  /** The parties that it hosts. */
  readonly parties: PartyToParticipantAuthorization[] = [];
  /** Methods in the order in which they were called, but for lists. */
  readonly calls: string[] = [];
  /** How often the parties of the domain are to be listed before a change shows. */
  lag = 0;

  constructor(id: string, manager: FakeDomainManager) {
    this.id = id;
    this.#manager = manager;
  }

  get #admitted(): boolean {
    return this.#manager.grants.some(
      ({ participant, permission }) => withoutMemberCode(participant) === this.id && permission !== 4,
    );
  }

  #known(alias: string): { config: DomainConnectionConfig; connected: boolean } {
    const known = this.domains.get(alias);
    if (known === undefined) throw notFound("SYNC_SERVICE_UNKNOWN_DOMAIN", `The domain ${alias} is unknown`);
    return known;
  }

  /** Serves its admin API. */
  start(): Promise<FakeServer> {
    return serve([
      implement(DomainConnectivityServiceService, {
        listConfiguredDomains: async () => ({ results: [...this.domains.values()] }),
        listConnectedDomains: async () => ({
          connectedDomains: [...this.domains.values()]
            .filter(({ connected }) => connected)
            .map(({ config }) => ({ domainAlias: config.domainAlias, domainId, healthy: true })),
        }),
        registerDomain: async ({ add }) => {
          this.calls.push("register");
          const config = add as DomainConnectionConfig;
          if (this.domains.has(config.domainAlias)) throw alreadyExists("SYNC_SERVICE_ALREADY_ADDED", "It is known");
          this.domains.set(config.domainAlias, { config, connected: false });
          return {};
        },
        modifyDomain: async ({ modify }) => {
          const config = modify as DomainConnectionConfig;
          this.calls.push(`modify ${config.manualConnect ? "manual" : "automatic"}`);
          this.#known(config.domainAlias).config = config;
          return {};
        },
        getAgreement: async ({ domainAlias }) => {
          this.calls.push("agree");
          this.#known(domainAlias);
          return { domainId, agreement: undefined, accepted: false };
        },
        connectDomain: async ({ domainAlias }) => {
          this.calls.push("connect");
          const known = this.#known(domainAlias);
          if (!this.#admitted)
            throw failedPrecondition("PARTICIPANT_IS_NOT_ACTIVE", "The participant is not yet active");
          known.connected = true;
          return { connectedSuccessfully: true };
        },
        disconnectDomain: async ({ domainAlias }) => {
          this.calls.push("disconnect");
          this.#known(domainAlias).connected = false;
          return {};
        },
      }),
      implement(TopologyManagerReadServiceService, {
        listPartyToParticipant: async ({ baseQuery }) => {
          const late = baseQuery?.filterStore !== "Authorized" && this.lag > 0;
          if (late) this.lag -= 1;
          const results = late ? [] : this.parties.map((item) => ({ item }));
          return ListPartyToParticipantResult.fromPartial({ results });
        },
      }),
      implement(TopologyManagerWriteServiceService, {
        authorizePartyToParticipant: async (request) => {
          this.calls.push(request.authorization?.change === TopologyChangeOp.Remove ? "revoke" : "authorize");
          const same = (a: PartyToParticipantAuthorization, b: PartyToParticipantAuthorization) => a.party === b.party;
          return authorize(this.parties, request, same, same);
        },
      }),
    ]);
  }
}
