/**
 * A mediator: from its configuration to a node that serves.
 *
 * It takes part in its domain as MED::, follows the topology and acknowledges. The confirmation of transactions is not
 * built: requests that are sent to a mediator are not answered, and the node says so when it starts.
 */

import { PROTOCOL_VERSION } from "@pulumi-canton/protocol/domain-parameters.ts";
import { EnterpriseMediatorAdministrationServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/enterprise_mediator_administration_service.ts";
import { EnterpriseSequencerConnectionServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/enterprise_sequencer_connection_service.ts";
import { InitializationServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { TopologyManagerWriteServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { openDatabase } from "@pulumi-canton/runtime/database.ts";
import { unavailable } from "@pulumi-canton/runtime/errors.ts";
import { implement, notBuilt, type RunningServer, startGrpcServer } from "@pulumi-canton/runtime/grpc-server.ts";
import { contend } from "@pulumi-canton/runtime/leadership.ts";
import type { NodeContext, RunningNode } from "@pulumi-canton/runtime/node.ts";
import { softwareVersion } from "@pulumi-canton/runtime/software-version.ts";
import { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import { apiInfoService } from "@pulumi-canton/topology/services/api-info-service.ts";
import { topologyAggregationService } from "@pulumi-canton/topology/services/topology-aggregation-service.ts";
import { topologyManagerReadService } from "@pulumi-canton/topology/services/topology-manager-read-service.ts";
import { vaultService } from "@pulumi-canton/topology/services/vault-service.ts";
import { TopologyStores } from "@pulumi-canton/topology/topology-stores.ts";
import { stepRecorder } from "@pulumi-canton/topology/transaction-steps.ts";
import type { MediatorConfig } from "./config.ts";
import { followDomain } from "./domain/follow-domain.ts";
import { MediatorDomainStore } from "./domain/mediator-domain.ts";
import { mediatorInitializationService } from "./services/mediator-initialization-service.ts";
import { statusServices } from "./services/status-services.ts";

/** A mediator that serves. */
export interface RunningMediator extends RunningNode {
  /** Port of the admin API; differs from the configured one when that is 0. */
  readonly adminPort: number;
}

/**
 * Starts a mediator. Of several that share a database one is active; the others answer their status and take over when it
 * is gone.
 *
 * @throws ConfigError, PortInUseError
 */
export async function startMediator(config: MediatorConfig, context: NodeContext): Promise<RunningMediator> {
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
  const node = { mediator: config.name };
  const keys = await KeyStore.open({ database, crypto: config.crypto, logger, signal: context.signal });
  const stores = new TopologyStores(database);
  const record = stepRecorder(logger, metrics.registry);
  const domains = new MediatorDomainStore(database);
  let active = false;
  /** Ends what follows the domain, so that it begins anew with what was stored. */
  let restart = new AbortController();

  const services = [
    apiInfoService("admin-api"),
    implement(InitializationServiceService, {
      // A mediator has the identity of its domain, which it is told with MediatorInitializationService.
      getId: async () => {
        const domain = await domains.get();
        return { initialized: domain !== undefined, uniqueIdentifier: domain?.domainId ?? "", instance: config.name };
      },
      currentTime: async () => timestampToProto(BigInt(Date.now()) * 1000n),
    }),
    vaultService({ keys, stores }),
    topologyManagerReadService({ stores, node }),
    topologyAggregationService({ stores, node }),
    mediatorInitializationService({
      name: config.name,
      auto: config.init.auto,
      keys,
      domains,
      requireActive: () => {
        if (active) return;
        const message = "this mediator is passive: another process with the same database is active, or about to be";
        throw unavailable("PASSIVE_REPLICA", message);
      },
      onInitialised: () => restart.abort(new Error("the mediator was initialised")),
    }),
    ...statusServices({
      domainId: async () => (await domains.get())?.domainId,
      ports: () => ({ admin: server?.port ?? config.adminApi.port }),
      components: () => health.components(),
      active: () => active,
      protocolVersion: PROTOCOL_VERSION,
      version: softwareVersion,
      diagnostics: context.diagnostics,
    }),
    // The domain's topology is the domain manager's to write.
    notBuilt(TopologyManagerWriteServiceService),
    notBuilt(EnterpriseMediatorAdministrationServiceService),
    notBuilt(EnterpriseSequencerConnectionServiceService),
  ];

  const stopping = new AbortController();
  let server: RunningServer | undefined;
  logger.info("Confirmation of transactions is not built: this mediator follows the topology of its domain only");
  const work = contend({
    storage: config.storage,
    name: "mediator",
    logger,
    signal: stopping.signal,
    health,
    lead: async (term) => {
      active = true;
      try {
        while (!term.signal.aborted) {
          restart = new AbortController();
          const until = AbortSignal.any([term.signal, restart.signal]);
          const domain = await domains.get();
          if (domain === undefined) {
            const ownKey = config.init.auto
              ? ""
              : ", once its signing key was made here (VaultService.GenerateSigningKey)";
            const step = `MediatorInitializationService.Initialize, called by the domain manager${ownKey}`;
            health.set("sequencer-client", { degraded: `waiting for initialisation: next step: ${step}` });
            await aborted(until);
            continue;
          }
          await followDomain({ domain, database, keys, stores, health, logger, record, term }, until).catch((error) => {
            if (!until.aborted) throw error;
          });
        }
      } finally {
        active = false;
        health.remove("sequencer-client");
      }
    },
  }).catch((error: unknown) => {
    if (!stopping.signal.aborted) context.fail(error);
  });
  const close = async () => {
    stopping.abort(new Error("the node stops"));
    await server?.close();
    await work;
    await database.close();
  };
  try {
    server = await startGrpcServer({ name: "adminApi", server: config.adminApi, services, logger, metrics, health });
  } catch (error) {
    await close();
    throw error;
  }
  return { adminPort: server.port, close };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
