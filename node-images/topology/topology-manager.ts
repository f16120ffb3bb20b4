/**
 * The topology manager of a node: signs topology transactions with the node's keys, takes in those that others signed, and
 * keeps both in the store `Authorized`.
 */
import type { PublicKey, SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { type Fingerprint, shortenFingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { TopologyChangeOp } from "@pulumi-canton/protocol/topology/change.ts";
import { decide, type Rejection } from "@pulumi-canton/protocol/topology/decide.ts";
import { describeMapping, mappingKey, type TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import {
  addition,
  removal,
  type SignedTopologyTransaction,
  signTransactionWith,
  type TopologyTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { failedPrecondition } from "@pulumi-canton/runtime/errors.ts";
import type pg from "pg";
import type { KeyStore } from "./key-store.ts";
import { signingKeyCandidates } from "./signing-key-choice.ts";
import type { TransactionToAppend } from "./stored-transaction.ts";
import {
  incompatibleOperation,
  increaseOfLedgerTimeRecordTimeTolerance,
  type NodeLabel,
  noAppropriateSigningKey,
  publicKeyNotInStore,
  rejectionError,
  secretKeyNotInStore,
} from "./topology-errors.ts";
import type { StoreListener, TopologyStore } from "./topology-store.ts";

/** Work that is committed together with what the manager writes, or not at all. Runs before; may run again after a retry. */
export type Alongside = (client: pg.PoolClient) => Promise<void>;

/** How to authorise. */
export interface AuthorizeOptions {
  /** The key to sign with. Default: one that the node holds and that may, see {@link signingKeyCandidates}. */
  signedBy?: Fingerprint | undefined;
  /** For an addition: also remove what says something else about the same thing. Default: false. */
  replaceExisting?: boolean | undefined;
  /** Accept what leaves a member without a key, or transactions without an authorised signer. Default: false. */
  force?: boolean | undefined;
  alongside?: Alongside | undefined;
}

/** How to add transactions that are signed already. */
export interface AddOptions {
  /** As in {@link AuthorizeOptions}. Default: false. */
  force?: boolean | undefined;
  alongside?: Alongside | undefined;
}

/** What became of one transaction that was to be added. */
export type AddOutcome = { readonly accepted: true } | Rejection;

/**
 * A check of the node's own, asked before a transaction is taken in; throws CantonError to refuse.
 *
 * @param state the state before the transaction
 */
export type TopologyCheck = (
  transaction: TopologyTransaction,
  context: { state: TopologyState; force: boolean },
) => void | Promise<void>;

/** What a {@link TopologyManager} needs. */
export interface TopologyManagerOptions {
  /** The store `Authorized`. */
  store: TopologyStore;
  keys: KeyStore;
  /** Put into the metadata of errors. */
  node: NodeLabel;
  /** The domain whose manager this is: what is about other domains is refused. Default: any domain. */
  domainId?: UniqueIdentifier | undefined;
  check?: TopologyCheck | undefined;
}

/** Signs and takes in topology transactions. One at a time; a refused one leaves nothing behind. */
export class TopologyManager {
  /** The store `Authorized`. */
  readonly store: TopologyStore;
  readonly #options: TopologyManagerOptions;

  constructor(options: TopologyManagerOptions) {
    this.store = options.store;
    this.#options = options;
  }

  /** The state of what has been authorised. */
  get state(): TopologyState {
    return this.store.state;
  }

  /**
   * Signs a transaction and adds it.
   *
   * @param operation `Add` or `Remove`; for domain parameters `Replace`. A removal names no element id: it removes what is in
   *   force with exactly this mapping.
   * @returns the transaction, once it is committed
   * @throws ProtocolError when the mapping is not well formed
   * @throws CantonError NO_APPROPRIATE_SIGNING_KEY_IN_STORE, PUBLIC_KEY_NOT_IN_STORE, SECRET_KEY_NOT_IN_STORE,
   *   NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE, TOPOLOGY_MAPPING_ALREADY_EXISTS, REMOVING_LAST_KEY_MUST_BE_FORCED, … : nothing
   *   was changed
   */
  async authorize(
    mapping: TopologyMapping,
    operation: TopologyChangeOp,
    options: AuthorizeOptions = {},
  ): Promise<SignedTopologyTransaction> {
    const { result } = await this.store.update(async (state, client) => {
      const signed = await this.#sign(state, this.#build(state, mapping, operation), options.signedBy);
      const transactions = [signed];
      if (options.replaceExisting === true && operation === "Add") {
        for (const replaced of differingFrom(state, mapping)) {
          transactions.push(await this.#sign(state, removal(replaced.transaction), undefined));
        }
      }
      const next = await this.#addTo(state, transactions, options.force ?? false);
      if (options.force !== true) await this.#checkLockout(state, next, signed.transaction);
      await options.alongside?.(client);
      return { append: transactions.map(toAppend), state: next, result: signed };
    });
    return result;
  }

  /**
   * Adds a transaction that is signed already, by whomever.
   *
   * @throws CantonError when it is refused
   */
  async add(signed: SignedTopologyTransaction, options: AddOptions = {}): Promise<void> {
    await this.store.update(async (state, client) => {
      const next = await this.#addTo(state, [signed], options.force ?? false);
      await options.alongside?.(client);
      return { append: [toAppend(signed)], state: next, result: undefined };
    });
  }

  /**
   * Adds what can be added of a list of signed transactions, each decided on the state after those before it.
   *
   * The node's own {@link TopologyCheck} is not asked: it throws, and here every transaction gets its outcome.
   *
   * @returns an outcome for every transaction, in the same order, once those accepted are committed
   */
  async addAll(transactions: readonly SignedTopologyTransaction[], options: AddOptions = {}): Promise<AddOutcome[]> {
    const { result } = await this.store.update<AddOutcome[]>(async (before, client) => {
      let state = before;
      const append: TransactionToAppend[] = [];
      const outcomes = transactions.map((signed): AddOutcome => {
        const decision = decide(state, signed, this.#decideOptions(options.force ?? false));
        if (!decision.accepted) return decision;
        state = decision.state;
        append.push(toAppend(signed));
        return { accepted: true };
      });
      await options.alongside?.(client);
      return { append, state, result: outcomes };
    });
    return result;
  }

  /**
   * Tells a listener of every transaction that was added, once it is committed.
   *
   * @returns ends that
   */
  onAdded(listener: StoreListener): () => void {
    return this.store.onCommitted(listener);
  }

  #decideOptions(force: boolean) {
    const { domainId } = this.#options;
    return { force, ...(domainId === undefined ? {} : { domainId }) };
  }

  #build(state: TopologyState, mapping: TopologyMapping, operation: TopologyChangeOp): TopologyTransaction {
    if ((operation === "Replace") !== (mapping.kind === "DomainParametersChange")) {
      throw incompatibleOperation(operation, mapping.kind, this.#options.node);
    }
    const added = addition(mapping);
    if (operation !== "Remove") return added;
    const inForce = state.withMapping(mapping)[0];
    if (inForce !== undefined) return removal(inForce.transaction);
    throw failedPrecondition(
      "NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE",
      "There is no active topology transaction matching the mapping of the revocation request",
      { metadata: { ...this.#options.node, mapping: describeMapping(mapping) } },
    );
  }

  async #sign(
    state: TopologyState,
    transaction: TopologyTransaction,
    signedBy: Fingerprint | undefined,
  ): Promise<SignedTopologyTransaction> {
    const { keys, node } = this.#options;
    const fingerprint = signedBy ?? (await this.#chooseKey(state, transaction.mapping));
    const known = await keys.find(fingerprint);
    const publicKey = signingKey(known?.publicKey);
    if (known === undefined || publicKey === undefined) throw publicKeyNotInStore(fingerprint, node);
    if (!known.held) throw secretKeyNotInStore(fingerprint, node);
    return signTransactionWith(transaction, {
      publicKey,
      sign: (content) => keys.sign(fingerprint, "topology-transaction", content),
    });
  }

  async #chooseKey(state: TopologyState, mapping: TopologyMapping): Promise<Fingerprint> {
    const candidates = signingKeyCandidates(state, mapping);
    const held = await this.#options.keys.heldSigningKeys(candidates);
    const chosen = held.at(-1);
    if (chosen === undefined) throw noAppropriateSigningKey(candidates, this.#options.node);
    return chosen;
  }

  /** The state after all of the transactions. @throws CantonError when one is refused */
  async #addTo(
    before: TopologyState,
    transactions: readonly SignedTopologyTransaction[],
    force: boolean,
  ): Promise<TopologyState> {
    let state = before;
    for (const signed of transactions) {
      const decision = decide(state, signed, this.#decideOptions(force));
      if (!decision.accepted) throw rejectionError(decision, this.#options.node);
      this.#checkTolerance(state, signed.transaction, force);
      await this.#options.check?.(signed.transaction, { state, force });
      state = decision.state;
    }
    return state;
  }

  /** Whether the node takes from itself the last key with which it could act for a namespace: it has to be asked for. */
  async #checkLockout(before: TopologyState, after: TopologyState, { operation, mapping }: TopologyTransaction) {
    if (operation !== "Remove" || mapping.kind !== "NamespaceDelegation") return;
    const { namespace } = mapping;
    const held = async (state: TopologyState) => {
      const effective = state.effectiveNamespaceDelegations(namespace).map(({ transaction }) => transaction.mapping);
      const keys = effective.flatMap((each) => (each.kind === "NamespaceDelegation" ? [each.targetKey.id] : []));
      return (await this.#options.keys.heldSigningKeys([...new Set(keys)])).length;
    };
    if ((await held(before)) === 0 || (await held(after)) > 0) return;
    throw failedPrecondition(
      "REMOVING_KEY_DANGLING_TRANSACTIONS_MUST_BE_FORCED",
      `Topology transaction would leave this node without any key for the namespace ${namespace}. Delegate it to another key of the node first, or set force_change`,
      { metadata: { ...this.#options.node, key: shortenFingerprint(mapping.targetKey.id) } },
    );
  }

  /** While the tolerance grows, transactions that were too early may become acceptable in two orders: it has to be asked for. */
  #checkTolerance(state: TopologyState, { mapping }: TopologyTransaction, force: boolean): void {
    if (force || mapping.kind !== "DomainParametersChange") return;
    const present = state.domainParameters(mapping.domain)?.ledgerTimeRecordTimeTolerance;
    const requested = mapping.parameters.ledgerTimeRecordTimeTolerance;
    if (present === undefined || requested <= present) return;
    throw increaseOfLedgerTimeRecordTimeTolerance(seconds(present), seconds(requested), this.#options.node);
  }
}

function toAppend(signed: SignedTopologyTransaction): TransactionToAppend {
  return { signed };
}

function signingKey(key: PublicKey | undefined): SigningPublicKey | undefined {
  return key?.purpose === "signing" ? key.key : undefined;
}

/** What is in force about the same thing as a mapping, and says something else of it. */
function differingFrom(state: TopologyState, mapping: TopologyMapping): SignedTopologyTransaction[] {
  const same = mappingKey(mapping);
  return state.inSlotOf(mapping).filter((tx) => mappingKey(tx.transaction.mapping) !== same);
}

function seconds(micros: bigint): string {
  return `${Number(micros) / 1e6}s`;
}
