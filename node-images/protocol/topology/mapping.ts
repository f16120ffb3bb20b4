import {
  checkPublicKey,
  describePublicKey,
  type PublicKey,
  publicKeyFromProto,
  publicKeyToProto,
  type SigningPublicKey,
} from "../crypto/public-key.ts";
import {
  checkDynamicDomainParameters,
  type DynamicDomainParameters,
  dynamicDomainParametersFromProto,
  dynamicDomainParametersToProto,
} from "../domain-parameters.ts";
import type { SigningPublicKey as SigningPublicKeyProto } from "../gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import type * as v1 from "../gen/com/digitalasset/canton/protocol/v1/topology.ts";
import { type Fingerprint, parseFingerprint, shortenFingerprint } from "../identity/fingerprint.ts";
import { checkMember, type MemberId, memberUid, shortenMember } from "../identity/member.ts";
import {
  checkUniqueIdentifier,
  namespaceOf,
  shortenUniqueIdentifier,
  type UniqueIdentifier,
} from "../identity/unique-identifier.ts";
import { fieldNotSet, invalidValue, ProtocolError } from "../protocol-error.ts";
import {
  type ParticipantPermission,
  permissionFromProto,
  permissionToProto,
  type RequestSide,
  sideFromProto,
  sideToProto,
  type TrustLevel,
  trustLevelFromProto,
  trustLevelToProto,
} from "./change.ts";

// In every mapping, `domain` and `party` are unique identifiers; `participant`, `mediator` and `owner` are member ids
// (`PAR::…`, `MED::…`), whether or not the wire format has the three letter code.

/** `targetKey` may sign for everything in `namespace`; with `isRootDelegation` it may delegate the namespace further. */
export interface NamespaceDelegation {
  kind: "NamespaceDelegation";
  namespace: Fingerprint;
  targetKey: SigningPublicKey;
  isRootDelegation: boolean;
}

/** `targetKey` may sign for the one unique identifier. */
export interface IdentifierDelegation {
  kind: "IdentifierDelegation";
  uid: UniqueIdentifier;
  targetKey: SigningPublicKey;
}

/** `owner` (`PAR::`, `SEQ::`, `MED::` or `DOM::`) uses `key` to sign or to have messages encrypted for it. */
export interface OwnerToKeyMapping {
  kind: "OwnerToKeyMapping";
  owner: MemberId;
  key: PublicKey;
}

/** `participant` hosts `party` with `permission`; effective when both the party's and the participant's side say so. */
export interface PartyToParticipant {
  kind: "PartyToParticipant";
  side: RequestSide;
  party: UniqueIdentifier;
  participant: MemberId;
  permission: ParticipantPermission;
}

/** `participant` is on `domain`; effective when both the domain's (`From`) and the participant's (`To`) side say so. */
export interface ParticipantState {
  kind: "ParticipantState";
  side: RequestSide;
  domain: UniqueIdentifier;
  participant: MemberId;
  permission: ParticipantPermission;
  trustLevel: TrustLevel;
}

/** `mediator` (`MED::…`) is a mediator of `domain`; effective when both sides say so. */
export interface MediatorDomainState {
  kind: "MediatorDomainState";
  side: RequestSide;
  domain: UniqueIdentifier;
  mediator: MemberId;
}

/** `participant` has vetted these packages. */
export interface VettedPackages {
  kind: "VettedPackages";
  participant: MemberId;
  packageIds: string[];
}

/** `domain` has these dynamic parameters from now on. */
export interface DomainParametersChange {
  kind: "DomainParametersChange";
  domain: UniqueIdentifier;
  parameters: DynamicDomainParameters;
}

/** What a topology transaction states. */
export type TopologyMapping =
  | NamespaceDelegation
  | IdentifierDelegation
  | OwnerToKeyMapping
  | PartyToParticipant
  | ParticipantState
  | MediatorDomainState
  | VettedPackages
  | DomainParametersChange;

/** The kinds of mappings. */
export type MappingKind = TopologyMapping["kind"];

/** The mappings that a state update carries: all but domain parameters, which are domain governance. */
export type StateUpdateMapping = Exclude<TopologyMapping, DomainParametersChange>;

const KEY_OWNERS = ["PAR", "SEQ", "MED", "DOM"] as const;
const PARTICIPANT = ["PAR"] as const;
const MEDIATOR = ["MED"] as const;

/** Longest package id, in characters. */
const MAX_PACKAGE_ID_LENGTH = 64;

/**
 * Checks every field of a mapping and gives it back.
 *
 * @throws ProtocolError naming the field and what is accepted.
 */
export function checkMapping<M extends TopologyMapping>(mapping: M): M {
  const checked: TopologyMapping = mapping;
  switch (checked.kind) {
    case "NamespaceDelegation":
      parseFingerprint(checked.namespace, "namespace");
      checkPublicKey({ purpose: "signing", key: checked.targetKey }, "target_key");
      if (checked.targetKey.id === checked.namespace && !checked.isRootDelegation) {
        throw invalidValue(
          "is_root_delegation",
          "the delegation of a namespace to its own key must be a root delegation",
          "true",
        );
      }
      break;
    case "IdentifierDelegation":
      checkUniqueIdentifier(checked.uid, "unique_identifier");
      checkPublicKey({ purpose: "signing", key: checked.targetKey }, "target_key");
      break;
    case "OwnerToKeyMapping":
      checkMember(checked.owner, "key_owner", KEY_OWNERS);
      checkPublicKey(checked.key);
      break;
    case "PartyToParticipant":
      checkUniqueIdentifier(checked.party, "party");
      checkMember(checked.participant, "participant", PARTICIPANT);
      break;
    case "ParticipantState":
      checkUniqueIdentifier(checked.domain, "domain");
      checkMember(checked.participant, "participant", PARTICIPANT);
      break;
    case "MediatorDomainState":
      checkUniqueIdentifier(checked.domain, "domain");
      checkMember(checked.mediator, "mediator", MEDIATOR);
      break;
    case "VettedPackages":
      checkMember(checked.participant, "participant", PARTICIPANT);
      for (const id of checked.packageIds) {
        if (!/^[a-zA-Z0-9\-_ ]+$/.test(id) || id.length > MAX_PACKAGE_ID_LENGTH) {
          throw invalidValue(
            "package_ids",
            `\`${id}\` is no package id`,
            `1 to ${MAX_PACKAGE_ID_LENGTH} letters, digits, '-', '_' and spaces`,
          );
        }
      }
      break;
    case "DomainParametersChange":
      checkUniqueIdentifier(checked.domain, "domain");
      checkDynamicDomainParameters(checked.parameters);
      break;
  }
  return mapping;
}

/** The published message of a mapping of a state update, in its `oneof`. */
export type StateUpdateMappingProto = NonNullable<v1.TopologyStateUpdate["mapping"]>;

/** A mapping as its published message. On the wire some members lack their three letter code, as in Canton. */
export function mappingToProto(mapping: StateUpdateMapping): StateUpdateMappingProto {
  switch (mapping.kind) {
    case "NamespaceDelegation": {
      const { namespace, targetKey, isRootDelegation } = mapping;
      return { $case: "namespaceDelegation", value: { namespace, targetKey, isRootDelegation } };
    }
    case "IdentifierDelegation":
      return { $case: "identifierDelegation", value: { uniqueIdentifier: mapping.uid, targetKey: mapping.targetKey } };
    case "OwnerToKeyMapping":
      return {
        $case: "ownerToKeyMapping",
        value: { keyOwner: mapping.owner, publicKey: publicKeyToProto(mapping.key) },
      };
    case "PartyToParticipant": {
      const { party, participant } = mapping;
      const value = {
        side: sideToProto(mapping.side),
        party,
        participant,
        permission: permissionToProto(mapping.permission),
      };
      return { $case: "partyToParticipant", value };
    }
    case "ParticipantState":
      return {
        $case: "participantState",
        value: {
          side: sideToProto(mapping.side),
          domain: mapping.domain,
          participant: memberUid(mapping.participant),
          permission: permissionToProto(mapping.permission),
          trustLevel: trustLevelToProto(mapping.trustLevel),
        },
      };
    case "MediatorDomainState": {
      const value = { side: sideToProto(mapping.side), domain: mapping.domain, mediator: memberUid(mapping.mediator) };
      return { $case: "mediatorDomainState", value };
    }
    case "VettedPackages": {
      const value = { participant: memberUid(mapping.participant), packageIds: mapping.packageIds };
      return { $case: "vettedPackages", value };
    }
  }
}

/** A checked mapping from its published message. @throws ProtocolError */
export function mappingFromProto(message: StateUpdateMappingProto | undefined): StateUpdateMapping {
  if (message === undefined) throw fieldNotSet("mapping");
  return checkMapping(readMapping(message));
}

function readMapping(message: StateUpdateMappingProto): StateUpdateMapping {
  switch (message.$case) {
    case "namespaceDelegation": {
      const { namespace, targetKey, isRootDelegation } = message.value;
      return { kind: "NamespaceDelegation", namespace, targetKey: required(targetKey), isRootDelegation };
    }
    case "identifierDelegation": {
      const { uniqueIdentifier, targetKey } = message.value;
      return { kind: "IdentifierDelegation", uid: uniqueIdentifier, targetKey: required(targetKey) };
    }
    case "ownerToKeyMapping": {
      const { keyOwner, publicKey } = message.value;
      return { kind: "OwnerToKeyMapping", owner: keyOwner, key: publicKeyFromProto(publicKey) };
    }
    case "partyToParticipant": {
      const { side, party, participant, permission } = message.value;
      return {
        kind: "PartyToParticipant",
        side: sideFromProto(side),
        party,
        participant,
        permission: permissionFromProto(permission),
      };
    }
    case "participantState": {
      const { side, domain, participant, permission, trustLevel } = message.value;
      return {
        kind: "ParticipantState",
        side: sideFromProto(side),
        domain,
        participant: `PAR::${participant}`,
        permission: permissionFromProto(permission),
        trustLevel: trustLevelFromProto(trustLevel),
      };
    }
    case "mediatorDomainState": {
      const { side, domain, mediator } = message.value;
      return { kind: "MediatorDomainState", side: sideFromProto(side), domain, mediator: `MED::${mediator}` };
    }
    case "vettedPackages":
      return {
        kind: "VettedPackages",
        participant: `PAR::${message.value.participant}`,
        packageIds: message.value.packageIds,
      };
    case "signedLegalIdentityClaim":
      throw new ProtocolError("ValueConversionError", "mapping", "legal identity claims are not supported");
  }
}

function required(key: SigningPublicKeyProto | undefined): SigningPublicKey {
  if (key === undefined) throw fieldNotSet("target_key");
  return key;
}

/** Domain parameters as the published message of protocol version 5. */
export function domainParametersChangeToProto(mapping: DomainParametersChange): v1.DomainParametersChange {
  return { domain: mapping.domain, domainParameters: dynamicDomainParametersToProto(mapping.parameters) };
}

/** A checked change of domain parameters from its published message. @throws ProtocolError */
export function domainParametersChangeFromProto(message: v1.DomainParametersChange): DomainParametersChange {
  const parameters = dynamicDomainParametersFromProto(message.domainParameters);
  return checkMapping({ kind: "DomainParametersChange", domain: message.domain, parameters });
}

/** Separates the parts of keys; no identifier, fingerprint or package id contains it. */
const SEPARATOR = "\n";

/**
 * What a mapping is about, without the values that may change: two mappings in the same slot are alternatives of one
 * another (the same party on the same participant from the same side, with another permission).
 */
export function mappingSlot(mapping: TopologyMapping): string {
  switch (mapping.kind) {
    case "NamespaceDelegation":
      return join(mapping.kind, mapping.namespace, mapping.targetKey.id);
    case "IdentifierDelegation":
      return join(mapping.kind, mapping.uid, mapping.targetKey.id);
    case "OwnerToKeyMapping":
      return join(mapping.kind, mapping.owner, mapping.key.purpose, mapping.key.key.id);
    case "PartyToParticipant":
      return join(mapping.kind, mapping.party, mapping.participant, mapping.side);
    case "ParticipantState":
      return join(mapping.kind, mapping.domain, mapping.participant, mapping.side);
    case "MediatorDomainState":
      return join(mapping.kind, mapping.domain, mapping.mediator, mapping.side);
    case "VettedPackages":
      return join(mapping.kind, mapping.participant);
    case "DomainParametersChange":
      return join(mapping.kind, mapping.domain);
  }
}

/**
 * All that a mapping says: two mappings with the same key say the same. It is the slot, an empty part, and the values, so
 * that the keys of one slot share a prefix that no other slot has.
 */
export function mappingKey(mapping: TopologyMapping): string {
  return join(mappingSlot(mapping), "", mappingValues(mapping).join(SEPARATOR));
}

function mappingValues(mapping: TopologyMapping): string[] {
  switch (mapping.kind) {
    case "NamespaceDelegation":
      return [mapping.isRootDelegation ? "root" : "intermediate"];
    case "IdentifierDelegation":
    case "OwnerToKeyMapping":
    case "MediatorDomainState":
      return [];
    case "PartyToParticipant":
      return [mapping.permission];
    case "ParticipantState":
      return [mapping.permission, mapping.trustLevel];
    case "VettedPackages":
      return mapping.packageIds;
    case "DomainParametersChange":
      return Object.entries(mapping.parameters).map(([name, value]) => `${name}=${value}`);
  }
}

function join(...parts: string[]): string {
  return parts.join(SEPARATOR);
}

/** The namespaces whose keys have a say in a mapping, each once. */
export function namespacesOf(mapping: TopologyMapping): Fingerprint[] {
  if (mapping.kind === "NamespaceDelegation") return [mapping.namespace];
  return [...new Set(uidsOf(mapping).map(namespaceOf))];
}

/** The unique identifiers that have to agree to a mapping (for a namespace delegation: none, the namespace itself does). */
export function uidsOf(mapping: Exclude<TopologyMapping, NamespaceDelegation>): UniqueIdentifier[] {
  switch (mapping.kind) {
    case "IdentifierDelegation":
      return [mapping.uid];
    case "OwnerToKeyMapping":
      return [memberUid(mapping.owner)];
    case "PartyToParticipant":
      return sided(mapping.side, mapping.party, memberUid(mapping.participant));
    case "ParticipantState":
      return sided(mapping.side, mapping.domain, memberUid(mapping.participant));
    case "MediatorDomainState":
      return sided(mapping.side, mapping.domain, memberUid(mapping.mediator));
    case "VettedPackages":
      return [memberUid(mapping.participant)];
    case "DomainParametersChange":
      return [mapping.domain];
  }
}

function sided(side: RequestSide, from: UniqueIdentifier, to: UniqueIdentifier): UniqueIdentifier[] {
  if (side === "From") return [from];
  return side === "To" || from === to ? [to] : [from, to];
}

/** The domain that a mapping speaks of, if it speaks of one. Such a mapping has no place in the state of another domain. */
export function domainOf(mapping: TopologyMapping): UniqueIdentifier | undefined {
  return "domain" in mapping ? mapping.domain : undefined;
}

/** A mapping for messages to people, as Canton prints it, e.g. `ParticipantState(From, mydomain::1220…, PAR::…, Submission, Ordinary)`. */
export function describeMapping(mapping: TopologyMapping): string {
  return `${mapping.kind}(${describeFields(mapping).join(", ")})`;
}

function describeFields(mapping: TopologyMapping): string[] {
  switch (mapping.kind) {
    case "NamespaceDelegation": {
      const key = describePublicKey({ purpose: "signing", key: mapping.targetKey });
      return [shortenFingerprint(mapping.namespace), key, String(mapping.isRootDelegation)];
    }
    case "IdentifierDelegation":
      return [shortenUniqueIdentifier(mapping.uid), describePublicKey({ purpose: "signing", key: mapping.targetKey })];
    case "OwnerToKeyMapping":
      return [shortenMember(mapping.owner), describePublicKey(mapping.key)];
    case "PartyToParticipant":
      return [
        mapping.side,
        shortenUniqueIdentifier(mapping.party),
        shortenMember(mapping.participant),
        mapping.permission,
      ];
    case "ParticipantState":
      return [
        mapping.side,
        shortenUniqueIdentifier(mapping.domain),
        shortenMember(mapping.participant),
        mapping.permission,
        mapping.trustLevel,
      ];
    case "MediatorDomainState":
      return [mapping.side, shortenUniqueIdentifier(mapping.domain), shortenMember(mapping.mediator)];
    case "VettedPackages": {
      const packages = mapping.packageIds.map(shortenFingerprint).join(", ");
      return [
        `participant = ${shortenUniqueIdentifier(memberUid(mapping.participant))}`,
        `packages = Seq(${packages})`,
      ];
    }
    case "DomainParametersChange": {
      const values = Object.entries(mapping.parameters).map(([name, value]) =>
        typeof value === "bigint" ? `${name} = ${Number(value) / 1e6}s` : `${name} = ${value}`,
      );
      return [shortenUniqueIdentifier(mapping.domain), `DynamicDomainParameters(${values.join(", ")})`];
    }
  }
}
