/** For tests: the topology side of a node on a database of its own. */

import { type Database, openDatabase } from "@pulumi-canton/runtime/database.ts";
import type { GrpcService } from "@pulumi-canton/runtime/grpc-server.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import pino from "pino";
import {
  autoInitialise,
  domainManagerInitialisation,
  type InitialisedMember,
  participantInitialisation,
} from "../auto-initialisation.ts";
import { KeyStore } from "../key-store.ts";
import { NodeIdentity } from "../node-identity.ts";
import { apiInfoService } from "../services/api-info-service.ts";
import { initializationService } from "../services/initialization-service.ts";
import { topologyAggregationService } from "../services/topology-aggregation-service.ts";
import { topologyManagerReadService } from "../services/topology-manager-read-service.ts";
import { topologyManagerWriteService } from "../services/topology-manager-write-service.ts";
import { vaultService } from "../services/vault-service.ts";
import { TopologyManager } from "../topology-manager.ts";
import { TopologyStores } from "../topology-stores.ts";

/** The migrations of this package. */
export const topologyMigrations = new URL("../migrations/", import.meta.url);

/** A logger that keeps quiet. */
export const quiet: Logger = pino({ level: "silent" });

/** Opens a test database with the tables of this package. */
export function openTopologyDatabase(testDatabase: TestDatabase): Promise<Database> {
  return openDatabase({ storage: testDatabase.storage, migrations: topologyMigrations, logger: quiet });
}

/** The topology side of a node. */
export interface TestNode extends AsyncDisposable {
  readonly name: string;
  readonly testDatabase: TestDatabase;
  readonly database: Database;
  readonly keys: KeyStore;
  readonly stores: TopologyStores;
  readonly identity: NodeIdentity;
  readonly manager: TopologyManager;
  /** All services of this package. */
  readonly services: readonly GrpcService[];
  /** Initialises the node by itself. */
  initialise(member: InitialisedMember): Promise<string>;
}

const labels = { participant: "participant", domain: "domain" } as const;

/** Starts the topology side of a node that is not initialised yet. */
export async function startTestNode(name: string, kind: keyof typeof labels = "participant"): Promise<TestNode> {
  const testDatabase = await createTestDatabase();
  const database = await openTopologyDatabase(testDatabase);
  const node = { [labels[kind]]: name };
  const keys = new KeyStore(database);
  const stores = new TopologyStores(database);
  const identity = new NodeIdentity(database);
  const manager = new TopologyManager({ store: await stores.authorized(), keys, node });
  return {
    name,
    testDatabase,
    database,
    keys,
    stores,
    identity,
    manager,
    services: [
      initializationService({ identity, instance: name }),
      vaultService({ keys, stores }),
      topologyManagerReadService({ stores, node }),
      topologyManagerWriteService({ manager, keys, node }),
      topologyAggregationService({ stores, node }),
      apiInfoService("admin-api"),
    ],
    initialise: (member) =>
      autoInitialise({ name, nodeIdentifier: { type: "config" }, member, identity, keys, manager, logger: quiet }),
    [Symbol.asyncDispose]: async () => {
      await database.close();
      await testDatabase.drop();
    },
  };
}

/** A participant that initialised itself. */
export async function startTestParticipant(name: string): Promise<TestNode & { uid: string }> {
  const node = await startTestNode(name, "participant");
  return Object.assign(node, { uid: await node.initialise(participantInitialisation) });
}

/** A domain manager that initialised itself. */
export async function startTestDomainManager(name: string): Promise<TestNode & { uid: string }> {
  const node = await startTestNode(name, "domain");
  return Object.assign(node, { uid: await node.initialise(domainManagerInitialisation) });
}
