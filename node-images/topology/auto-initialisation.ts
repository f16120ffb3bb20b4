/**
 * What a node does when it starts for the first time: makes its keys, takes its identity, and says so in topology
 * transactions.
 *
 * Every step looks first whether it was done, so a process that dies between any two of them goes on where it stopped, and
 * one that was initialised has nothing to do. Keys that were made but not used yet are found by name.
 */
import { randomBytes } from "node:crypto";
import type { KeyPurposeName, PublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import type { Fingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import { type KeyOwnerCode, type MemberId, member } from "@pulumi-canton/protocol/identity/member.ts";
import {
  namespaceOf,
  type UniqueIdentifier,
  uniqueIdentifier,
} from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { NamespaceDelegation } from "@pulumi-canton/protocol/topology/mapping.ts";
import type { InitConfig } from "@pulumi-canton/runtime/config.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import type { KeyStore, StoredKey } from "./key-store.ts";
import { AlreadyInitialisedError, type NodeIdentity } from "./node-identity.ts";
import type { TopologyManager } from "./topology-manager.ts";

/** What kind of node initialises itself: which member it is, and which keys that member needs. */
export interface InitialisedMember {
  readonly code: KeyOwnerCode;
  /** The keys by purpose; the value is what the key's name ends in: `alice-signing`. */
  readonly keys: Readonly<Partial<Record<KeyPurposeName, string>>>;
}

/** A participant: a signing and an encryption key besides that of the namespace. */
export const participantInitialisation: InitialisedMember = {
  code: "PAR",
  keys: { signing: "signing", encryption: "encryption" },
};

/** A domain manager: a signing key besides that of the namespace. */
export const domainManagerInitialisation: InitialisedMember = {
  code: "DOM",
  keys: { signing: "topology-manager-signing" },
};

/** What {@link autoInitialise} needs. */
export interface AutoInitialisationOptions {
  /** The name of the node in its configuration: in the names of keys, and the default identifier. */
  name: string;
  /** Where the identifier comes from: the `init.identity.nodeIdentifier` of the configuration. */
  nodeIdentifier: InitConfig["identity"]["nodeIdentifier"];
  member: InitialisedMember;
  identity: NodeIdentity;
  keys: KeyStore;
  manager: TopologyManager;
  logger: Logger;
}

/**
 * Initialises the node, or completes what an earlier attempt began.
 *
 * @returns the unique identifier of the node
 * @throws ProtocolError when the identifier of the configuration cannot be one
 */
export async function autoInitialise(options: AutoInitialisationOptions): Promise<UniqueIdentifier> {
  const uid = await takeIdentity(options);
  // Initialised by hand in a namespace whose key is kept elsewhere: all that follows is up to the operator.
  if ((await options.keys.heldSigningKeys([namespaceOf(uid)])).length === 0) return uid;
  await rootCertificate(options, namespaceOf(uid));
  const owner = member(options.member.code, uid);
  for (const purpose of ["signing", "encryption"] as const) {
    const suffix = options.member.keys[purpose];
    if (suffix !== undefined) await keyOf(options, owner, purpose, `${options.name}-${suffix}`);
  }
  return uid;
}

async function takeIdentity({ identity, keys, name, nodeIdentifier, logger }: AutoInitialisationOptions) {
  const known = await identity.get();
  if (known !== undefined) return known;
  const namespaceKey = await ensureKey(keys, "signing", `${name}-namespace`);
  const uid = uniqueIdentifier(identifierFrom(nodeIdentifier, name), namespaceKey.fingerprint);
  try {
    await identity.set(uid);
  } catch (error) {
    // The operator was faster: InitId came in between.
    if (error instanceof AlreadyInitialisedError) return error.uid;
    throw error;
  }
  logger.info({ uid }, "The node has its identity");
  return uid;
}

/** The identifier that a node gives itself: its name, the one that its configuration says, or 32 random hex digits. */
export function identifierFrom(nodeIdentifier: AutoInitialisationOptions["nodeIdentifier"], name: string): string {
  switch (nodeIdentifier.type) {
    case "config":
      return name;
    case "explicit":
      return nodeIdentifier.name;
    case "random":
      return randomBytes(16).toString("hex");
  }
}

/** The root certificate: the namespace's own key may sign for the namespace, and hand that on. */
async function rootCertificate({ keys, manager, logger }: AutoInitialisationOptions, namespace: Fingerprint) {
  if (manager.state.mayActForNamespace(namespace, namespace, true)) return;
  const key = (await keys.find(namespace))?.publicKey;
  if (key?.purpose !== "signing") return;
  const mapping: NamespaceDelegation = {
    kind: "NamespaceDelegation",
    namespace,
    targetKey: key.key,
    isRootDelegation: true,
  };
  await manager.authorize(mapping, "Add");
  logger.info({ namespace }, "The root certificate of the namespace is in force");
}

async function keyOf(
  { keys, manager, logger }: AutoInitialisationOptions,
  owner: MemberId,
  purpose: KeyPurposeName,
  name: string,
): Promise<void> {
  if (manager.state.countKeys(owner, purpose) > 0) return;
  const { publicKey, fingerprint } = await ensureKey(keys, purpose, name);
  await manager.authorize({ kind: "OwnerToKeyMapping", owner, key: publicKey }, "Add");
  logger.info({ owner, purpose, fingerprint }, "The node has a key in force");
}

/** The key with this name, or a new one: a key that a process made before it died is used, not made again. */
async function ensureKey(
  keys: KeyStore,
  purpose: KeyPurposeName,
  name: string,
): Promise<Pick<StoredKey, "fingerprint" | "publicKey">> {
  const known = (await keys.list({ name, purposes: [purpose], held: true })).find((key) => key.name === name);
  if (known !== undefined) return known;
  const publicKey: PublicKey =
    purpose === "signing"
      ? { purpose, key: await keys.generateSigningKey({ name }) }
      : { purpose, key: await keys.generateEncryptionKey({ name }) };
  return { fingerprint: publicKey.key.id, publicKey };
}
