/** A sequencer: from its configuration to a node that serves. */

import type { StaticDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import type { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import { openDatabase } from "@pulumi-canton/runtime/database.ts";
import { failedPrecondition, unavailable } from "@pulumi-canton/runtime/errors.ts";
import { type RunningServer, startGrpcServer } from "@pulumi-canton/runtime/grpc-server.ts";
import type { NodeContext, RunningNode } from "@pulumi-canton/runtime/node.ts";
import { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import { NodeIdentity } from "@pulumi-canton/topology/node-identity.ts";
import { apiInfoService } from "@pulumi-canton/topology/services/api-info-service.ts";
import { initializationService } from "@pulumi-canton/topology/services/initialization-service.ts";
import { topologyAggregationService } from "@pulumi-canton/topology/services/topology-aggregation-service.ts";
import { topologyManagerReadService } from "@pulumi-canton/topology/services/topology-manager-read-service.ts";
import { vaultService } from "@pulumi-canton/topology/services/vault-service.ts";
import { TopologyStores } from "@pulumi-canton/topology/topology-stores.ts";
import { stepRecorder } from "@pulumi-canton/topology/transaction-steps.ts";
import { administrationServices } from "./admin/administration-services.ts";
import { initializationServices } from "./admin/initialization-services.ts";
import { statusServices } from "./admin/status-services.ts";
import { publicServices } from "./api/public-services.ts";
import { sequencerApiService } from "./api/sequencer-service.ts";
import { readTermsOfService } from "./api/terms-of-service.ts";
import { readBackendDomain } from "./backend/backend-domain.ts";
import { type BackendTuning, openBackend } from "./backend/open-backend.ts";
import type { SequencerConfig } from "./config.ts";
import { DomainTopology } from "./domain/domain-topology.ts";
import { type Initialization, initialise, readInitialization } from "./domain/initialization.ts";
import { sequencerMetrics } from "./sequencer-metrics.ts";
import { type ServingSequencer, startServing } from "./serving-sequencer.ts";

/** Bytes of a gRPC message around a batch of the largest size: signature, ids, and the wrappers. */
const messageOverhead = 64 * 1024;

/** A sequencer that serves. */
export interface RunningSequencer extends RunningNode {
  /** Ports of the APIs; differ from the configured ones when those are 0. */
  readonly adminPort: number;
  readonly publicPort: number;
}

/** What of a node's context a sequencer needs. */
export type SequencerContext = Pick<NodeContext, "logger" | "health" | "metrics" | "diagnostics" | "signal">;

/**
 * Starts a sequencer. Until the domain manager has initialised it, its public API answers UNAVAILABLE.
 *
 * @param tuning limits of the backend's writer and reader: for tests and benchmarks
 * @throws ConfigError, PortInUseError
 */
export async function startSequencer(
  config: SequencerConfig,
  context: SequencerContext,
  tuning: BackendTuning = {},
): Promise<RunningSequencer> {
  const { logger, health, metrics, signal } = context;
  const terms = await readTermsOfService(config);
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const database = await openDatabase({
      storage: config.storage,
      migrations: [new URL("../topology/migrations/", import.meta.url), new URL("./migrations/", import.meta.url)],
      logger,
      signal,
      health,
      metrics,
      applicationName: config.name,
    });
    closers.push(() => database.close());
    let serving: ServingSequencer | undefined;
    const onBatch = sequencerMetrics(metrics, {
      queued: () => backend.writer.queued,
      connected: () => serving?.subscriptions.connected().length ?? 0,
    });
    const backend = await openBackend({
      storage: config.backend,
      logger,
      health,
      metrics,
      signal,
      ...tuning,
      writer: { onBatch, ...tuning.writer },
    });
    closers.push(() => backend.close());

    const keys = await KeyStore.open({ database, crypto: config.crypto, logger, signal });
    const identity = new NodeIdentity(database);
    const stores = new TopologyStores(database);
    const record = stepRecorder(logger, metrics.registry);
    const node = { domain: config.name };

    let topology: DomainTopology | undefined;
    const topologyOf = async ({ domainId }: Initialization): Promise<DomainTopology> => {
      topology ??= await DomainTopology.open({ database, stores, domainId, logger, record });
      return topology;
    };
    const serve = async (initialization: Initialization): Promise<void> => {
      const following = await topologyOf(initialization);
      if (serving !== undefined) return;
      if (!following.bootstrapped) {
        waitsFor("TopologyBootstrapService.Bootstrap, called by the domain manager");
        return;
      }
      const domain = await readBackendDomain(backend.database);
      if (domain?.domainId !== initialization.domainId) {
        throw failedPrecondition(
          "SEQUENCER_OF_OTHER_DOMAIN",
          `this sequencer was initialised for ${initialization.domainId}, but its backend belongs to ${domain?.domainId ?? "no domain"}; check backend.host, backend.port and backend.database`,
        );
      }
      const { staticParameters } = domain;
      serving = await startServing({
        config,
        initialization,
        staticParameters,
        terms,
        topology: following,
        backend,
        keys,
        signal,
      });
      closers.push(async () => serving?.stop());
      logger.info({ domainId: domain.domainId, sequencer: serving.sequencerId }, "Serving the domain");
      health.set("sequencer", "ok");
    };

    // One after the other: the domain manager may call again while an earlier call still works.
    let turn: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
      const result = turn.then(run);
      turn = result.catch(() => undefined);
      return result;
    };
    const initializer = {
      initialise: (domainId: string, parameters: StaticDomainParameters) =>
        inTurn(async () => {
          const result = await initialise(
            { name: config.name, auto: config.init.auto, database, backend, keys, identity },
            domainId,
            parameters,
          );
          await serve(result.initialization);
          return result;
        }),
      bootstrap: (snapshot: TopologyTransactions) =>
        inTurn(async () => {
          const initialization = await readInitialization(database);
          if (initialization === undefined) {
            throw failedPrecondition("SEQUENCER_NOT_INITIALIZED", "initialise the sequencer before its topology");
          }
          await (await topologyOf(initialization)).bootstrap(snapshot);
          await serve(initialization);
        }),
    };

    // Degraded, not failed: the domain manager, which initialises it, must be able to reach it.
    const waitsFor = (step: string) =>
      health.set("sequencer", { degraded: `waiting for initialisation: next step: ${step}` });
    const ownKey = config.init.auto ? "" : ", once its signing key was made here (VaultService.GenerateSigningKey)";
    waitsFor(`SequencerInitializationService.InitV1, called by the domain manager${ownKey}`);
    const initialization = await readInitialization(database);
    if (initialization !== undefined) await inTurn(() => serve(initialization));

    const servingOrRefuse = (): ServingSequencer => {
      if (serving !== undefined) return serving;
      throw unavailable(
        "SEQUENCER_NOT_INITIALIZED",
        "the sequencer was not initialised by its domain manager yet; try again later",
      );
    };
    let publicServer: RunningServer | undefined;
    let adminServer: RunningServer | undefined;
    const ports = () => ({
      public: publicServer?.port ?? config.publicApi.port,
      admin: adminServer?.port ?? config.adminApi.port,
    });
    publicServer = await startGrpcServer({
      name: "publicApi",
      server: config.publicApi,
      services: [sequencerApiService(servingOrRefuse), ...publicServices(servingOrRefuse)],
      logger,
      metrics,
      health,
      maxInboundMessageSize: 10 * 1024 * 1024 + messageOverhead,
    });
    closers.push(() => (publicServer as RunningServer).close());
    adminServer = await startGrpcServer({
      name: "adminApi",
      server: config.adminApi,
      services: [
        apiInfoService("admin-api"),
        initializationService({ identity, instance: config.name }),
        vaultService({ keys, stores }),
        topologyManagerReadService({ stores, node }),
        topologyAggregationService({ stores, node }),
        ...initializationServices(initializer),
        ...administrationServices(backend),
        ...statusServices({ serving: () => serving, ports, health, diagnostics: context.diagnostics }),
      ],
      logger,
      metrics,
      health,
    });
    closers.push(() => (adminServer as RunningServer).close());
    return { adminPort: adminServer.port, publicPort: publicServer.port, close };
  } catch (error) {
    await close();
    throw error;
  }
}
