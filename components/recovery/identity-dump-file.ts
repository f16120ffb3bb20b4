/** The file that a node's identity is dumped to: readable but for the private halves of its keys. Pure. */
import { createHash } from "node:crypto";
import {
  decodeSignedTransactionsFile,
  encodeSignedTransactionsFile,
  type SignedTransactionsFile,
} from "@pulumi-canton/detached-topology-manager/signed-transactions-file.ts";
import { encryptKeyFile, readKeyFile } from "@pulumi-canton/protocol/crypto/encrypted-key-file.ts";
import type { KeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import {
  encodeSignedTransaction,
  type SignedTopologyTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";

/** The roles that have an identity: sequencers and mediators have that of their domain, and a key of their own. */
export const dumpedRoles = ["participant", "domain-manager", "sequencer", "mediator"] as const;
/** One of {@link dumpedRoles}. */
export type DumpedRole = (typeof dumpedRoles)[number];

/** A node's identity as it can be compared without any private key. */
export interface SeenIdentity {
  /** `identifier::fingerprint`. */
  readonly uniqueIdentifier: string;
  /** Fingerprints of the keys that the node holds, sorted. */
  readonly keys: readonly string[];
  /** What it has authorised, in an order in which it can be added. */
  readonly transactions: readonly SignedTopologyTransaction[];
}

/** What is remembered of a dump. */
export interface DumpRecord {
  readonly uniqueIdentifier: string;
  readonly keys: readonly string[];
  /** How many topology transactions it has, and what stands for all of them. */
  readonly transactions: number;
  readonly topologyDigest: string;
}

const format = "pulumi-canton identity dump";
const version = 1;

/** What is to be remembered of an identity. */
export function recordOf({ uniqueIdentifier, keys, transactions }: SeenIdentity): DumpRecord {
  const hashes = transactions.map((each) => createHash("sha256").update(encodeSignedTransaction(each)).digest("hex"));
  // The node may list them in another order.
  const topologyDigest = createHash("sha256").update(hashes.sort().join()).digest("hex");
  return { uniqueIdentifier, keys, transactions: transactions.length, topologyDigest };
}

/** In words, why a dump is not that of a node any more; undefined: it is. */
export function whyStale(dumped: DumpRecord, node: DumpRecord): string | undefined {
  if (dumped.uniqueIdentifier !== node.uniqueIdentifier) {
    return `the dump is of ${dumped.uniqueIdentifier}, the node is ${node.uniqueIdentifier}`;
  }
  const added = node.keys.filter((key) => !dumped.keys.includes(key));
  if (added.length > 0) return `the node has keys that are not in the dump: ${added.join(", ")}`;
  const gone = dumped.keys.filter((key) => !node.keys.includes(key));
  if (gone.length > 0) return `the dump has keys that the node has no more: ${gone.join(", ")}`;
  if (dumped.topologyDigest === node.topologyDigest) return undefined;
  return `the node has authorised other topology than is in the dump: ${node.transactions} transactions, ${dumped.transactions} in the dump`;
}

/**
 * The text of a dump: JSON, whose `keys` are files as `console keys import` takes them, and whose `topology` is, in base64, one
 * as `console identity import` takes it.
 *
 * @param pairs key pairs with the names that the node calls them; their private halves are encrypted
 */
export function writeDump(
  role: DumpedRole,
  { uniqueIdentifier, transactions }: SeenIdentity,
  pairs: readonly { readonly pair: KeyPair; readonly name: string }[],
  passphrase: string,
): string {
  const member =
    role === "participant"
      ? (`PAR::${uniqueIdentifier}` as const)
      : role === "domain-manager"
        ? (`DOM::${uniqueIdentifier}` as const)
        : undefined;
  const topology = encodeSignedTransactionsFile({ transactions, member });
  const keys = pairs.map(({ pair, name }) => JSON.parse(encryptKeyFile(pair, passphrase, name)));
  return `${JSON.stringify({ format, version, role, uniqueIdentifier, keys, topology: topology.toString("base64") }, null, 2)}\n`;
}

/** What a dump holds: key files, still encrypted, and topology whose signatures were verified. */
export interface IdentityDumpContents {
  readonly role: DumpedRole;
  readonly uniqueIdentifier: string;
  readonly keyFiles: readonly string[];
  readonly topology: SignedTransactionsFile;
}

/**
 * Reads a dump.
 *
 * @throws Error when it is none, or a signature in it is wrong
 */
export function readDump(text: string): IdentityDumpContents {
  const dump = JSON.parse(text);
  if (dump?.format !== format || dump.version !== version) {
    throw new Error(
      `got ${JSON.stringify(dump?.format)} version ${dump?.version}; expected "${format}" version ${version}`,
    );
  }
  const keyFiles = (dump.keys as unknown[]).map((key) => JSON.stringify(key));
  for (const file of keyFiles) readKeyFile(file);
  const topology = decodeSignedTransactionsFile(Buffer.from(dump.topology, "base64"));
  return { role: dump.role, uniqueIdentifier: dump.uniqueIdentifier, keyFiles, topology };
}
