import { type Database, databaseErrorKind, openDatabase } from "@pulumi-canton/runtime/database.ts";
import { type RunningServer, startGrpcServer } from "@pulumi-canton/runtime/grpc-server.ts";
import { contend } from "@pulumi-canton/runtime/leadership.ts";
import type { NodeContext, RunningNode } from "@pulumi-canton/runtime/node.ts";
import { softwareVersion } from "@pulumi-canton/runtime/software-version.ts";
import { loadTls } from "@pulumi-canton/runtime/tls.ts";
import { KeyEncryption } from "@pulumi-canton/topology/key-encryption/key-encryption.ts";
import { NodeIdentity } from "@pulumi-canton/topology/node-identity.ts";
import { apiInfoService } from "@pulumi-canton/topology/services/api-info-service.ts";
import { exposeTopologyQueue } from "@pulumi-canton/topology/topology-queue-metric.ts";
import {
  type ActiveParticipant,
  activateParticipant,
  activeAdminServices,
  activeLedgerServices,
} from "./active-participant.ts";
import type { ParticipantConfig } from "./config.ts";
import { passiveReplica } from "./domain/domain-errors.ts";
import { type Authenticator, authorized, noAuthentication } from "./ledger-api/authorization/authorized.ts";
import { KeySets } from "./ledger-api/authorization/key-sets.ts";
import { tokenAuthenticator } from "./ledger-api/authorization/token-authenticator.ts";
import { IdentityProviderStore } from "./ledger-api/identity-providers/identity-provider-store.ts";
import { ledgerServicesNotBuilt } from "./ledger-api/not-built.ts";
import { UserStore } from "./ledger-api/users/user-store.ts";
import { ledgerIdentityService, versionServices } from "./ledger-api/version.ts";
import { participantMetrics } from "./participant-metrics.ts";
import { lateBound } from "./services/late-bound.ts";
import { participantStatusService, queues, statusService } from "./services/node-status.ts";
import { adminServicesNotBuilt } from "./services/not-built.ts";
import { resourceManagementService } from "./services/resource-management.ts";

/** A participant that runs. */
export interface RunningParticipant extends RunningNode {
  /** Port of the admin API. */
  readonly adminPort: number;
  /** Port of the Ledger API. */
  readonly ledgerPort: number;
}

const HEARTBEAT_MS = 2_000;

/**
 * Starts a participant: resolves when it serves. It is ready (see the health probes) once it leads; until then, and
 * whenever another replica leads, all but the status answers UNAVAILABLE.
 */
export async function startParticipant(config: ParticipantConfig, context: NodeContext): Promise<RunningParticipant> {
  const { logger, health, metrics } = context;
  const { name } = config;
  const startedAt = Date.now();
  const closing = new AbortController();
  const signal = AbortSignal.any([context.signal, closing.signal]);
  const opened: (() => Promise<unknown>)[] = [];
  const closeAll = async () => {
    closing.abort(new Error("the participant is closing"));
    for (const close of opened.splice(0).reverse()) await close();
  };

  try {
    const database = await openDatabase({
      storage: config.storage,
      migrations: [new URL("../topology/migrations/", import.meta.url), new URL("./migrations/", import.meta.url)],
      logger,
      health,
      metrics,
      signal,
      applicationName: name,
    });
    opened.push(() => database.close());
    // Also while passive: a configuration that does not open the keys is told at once.
    const encryption = await KeyEncryption.open({ database, crypto: config.crypto, logger, signal });
    const identity = new NodeIdentity(database);
    let active: ActiveParticipant | undefined;
    const sessions = () => active?.connector.sessions() ?? [];
    const counted = participantMetrics(
      metrics,
      () => active?.connector.wanted() ?? [],
      () => active !== undefined,
      logger,
    );
    exposeTopologyQueue(metrics.registry, () => queues({ sessions }));
    const leading = (): ActiveParticipant => {
      if (active === undefined) throw passiveReplica(name);
      return active;
    };

    const ports: Record<string, number> = {};
    const status = {
      uid: () => identity.get(),
      active: () => active !== undefined,
      startedAt,
      ports: () => ports,
      sessions,
      links: () => active?.connector.states() ?? new Map(),
      waiting: () => active?.initialisation.waiting,
      storageFault: () => {
        const storage = health.component("storage");
        return storage === undefined || storage.state === "ok" ? undefined : storage.why;
      },
      version: softwareVersion,
      diagnostics: context.diagnostics,
    };

    health.register("participant");
    const contention = contend({
      storage: config.storage,
      name: "participant",
      logger,
      signal,
      health,
      heartbeatMs: HEARTBEAT_MS,
      lead: async (term) => {
        try {
          let leads = false;
          const report = (waiting: string | undefined) => {
            if (leads) health.set("participant", waiting === undefined ? "ok" : { waiting });
          };
          const participant = await activateParticipant({
            config,
            database,
            encryption,
            identity,
            metrics: counted,
            logger,
            onWaiting: report,
          });
          try {
            await participant.start();
            active = participant;
            leads = true;
            report(participant.initialisation.waiting);
            await untilEndOf(term.signal);
          } finally {
            leads = false;
            active = undefined;
            health.set("participant", { failed: "passive" });
            await participant.stop();
          }
        } catch (error) {
          // The database went away in between: the leadership is given up and contended for again.
          if (databaseErrorKind(error) !== "connection") throw error;
          logger.warn({ error }, "The participant could not become active");
        }
      },
    });
    contention.catch((error: unknown) => {
      if (!signal.aborted) context.fail(error);
    });
    opened.push(() => contention.catch(() => undefined));
    const serve = async (
      key: "adminApi" | "ledgerApi",
      services: Parameters<typeof startGrpcServer>[0]["services"],
    ): Promise<RunningServer> => {
      const server = await startGrpcServer({ name: key, server: config[key], services, logger, metrics, health });
      opened.push(() => server.close());
      return server;
    };
    const admin = await serve("adminApi", [
      apiInfoService("admin-api"),
      statusService(status),
      participantStatusService(status),
      resourceManagementService(),
      ...lateBound(activeAdminServices, () => leading().adminServices),
      ...adminServicesNotBuilt(),
    ]);
    ports.admin = admin.port;
    const ledger = await serve(
      "ledgerApi",
      authorized(
        [
          apiInfoService("ledger-api"),
          ...versionServices(name),
          ledgerIdentityService(name),
          ...lateBound(activeLedgerServices, () => leading().ledgerServices),
          ...ledgerServicesNotBuilt(),
        ],
        { participant: name, authenticator: authenticatorOf(config, database, identity) },
      ),
    );
    ports.ledger = ledger.port;
    if (config.ledgerApi.auth === undefined) {
      logger.warn(
        { address: config.ledgerApi.address, port: ledger.port },
        "No authentication is configured for the Ledger API (ledgerApi.auth): it serves this machine only (loopback), and lets everybody there do everything",
      );
    }
    logger.info({ adminPort: admin.port, ledgerPort: ledger.port, active: status.active() }, "The participant serves");
    return { adminPort: admin.port, ledgerPort: ledger.port, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Who the callers of the Ledger API are. */
function authenticatorOf(
  { name, ledgerApi }: ParticipantConfig,
  database: Database,
  identity: NodeIdentity,
): Authenticator {
  const { auth, clockLeeway } = ledgerApi;
  if (auth === undefined) return noAuthentication;
  return tokenAuthenticator({
    participant: name,
    participantUid: () => identity.get(),
    sources: auth.map(({ caFile, ...source }, index) => ({
      ...source,
      ca: loadTls(`ledgerApi.auth[${index}]`, { caFile }).ca,
    })),
    providers: new IdentityProviderStore(database),
    users: new UserStore(database),
    keySets: new KeySets(),
    clockLeewayMs: clockLeeway,
  });
}

/** Resolves when the signal aborts. */
function untilEndOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
