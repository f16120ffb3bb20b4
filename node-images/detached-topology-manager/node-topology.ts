/** Topology transactions out of a node and into a node, through its admin API. */
import { encodePublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import {
  ListAllRequest,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import type { Fingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import { memberUid } from "@pulumi-canton/protocol/identity/member.ts";
import { identifierOf, namespaceOf } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { decide } from "@pulumi-canton/protocol/topology/decide.ts";
import { namespacesOf } from "@pulumi-canton/protocol/topology/mapping.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import {
  decodeSignedTransaction,
  encodeSignedTransaction,
  type SignedTopologyTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { failedPrecondition, isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { type ClientTarget, call, withClient } from "@pulumi-canton/runtime/grpc-client.ts";
import type { SignedTransactionsFile } from "./signed-transactions-file.ts";

/** Deadline of each call, in milliseconds, and what aborts all of them. */
export interface NodeCallOptions {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** What became of one transaction of an import. */
export type ImportOutcome =
  | { readonly outcome: "added" }
  /** The node had it, or had the same mapping authorised by the same key. */
  | { readonly outcome: "known" }
  | { readonly outcome: "refused"; readonly reason: string; readonly message: string };

/** The transactions in force in a topology store of a node, oldest first. */
export async function authorizedTransactions(
  admin: ClientTarget,
  options: NodeCallOptions,
  store = "Authorized",
): Promise<SignedTopologyTransaction[]> {
  const request = ListAllRequest.fromPartial({
    baseQuery: { filterStore: store, useStateStore: true, timeQuery: { $case: "headState", value: {} } },
  });
  const { result } = await withClient(TopologyManagerReadServiceClient, admin, (client) =>
    call(client, "listAll", request, options),
  );
  return (result?.items ?? []).map(({ transaction }) => decodeSignedTransaction(transaction));
}

/**
 * What a node has authorised, to be taken to another.
 *
 * @param options.store default: `Authorized`; the id of a domain: what is in force on it, as the node sees it
 * @param options.namespace only what is about this namespace; default: everything
 */
export async function exportTopology(
  admin: ClientTarget,
  options: NodeCallOptions & { readonly namespace?: Fingerprint | undefined; readonly store?: string | undefined },
): Promise<SignedTransactionsFile> {
  const { namespace, store, ...callOptions } = options;
  const all = await authorizedTransactions(admin, callOptions, store);
  const fits = ({ transaction }: SignedTopologyTransaction) =>
    namespace === undefined || namespacesOf(transaction.mapping).includes(namespace);
  return { transactions: all.filter(fits) };
}

/**
 * Adds the transactions of a file to a node, in order. What the node has already stays; a refused one does not keep those
 * after it from being tried. May be repeated.
 *
 * Every transaction is decided upon here too, on what the node has: the node tells forgers, and so everybody, little.
 *
 * @returns an outcome for each, in the order of the file
 * @throws CantonError when the node cannot be reached
 */
export async function importTopology(
  admin: ClientTarget,
  { transactions }: Pick<SignedTransactionsFile, "transactions">,
  options: NodeCallOptions,
): Promise<ImportOutcome[]> {
  let state = TopologyState.replay(await authorizedTransactions(admin, options));
  const outcomes: ImportOutcome[] = [];
  await withClient(TopologyManagerWriteServiceClient, admin, async (client) => {
    for (const signed of transactions) {
      // What an earlier refusal is the cause of would be told by the node as a security alert only.
      const decision = decide(state, signed, { force: true });
      if (!decision.accepted && decision.reason === "UNAUTHORIZED_TOPOLOGY_TRANSACTION") {
        outcomes.push({ outcome: "refused", reason: decision.reason, message: decision.message });
        continue;
      }
      const outcome = await add(client, signed, options);
      if (outcome.outcome === "added" && decision.accepted) state = decision.state;
      outcomes.push(outcome);
    }
  });
  return outcomes;
}

async function add(
  client: TopologyManagerWriteServiceClient,
  signed: SignedTopologyTransaction,
  options: NodeCallOptions,
): Promise<ImportOutcome> {
  try {
    await call(client, "addSignedTopologyTransaction", { serialized: encodeSignedTransaction(signed) }, options);
    return { outcome: "added" };
  } catch (error) {
    if (!isCantonError(error)) throw error;
    const { reason, message } = error;
    if (["DUPLICATE_TRANSACTION", "TOPOLOGY_MAPPING_ALREADY_EXISTS"].includes(reason)) return { outcome: "known" };
    // A refusal has a reason; without one the node was not reached, or failed.
    if (reason === "") throw error;
    return { outcome: "refused", reason, message };
  }
}

/**
 * Gives a node the identity that a file was made for, and imports its transactions: what is left of the initialisation of a
 * node whose root key is kept elsewhere, in the order that its role needs. May be repeated after a crash anywhere.
 *
 * @throws CantonError FILE_HAS_NO_MEMBER for a file of transactions that give no identity; NODE_HAS_ANOTHER_IDENTITY
 */
export async function initialiseFromFile(
  admin: ClientTarget,
  file: SignedTransactionsFile,
  options: NodeCallOptions,
): Promise<ImportOutcome[]> {
  const { member, transactions } = file;
  if (member === undefined) {
    throw failedPrecondition("FILE_HAS_NO_MEMBER", "the file gives no identity; import its transactions only");
  }
  const uid = memberUid(member);
  const namespace = namespaceOf(uid);
  const id = await withClient(InitializationServiceClient, admin, (client) => call(client, "getId", {}, options));
  if (id.initialized && id.uniqueIdentifier !== uid) {
    const message = `the node is ${id.uniqueIdentifier}, the file is for ${member}`;
    throw failedPrecondition("NODE_HAS_ANOTHER_IDENTITY", message);
  }
  const initId = async () => {
    if (id.initialized) return;
    const request = { identifier: identifierOf(uid), fingerprint: namespace, instance: "" };
    await withClient(InitializationServiceClient, admin, (client) => call(client, "initId", request, options));
  };
  if (member.startsWith("PAR::")) {
    const outcomes = await importTopology(admin, file, options);
    await initId();
    return outcomes;
  }
  // A domain manager takes its id first, and has to know the key that it is made from.
  for (const { transaction } of transactions) {
    const { mapping } = transaction;
    if (mapping.kind !== "NamespaceDelegation" || mapping.targetKey.id !== namespace) continue;
    const publicKey = encodePublicKey({ purpose: "signing", key: mapping.targetKey });
    const name = `${identifierOf(uid)}-namespace`;
    await withClient(VaultServiceClient, admin, (client) =>
      call(client, "importPublicKey", { publicKey, name }, options),
    );
  }
  await initId();
  return importTopology(admin, file, options);
}
