/** The topology stores of a node by id: `Authorized`, and one for every domain it is or was on. */
import type { Database } from "@pulumi-canton/runtime/database.ts";
import { authorizedStoreId } from "./stored-transaction.ts";
import { TopologyStore } from "./topology-store.ts";

/** Opens each store once and keeps it, so that all parts of a node follow one state. */
export class TopologyStores {
  readonly #database: Database;
  readonly #open = new Map<string, Promise<TopologyStore>>();

  /** @param database the node's database, with the migrations of this package applied */
  constructor(database: Database) {
    this.#database = database;
  }

  /** The store of what the node's topology manager has authorised or taken in. */
  authorized(): Promise<TopologyStore> {
    return this.open(authorizedStoreId);
  }

  /**
   * The store with this id; one that does not exist yet is created, empty.
   *
   * @param id `Authorized`, or the id of a domain
   */
  open(id: string): Promise<TopologyStore> {
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    const opening = TopologyStore.open(this.#database, id);
    this.#open.set(id, opening);
    opening.catch(() => this.#open.delete(id));
    return opening;
  }

  /** The ids of all stores there are: the domains in the order in which the node came to know them, then `Authorized`. */
  async ids(): Promise<string[]> {
    const { rows } = await this.#database.read<{ store: string }>("SELECT store FROM topology_stores ORDER BY ordinal");
    const ids = rows.map(({ store }) => store);
    return [...ids.filter((id) => id !== authorizedStoreId), ...ids.filter((id) => id === authorizedStoreId)];
  }
}
