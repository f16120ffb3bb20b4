/** What a request comes to: mappings and words for them, and the signed transactions. */
import type { SigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { type MemberId, member } from "@pulumi-canton/protocol/identity/member.ts";
import { uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import {
  addition,
  removal,
  type SignedTopologyTransaction,
  signTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import type { SignedTransactionsFile } from "./signed-transactions-file.ts";
import {
  findKey,
  namespaceOfRequest,
  type TopologyRequest,
  type TopologyRequestStatement,
} from "./topology-request.ts";

/** The member that a request is for. */
export function memberOfRequest(request: TopologyRequest, signer: string): MemberId {
  const uid = uniqueIdentifier(request.identifier, namespaceOfRequest(request, signer));
  return member(request.role === "participant" ? "PAR" : "DOM", uid);
}

/**
 * The mappings that a request asks for, root certificate and delegations first. Pure.
 *
 * @param signer the public half of the key that is to sign
 * @throws ConfigError naming the statement that cannot be meant
 */
export function mappingsOfRequest(request: TopologyRequest, signer: SigningPublicKey): TopologyMapping[] {
  const rank = ({ type }: TopologyRequestStatement) =>
    type === "root-certificate" ? 0 : type.endsWith("-delegation") ? 1 : 2;
  return request.statements
    .map((statement, index) => ({ statement, index }))
    .sort((a, b) => rank(a.statement) - rank(b.statement))
    .map(({ statement, index }) => {
      try {
        return mappingOf(request, statement, signer);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        throw new ConfigError(error.problems.map((problem) => `statements[${index}] (${statement.type}): ${problem}`));
      }
    });
}

function mappingOf(
  request: TopologyRequest,
  statement: TopologyRequestStatement,
  signer: SigningPublicKey,
): TopologyMapping {
  const namespace = namespaceOfRequest(request, signer.id);
  const own = uniqueIdentifier(request.identifier, namespace);
  const participant = (): MemberId => {
    if (request.role === "participant") return member("PAR", own);
    throw new ConfigError(["role: a domain manager hosts no parties and is on no domain; expected participant"]);
  };
  switch (statement.type) {
    case "root-certificate":
      if (namespace !== signer.id) {
        throw new ConfigError([`only the namespace's own key ${namespace} can sign it; this is the key ${signer.id}`]);
      }
      return { kind: "NamespaceDelegation", namespace, targetKey: signer, isRootDelegation: true };
    case "namespace-delegation": {
      const targetKey = signingKey(request, statement.key);
      if (targetKey.id === namespace)
        throw new ConfigError(["key: is the namespace's own; that is a root-certificate"]);
      return { kind: "NamespaceDelegation", namespace, targetKey, isRootDelegation: statement.mayDelegate };
    }
    case "identifier-delegation": {
      const uid = statement.identifier === undefined ? own : uniqueIdentifier(statement.identifier, namespace);
      return { kind: "IdentifierDelegation", uid, targetKey: signingKey(request, statement.key) };
    }
    case "owner-to-key": {
      const owner = member(statement.owner ?? (request.role === "participant" ? "PAR" : "DOM"), own);
      return { kind: "OwnerToKeyMapping", owner, key: findKey(request, statement.key).key };
    }
    case "participant-on-domain":
      return {
        kind: "ParticipantState",
        side: "To",
        domain: statement.domain,
        participant: participant(),
        permission: "Submission",
        trustLevel: "Ordinary",
      };
    case "party":
      return {
        kind: "PartyToParticipant",
        side: "Both",
        party: uniqueIdentifier(statement.party, namespace),
        participant: participant(),
        permission: statement.permission,
      };
  }
}

function signingKey(request: TopologyRequest, reference: string): SigningPublicKey {
  const { key } = findKey(request, reference);
  if (key.purpose === "signing") return key.key;
  throw new ConfigError([`key: ${reference} is a key for encryption; expected one for signing`]);
}

/**
 * What lets another key sign for a namespace: its root certificate, and the delegation. Pure.
 *
 * @param root the namespace's own key
 */
export function delegationOf(root: SigningPublicKey, key: SigningPublicKey, mayDelegate: boolean): TopologyMapping[] {
  if (root.id === key.id)
    throw new ConfigError(["the two key files have the same key; a key need not be delegated to itself"]);
  const delegation = (targetKey: SigningPublicKey, isRootDelegation: boolean): TopologyMapping => ({
    kind: "NamespaceDelegation",
    namespace: root.id,
    targetKey,
    isRootDelegation,
  });
  return [delegation(root, true), delegation(key, mayDelegate)];
}

/** Signs all that a request asks for. @throws ConfigError */
export function signRequest(request: TopologyRequest, pair: SigningKeyPair): SignedTransactionsFile {
  const mappings = mappingsOfRequest(request, pair.publicKey);
  return {
    transactions: mappings.map((mapping) => signTransaction(addition(mapping), pair)),
    member: memberOfRequest(request, pair.publicKey.id),
  };
}

/**
 * Signs the removal of transactions that were added, delegations last: what they authorised is removed while they hold.
 *
 * @throws ConfigError when one of them is a removal, or of domain parameters
 */
export function signRevocation(
  issued: readonly SignedTopologyTransaction[],
  pair: SigningKeyPair,
): SignedTransactionsFile {
  const refused = issued.filter(({ transaction: { operation } }) => operation !== "Add");
  if (refused.length > 0) throw new ConfigError(["transactions: only what was added can be revoked"]);
  return { transactions: [...issued].reverse().map(({ transaction }) => signTransaction(removal(transaction), pair)) };
}
