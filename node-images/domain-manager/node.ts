/** A domain manager: from its configuration to a node that serves. */

import { defaultStaticDomainParameters, PROTOCOL_VERSION } from "@pulumi-canton/protocol/domain-parameters.ts";
import { EnterpriseSequencerConnectionServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/enterprise_sequencer_connection_service.ts";
import { SequencerConnection } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connection.ts";
import { domainManagerMember } from "@pulumi-canton/protocol/identity/member.ts";
import { encodeMessage } from "@pulumi-canton/protocol/protocol-error.ts";
import type { InitialisationAction } from "@pulumi-canton/protocol/topology/initialisation-progress.ts";
import { domainOf } from "@pulumi-canton/protocol/topology/mapping.ts";
import { openDatabase } from "@pulumi-canton/runtime/database.ts";
import { alreadyExists, failedPrecondition } from "@pulumi-canton/runtime/errors.ts";
import { parseServerUrl } from "@pulumi-canton/runtime/grpc-client.ts";
import { type GrpcService, notBuilt, type RunningServer, startGrpcServer } from "@pulumi-canton/runtime/grpc-server.ts";
import type { NodeContext, RunningNode } from "@pulumi-canton/runtime/node.ts";
import { softwareVersion } from "@pulumi-canton/runtime/software-version.ts";
import { endpointsOf } from "@pulumi-canton/sequencer-client/connection-urls.ts";
import type { SequencerEndpoint } from "@pulumi-canton/sequencer-client/sequencer-endpoint.ts";
import { importSnapshot } from "@pulumi-canton/topology/import-snapshot.ts";
import { Initialisation } from "@pulumi-canton/topology/initialisation.ts";
import { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import { NodeIdentity } from "@pulumi-canton/topology/node-identity.ts";
import { apiInfoService } from "@pulumi-canton/topology/services/api-info-service.ts";
import { initializationService } from "@pulumi-canton/topology/services/initialization-service.ts";
import { topologyAggregationService } from "@pulumi-canton/topology/services/topology-aggregation-service.ts";
import { topologyManagerReadService } from "@pulumi-canton/topology/services/topology-manager-read-service.ts";
import { topologyManagerWriteService } from "@pulumi-canton/topology/services/topology-manager-write-service.ts";
import { vaultService } from "@pulumi-canton/topology/services/vault-service.ts";
import { readPosition } from "@pulumi-canton/topology/subscription-position.ts";
import { TopologyManager } from "@pulumi-canton/topology/topology-manager.ts";
import { exposeTopologyQueue } from "@pulumi-canton/topology/topology-queue-metric.ts";
import { TopologyStores } from "@pulumi-canton/topology/topology-stores.ts";
import { authorisation, stepRecorder } from "@pulumi-canton/topology/transaction-steps.ts";
import { PeerStore } from "./bootstrap/peer-store.ts";
import { runBootstrap } from "./bootstrap/run.ts";
import { BootstrapSteps } from "./bootstrap/steps.ts";
import type { DomainManagerConfig } from "./config.ts";
import { DispatchStore } from "./dispatch/dispatch-store.ts";
import { Wakeup } from "./dispatch/wakeup.ts";
import { agreementAcceptances } from "./domain/agreement-acceptances.ts";
import { runDomain } from "./domain/running-domain.ts";
import { SequencersStatusReader } from "./domain/sequencers-status.ts";
import { domainInitializationService } from "./services/domain-initialization-service.ts";
import { domainService } from "./services/domain-service.ts";
import { invitationService } from "./services/invitation-service.ts";
import { statusServices } from "./services/status-services.ts";

/** A domain manager that serves. */
export interface RunningDomainManager extends RunningNode {
  /** Port of the admin API; differs from the configured one when that is 0. */
  readonly adminPort: number;
}

/**
 * Starts a domain manager. It serves its admin API at once; what needs other nodes goes on in the background until they
 * can be reached.
 *
 * @throws ConfigError, PortInUseError
 */
export async function startDomainManager(
  config: DomainManagerConfig,
  context: NodeContext,
): Promise<RunningDomainManager> {
  const { logger, health, metrics } = context;
  const database = await openDatabase({
    storage: config.storage,
    migrations: [new URL("../topology/migrations/", import.meta.url), new URL("./migrations/", import.meta.url)],
    logger,
    signal: context.signal,
    health,
    metrics,
    applicationName: config.name,
  });
  const node = { domain: config.name };
  const keys = await KeyStore.open({ database, crypto: config.crypto, logger, signal: context.signal });
  const identity = new NodeIdentity(database);
  const stores = new TopologyStores(database);
  const authorized = await stores.authorized();
  const manager = new TopologyManager({
    store: authorized,
    keys,
    node,
    // Not the manager's own option: the domain is known only once the node has its identity.
    check: async ({ mapping }) => {
      const domain = domainOf(mapping);
      const own = await identity.get();
      if (domain !== undefined && own !== undefined && domain !== own) {
        throw failedPrecondition("WRONG_DOMAIN", `the transaction is for the domain ${domain}, this is ${own}`, {
          metadata: node,
        });
      }
    },
  });
  const peers = new PeerStore(database);
  const dispatch = new DispatchStore(database);
  const sequencers = new SequencersStatusReader(config.domain.sequencers);
  const parameters = defaultStaticDomainParameters();

  /** Rung whenever something was authorised. */
  const authorised = new Wakeup();
  /** Rung when the plan of bootstrap may have changed: something was authorised, came back, or was told by hand. */
  const progress = new Wakeup();
  const record = stepRecorder(logger, metrics.registry);
  authorized.onCommitted((stored) => {
    for (const transaction of stored) record("stored", transaction, authorisation(transaction));
    authorised.ring();
    progress.ring();
  });
  const steps = new BootstrapSteps({
    config,
    identity,
    keys,
    stores,
    manager,
    peers,
    importSnapshot: async (domainId, snapshot) => importSnapshot(await stores.open(domainId), snapshot),
  });
  let running = false;

  /** With `init.auto: false`: the operator's steps. The peers of the configuration are set up by this node all the same. */
  const setsUpPeers = config.domain.sequencers.length > 0;
  const byHand = config.init.auto
    ? undefined
    : new Initialisation({
        role: "domain-manager",
        identity,
        keys,
        manager,
        node,
        sequencers: async () => {
          if (setsUpPeers) return "configured";
          return (await peers.start()) === undefined ? "awaited" : "given";
        },
        onProgress: () => {
          reportByHand();
          progress.ring();
        },
      });
  const reportByHand = () => {
    const waiting = byHand?.waiting;
    if (waiting === undefined) health.set("bootstrap", running ? "ok" : { failed: "the domain is being set up" });
    else health.set("bootstrap", running ? { degraded: waiting } : { waiting });
  };
  const check = byHand && ((action: InitialisationAction) => byHand.check(action));
  const watch = (service: GrpcService) => byHand?.watch(service) ?? service;

  const stopping = new AbortController();
  let server: RunningServer | undefined;
  const close = async () => {
    stopping.abort(new Error("the node stops"));
    await server?.close();
    await work;
    sequencers.close();
    await database.close();
  };

  /** By hand: the operator has made keys and transactions, set up the other nodes, and says where the sequencers are. */
  const initialise = async (connection: SequencerConnection) => {
    const encoded = encodeMessage(SequencerConnection, connection);
    const start = await peers.start();
    if (start !== undefined) {
      if (start.connection?.equals(encoded)) return;
      throw alreadyExists(
        "DOMAIN_ALREADY_INITIALIZED",
        "the domain manager is already initialised with its sequencers",
      );
    }
    if (byHand === undefined || setsUpPeers) {
      const message = "the domain manager sets up the sequencers of its configuration (domain.sequencers) by itself";
      throw failedPrecondition("DOMAIN_INITIALIZES_ITSELF", message);
    }
    const missing = await byHand.missing(["mediator-key-mapping", "mediator-domain-state", "sequencer-connection"]);
    if (missing.length > 0) {
      throw failedPrecondition("DOMAIN_NOT_READY", `These steps have to come first: ${missing.join("; ")}`);
    }
    // An empty start: all of the topology is told through the sequencers; what they were given by hand is known already.
    await peers.fixStart({ snapshot: Buffer.alloc(0), connection: encoded }, 0n);
    progress.ring();
  };

  const queues = async () => {
    const stored = await dispatch.load();
    const domainId = await identity.get();
    if (stored === undefined || domainId === undefined) return { manager: 0, dispatcher: 0, clients: 0 };
    const waiting = await authorized.countAfter(stored.dispatched);
    const processed = (await readPosition(database, domainId, domainManagerMember(domainId)))?.timestamp ?? 0n;
    return { manager: 0, dispatcher: waiting, clients: stored.lastSent > processed ? 1 : 0 };
  };
  exposeTopologyQueue(metrics.registry, queues);

  const services = [
    apiInfoService("admin-api"),
    watch(
      initializationService({
        identity,
        instance: config.name,
        check: byHand && ((uid) => byHand.checkInitId(uid)),
        onInitialised: () => progress.ring(),
      }),
    ),
    watch(vaultService({ keys, stores })),
    topologyManagerReadService({ stores, node }),
    watch(topologyManagerWriteService({ manager, keys, node, check })),
    topologyAggregationService({ stores, node }),
    domainService(parameters, () => agreementAcceptances(config.domain.sequencers)),
    invitationService({
      domainId: async () => (running ? identity.get() : undefined),
      keys,
      published: async (domainId) => (await stores.open(domainId)).state,
    }),
    watch(domainInitializationService(initialise)),
    notBuilt(EnterpriseSequencerConnectionServiceService),
    ...statusServices({
      domainId: async () => (running ? identity.get() : undefined),
      ports: () => ({ admin: server?.port ?? config.adminApi.port, ...publicPort(config) }),
      components: () => health.components(),
      queues,
      sequencers: () => sequencers.read(),
      protocolVersion: PROTOCOL_VERSION,
      version: softwareVersion,
      diagnostics: context.diagnostics,
    }),
  ];

  /** Starts the domain once the members have a common start. */
  const work = (async () => {
    const { signal } = stopping;
    const begun = new Wakeup();
    const onRunning = () => {
      running = true;
      begun.ring();
    };
    health.set("bootstrap", { failed: "the domain is being set up" });
    await byHand?.refresh();
    const setUp = async () => {
      if (byHand !== undefined && !setsUpPeers) {
        await rungUntil(async () => (await peers.start()) !== undefined, progress, signal);
        return onRunning();
      }
      await rungUntil(() => byHand?.complete ?? true, progress, signal);
      await runBootstrap(
        {
          observe: () => steps.observe(),
          take: (step, until) => steps.take(step, until),
          onRunning,
          onProgress: (open) =>
            health.set("bootstrap", open === undefined ? "ok" : running ? { degraded: open } : { failed: open }),
          wakeup: progress,
          logger,
        },
        signal,
      );
    };
    await Promise.all([
      setUp(),
      (async () => {
        while (!running) await begun.arm()(signal);
        const domainId = await identity.get();
        const start = await peers.start();
        if (domainId === undefined || start === undefined) throw new Error("the domain runs without a start");
        if (byHand !== undefined && !setsUpPeers) reportByHand();
        logger.info({ domainId }, "The domain runs");
        await runDomain(
          {
            domainId,
            policy: config.domain.onboarding.policy,
            endpoints: sequencersOf(config, start.connection),
            database,
            keys,
            authorized,
            domainStore: await stores.open(domainId),
            authorised,
            published: progress,
            health,
            logger,
            record,
          },
          signal,
        );
      })(),
    ]);
  })().catch((error: unknown) => {
    if (!stopping.signal.aborted) context.fail(error);
  });

  try {
    server = await startGrpcServer({ name: "adminApi", server: config.adminApi, services, logger, metrics, health });
  } catch (error) {
    await close();
    throw error;
  }
  return { adminPort: server.port, close };
}

/** Waits until something is so, looking again whenever the bell was rung. */
async function rungUntil(isSo: () => boolean | Promise<boolean>, bell: Wakeup, signal: AbortSignal): Promise<void> {
  while (true) {
    const rung = bell.arm();
    if (await isSo()) return;
    await rung(signal);
  }
}

/** Where the sequencers are: as the operator said, otherwise as configured. */
function sequencersOf(config: DomainManagerConfig, connection: Buffer | undefined): SequencerEndpoint[] {
  if (connection === undefined) {
    return config.domain.sequencers.map(({ publicApi, publicApiCaFile }) => ({
      url: publicApi,
      ...(publicApiCaFile === undefined ? {} : { tls: { caFile: publicApiCaFile } }),
    }));
  }
  return endpointsOf(connection);
}

function publicPort({ domain: { sequencers } }: DomainManagerConfig): Record<string, number> {
  const first = sequencers[0];
  return first === undefined ? {} : { public: parseServerUrl(first.publicApi).port };
}
