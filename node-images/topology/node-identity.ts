/** The identity of a node, kept in its database: set once, for ever. */
import { checkUniqueIdentifier, type UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";

/** The node has another identity already. */
export class AlreadyInitialisedError extends Error {
  override readonly name = "AlreadyInitialisedError";
  /** The identity it has. */
  readonly uid: UniqueIdentifier;

  constructor(uid: UniqueIdentifier) {
    super(`the node is already initialised as ${uid}`);
    this.uid = uid;
  }
}

/** Reads and sets the unique identifier of a node. */
export class NodeIdentity {
  readonly #database: Database;
  #known: UniqueIdentifier | undefined;

  /** @param database the node's database, with the migrations of this package applied */
  constructor(database: Database) {
    this.#database = database;
  }

  /** `identifier::fingerprint`, or undefined before the node is initialised. */
  async get(): Promise<UniqueIdentifier | undefined> {
    if (this.#known === undefined) {
      const { rows } = await this.#database.read<{ unique_identifier: string }>(
        "SELECT unique_identifier FROM topology_node_identity",
      );
      this.#known = rows[0]?.unique_identifier;
    }
    return this.#known;
  }

  /**
   * Gives the node its identity.
   *
   * @throws ProtocolError when it is no unique identifier
   * @throws AlreadyInitialisedError when the node has one, were it the same
   */
  async set(uid: UniqueIdentifier): Promise<void> {
    checkUniqueIdentifier(uid);
    const { rowCount } = await this.#database.query(
      "INSERT INTO topology_node_identity (unique_identifier) VALUES ($1) ON CONFLICT DO NOTHING",
      [uid],
    );
    const known = (await this.get()) ?? uid;
    if (rowCount === 0) throw new AlreadyInitialisedError(known);
  }
}
