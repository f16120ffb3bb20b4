/** A running domain that thousands of parties have been on for long: real nodes, their stores filled while they are down. */
import { idle, setState } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { TestDomain } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import type { StorageConfig } from "@pulumi-canton/runtime/config.ts";
import { type Database, openDatabase } from "@pulumi-canton/runtime/database.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { authorizedStoreId } from "@pulumi-canton/topology/stored-transaction.ts";
import { TopologyStore } from "@pulumi-canton/topology/topology-store.ts";
import { type Population, population } from "./population.ts";

/** A domain with its operator's address. */
export interface PopulatedDomain extends AsyncDisposable {
  readonly domainId: string;
  readonly adminPort: number;
  /** The sequencers' public APIs. */
  readonly urls: readonly string[];
  readonly population: Population;
  /** A database for a node that joins; ends with the domain. */
  database(): ReturnType<TestDomain["database"]>;
}

/** One sequencer, one mediator and the manager, in this process. */
export async function populatedDomain(
  postgresUrl: string,
  size: { readonly participants: number; readonly parties: number },
): Promise<PopulatedDomain> {
  const nodes = new TestDomain(postgresUrl);
  try {
    const [sequencer, mediator] = [await nodes.sequencer("sequencer1"), await nodes.mediator("mediator1")];
    const manager = await nodes.manager({ sequencers: [sequencer], mediators: [mediator] });
    const domainId = (await idle(manager.adminPort)).commonStatus?.uid ?? "";
    const populated = population(domainId, size);
    // The domain's side of each participant is signed by its manager. Nobody is active yet, so nobody is told.
    for (const participant of populated.participants) await setState(manager.adminPort, domainId, participant);
    await idle(manager.adminPort);
    for (const node of [manager, mediator, sequencer]) await node.close();

    await fill(manager.database.storage, [authorizedStoreId, domainId], populated, (database) =>
      database.query(
        `UPDATE domain_manager_domain
         SET dispatched = (SELECT last_position FROM topology_stores WHERE store = '${authorizedStoreId}')`,
      ),
    );
    for (const { database } of [sequencer, mediator]) await fill(database.storage, [domainId], populated);

    const { name, database, adminPort, publicPort } = sequencer;
    await nodes.sequencer(name, { database, adminPort, publicPort });
    await nodes.mediator(mediator.name, mediator);
    const again = await nodes.manager({
      sequencers: [sequencer],
      mediators: [mediator],
      database: manager.database,
    });
    await idle(again.adminPort);
    return {
      domainId,
      adminPort: again.adminPort,
      urls: [`http://127.0.0.1:${publicPort}`],
      population: populated,
      database: () => nodes.database(),
      [Symbol.asyncDispose]: () => nodes[Symbol.asyncDispose](),
    };
  } catch (error) {
    await nodes[Symbol.asyncDispose]();
    throw error;
  }
}

/** Appends the population to stores of a node that is down. */
async function fill(
  storage: StorageConfig,
  stores: readonly string[],
  { transactions }: Population,
  alongside?: (database: Database) => Promise<unknown>,
): Promise<void> {
  const database = await openDatabase({ storage, migrations: [], logger: silentLogger });
  try {
    for (const id of stores) {
      const store = await TopologyStore.open(database, id);
      for (let from = 0; from < transactions.length; from += 1_000) {
        const page = transactions.slice(from, from + 1_000);
        await store.update((state) => ({
          append: page.map((signed) => ({ signed })),
          state: page.reduce((before, signed) => before.apply(signed), state),
          result: undefined,
        }));
      }
    }
    await alongside?.(database);
    // As PostgreSQL does by itself within a minute: this store did not grow over years.
    await database.query("ANALYZE");
  } finally {
    await database.close();
  }
}
