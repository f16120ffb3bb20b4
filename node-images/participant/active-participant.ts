import { IdentityProviderConfigServiceService as IdentityProviderConfigServiceV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/identity_provider_config_service.ts";
import { PartyManagementServiceService as PartyManagementServiceV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import { UserManagementServiceService as UserManagementServiceV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/user_management_service.ts";
import { IdentityProviderConfigServiceService as IdentityProviderConfigServiceV2 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/identity_provider_config_service.ts";
import { PartyManagementServiceService as PartyManagementServiceV2 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/party_management_service.ts";
import { UserManagementServiceService as UserManagementServiceV2 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/user_management_service.ts";
import { VaultServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import { DomainTimeServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/domain_time_service.ts";
import { DomainConnectivityServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { PartyNameManagementServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/party_name_management.ts";
import { InitializationServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { TopologyAggregationServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_aggregation_service.ts";
import { TopologyManagerReadServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { waitingForInitialisation } from "@pulumi-canton/protocol/topology/initialisation-progress.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import type { GrpcService } from "@pulumi-canton/runtime/grpc-server.ts";
import type { ServiceShape } from "@pulumi-canton/runtime/grpc-service.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { autoInitialise, participantInitialisation } from "@pulumi-canton/topology/auto-initialisation.ts";
import { Initialisation } from "@pulumi-canton/topology/initialisation.ts";
import type { KeyEncryption } from "@pulumi-canton/topology/key-encryption/key-encryption.ts";
import { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import type { NodeIdentity } from "@pulumi-canton/topology/node-identity.ts";
import { initializationService } from "@pulumi-canton/topology/services/initialization-service.ts";
import { topologyAggregationService } from "@pulumi-canton/topology/services/topology-aggregation-service.ts";
import { topologyManagerReadService } from "@pulumi-canton/topology/services/topology-manager-read-service.ts";
import { topologyManagerWriteService } from "@pulumi-canton/topology/services/topology-manager-write-service.ts";
import { vaultService } from "@pulumi-canton/topology/services/vault-service.ts";
import { TopologyManager } from "@pulumi-canton/topology/topology-manager.ts";
import { TopologyStores } from "@pulumi-canton/topology/topology-stores.ts";
import { authorisation } from "@pulumi-canton/topology/transaction-steps.ts";
import type { ParticipantConfig } from "./config.ts";
import { abilities } from "./domain/abilities.ts";
import { ConnectionStore } from "./domain/connection-store.ts";
import { DomainConnector } from "./domain/domain-connector.ts";
import { DomainProbe } from "./domain/domain-probe.ts";
import { OnboardingAttempt } from "./domain/onboarding-attempt.ts";
import { participantMemberOf } from "./domain/participant-member.ts";
import { identityProviderConfigServices } from "./ledger-api/identity-providers/identity-provider-config.ts";
import { IdentityProviderStore } from "./ledger-api/identity-providers/identity-provider-store.ts";
import { hostParty, topologyPartyDirectory } from "./ledger-api/party-hosting.ts";
import { partyManagementServices } from "./ledger-api/party-management.ts";
import { PartyStore } from "./ledger-api/party-store.ts";
import { userManagementServices } from "./ledger-api/users/user-management.ts";
import { UserStore } from "./ledger-api/users/user-store.ts";
import type { ParticipantMetrics } from "./participant-metrics.ts";
import { domainConnectivityService } from "./services/domain-connectivity.ts";
import { domainTimeService } from "./services/domain-time.ts";
import { partyNameManagementService } from "./services/party-name-management.ts";

/** What the active replica serves on the admin API, and no other does. */
export const activeAdminServices: readonly ServiceShape[] = [
  InitializationServiceService,
  VaultServiceService,
  TopologyManagerReadServiceService,
  TopologyManagerWriteServiceService,
  TopologyAggregationServiceService,
  DomainConnectivityServiceService,
  PartyNameManagementServiceService,
  DomainTimeServiceService,
];

/** What the active replica serves on the Ledger API, and no other does. */
export const activeLedgerServices: readonly ServiceShape[] = [
  PartyManagementServiceV1,
  PartyManagementServiceV2,
  UserManagementServiceV1,
  UserManagementServiceV2,
  IdentityProviderConfigServiceV1,
  IdentityProviderConfigServiceV2,
];

/** The participant while it leads: its state in memory, its connections, its services. */
export interface ActiveParticipant {
  readonly connector: DomainConnector;
  readonly initialisation: Initialisation;
  readonly adminServices: readonly GrpcService[];
  readonly ledgerServices: readonly GrpcService[];
  /**
   * Starts connecting, in the background, the domains that are not to be connected by hand: at once, or as soon as the
   * participant is initialised.
   */
  start(): Promise<void>;
  /** Ends all connections. */
  stop(): Promise<void>;
}

/** Loads what the participant knows, gives it an identity if it is to have one by itself, and makes its services. */
export async function activateParticipant(options: {
  readonly config: ParticipantConfig;
  readonly database: Database;
  /** Of the private keys in the database. */
  readonly encryption: KeyEncryption;
  readonly identity: NodeIdentity;
  readonly metrics: ParticipantMetrics;
  readonly logger: Logger;
  /** Told what the participant's initialisation waits for, and undefined when it waits for nothing. */
  readonly onWaiting: (waiting: string | undefined) => void;
}): Promise<ActiveParticipant> {
  const { config, database, encryption, identity, metrics, logger, onWaiting } = options;
  const { name } = config;
  const node = { participant: name };
  const keys = new KeyStore(database, encryption);
  const stores = new TopologyStores(database);
  const manager = new TopologyManager({ store: await stores.authorized(), keys, node });
  manager.onAdded((added) => {
    for (const transaction of added) metrics.record("stored", transaction, authorisation(transaction));
  });
  if (config.init.auto) {
    const { nodeIdentifier } = config.init.identity;
    await autoInitialise({ name, nodeIdentifier, member: participantInitialisation, identity, keys, manager, logger });
  }

  let uid = await identity.get();
  const member = participantMemberOf(name, () => uid);
  const connections = new ConnectionStore(database);
  const probe = new DomainProbe(connections, member.id);
  const connector = new DomainConnector({
    participant: name,
    store: connections,
    abilities,
    logger,
    startAttempt: (registered) =>
      new OnboardingAttempt(
        {
          member,
          database,
          keys,
          manager,
          stores,
          connections,
          probe,
          onboardingTimeoutMs: config.domains.onboardingTimeout,
          activationTimeoutMs: config.domains.activationTimeout,
          resendAfterMs: config.domains.topologyResendAfter,
          logger,
          record: metrics.record,
          countDispatched: (domain, outcome, transactions) => metrics.dispatched.inc({ domain, outcome }, transactions),
        },
        registered,
      ),
  });
  const parties = new PartyStore(database);
  const users = new UserStore(database);
  const providers = new IdentityProviderStore(database);
  let wanted = false;
  const initialisation = new Initialisation({
    role: "participant",
    identity,
    keys,
    manager,
    node,
    onProgress: (progress) => {
      const waiting = waitingForInitialisation(progress);
      if (waiting !== undefined) logger.info({ waiting }, "The participant is not initialised yet");
      onWaiting(waiting);
      if (wanted && progress.complete) startAutomatic();
    },
  });
  const startAutomatic = () => {
    connector.startAutomatic().catch((error: unknown) => {
      logger.error({ error }, "The participant's domains could not be read, so none is connected");
    });
  };
  /** This replica leads as long as its services are called: what may still miss is the initialisation. */
  const requireActive = () => initialisation.require();

  return {
    connector,
    initialisation,
    adminServices: [
      initialisation.watch(
        initializationService({
          identity,
          instance: name,
          check: (asked) => initialisation.checkInitId(asked),
          onInitialised: (initialised) => {
            uid = initialised;
            logger.info({ uid }, "The participant was given its identity");
          },
        }),
      ),
      initialisation.watch(vaultService({ keys, stores })),
      topologyManagerReadService({ stores, node }),
      initialisation.watch(
        topologyManagerWriteService({ manager, keys, node, check: (action) => initialisation.check(action) }),
      ),
      topologyAggregationService({ stores, node }),
      domainConnectivityService({ participant: name, store: connections, connector, probe, requireActive }),
      partyNameManagementService(parties, requireActive),
      domainTimeService(name, () => connector.sessions()),
    ],
    ledgerServices: [
      ...partyManagementServices({
        participant: name,
        participantUid: member.uid,
        directory: topologyPartyDirectory(stores, member),
        store: parties,
        users,
        providers,
        connectedDomains: () => connector.sessions().map(({ session }) => session.domainId),
        host: (party, signal) =>
          hostParty({
            party,
            member,
            manager,
            stores,
            sessions: connector.sessions().map(({ session }) => session),
            signal,
          }),
        requireActive,
      }),
      ...userManagementServices({ participant: name, users, providers, parties }),
      ...identityProviderConfigServices(name, providers),
    ],
    start: async () => {
      await initialisation.refresh();
      wanted = true;
      if (initialisation.complete) await connector.startAutomatic();
    },
    stop: () => {
      wanted = false;
      return connector.stop();
    },
  };
}
