/** `topology.admin.v0.TopologyManagerWriteService`: topology transactions signed with the node's keys, or by others. */
import { status } from "@grpc/grpc-js";
import type { KeyPurposeName, PublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { dynamicDomainParametersFromProto } from "@pulumi-canton/protocol/domain-parameters.ts";
import { KeyPurpose } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import {
  type AuthorizationData,
  type AuthorizationSuccess,
  TopologyManagerWriteServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { type Fingerprint, parseFingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import { checkMember, mediatorMember, participantMember } from "@pulumi-canton/protocol/identity/member.ts";
import { checkUniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { fieldNotSet, invalidValue, ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import {
  changeOpFromProto,
  permissionFromProto,
  sideFromProto,
  trustLevelFromProto,
} from "@pulumi-canton/protocol/topology/change.ts";
import { checkMapping, type TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { decodeSignedTransaction, encodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { plainError } from "@pulumi-canton/runtime/errors.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import type { KeyStore } from "../key-store.ts";
import { type NodeLabel, publicKeyNotInStore } from "../topology-errors.ts";
import type { TopologyManager } from "../topology-manager.ts";
import { readingRequest } from "./request.ts";

/** What {@link topologyManagerWriteService} needs. */
export interface TopologyManagerWriteServiceOptions {
  manager: TopologyManager;
  keys: KeyStore;
  /** Put into the metadata of errors. */
  node: NodeLabel;
  /** Asked before a transaction is authorised, or added as it is; throws CantonError when something has to come first. */
  check?: ((action: { kind: "authorize" | "add"; mapping: TopologyMapping }) => Promise<void>) | undefined;
}

/** The service over a node's topology manager. */
export function topologyManagerWriteService(options: TopologyManagerWriteServiceOptions): GrpcService {
  const { manager, keys, node } = options;

  /** Authorises the mapping that `build` reads from the request. */
  async function authorize(
    authorization: AuthorizationData | undefined,
    build: () => TopologyMapping | Promise<TopologyMapping>,
  ): Promise<AuthorizationSuccess> {
    const { mapping, operation, data } = await readingRequest(node, async () => {
      if (authorization === undefined) throw fieldNotSet("authorization");
      const change = changeOpFromProto(authorization.change, "change");
      return { mapping: checkMapping(await build()), operation: change, data: authorization };
    });
    await options.check?.({ kind: "authorize", mapping });
    const signed = await manager.authorize(mapping, operation, {
      signedBy: data.signedBy === "" ? undefined : data.signedBy,
      replaceExisting: data.replaceExisting,
      force: data.forceChange,
    });
    return { serialized: encodeSignedTransaction(signed) };
  }

  /** A key that the node knows, of this purpose. */
  async function keyFor(fingerprint: Fingerprint, purpose: KeyPurposeName): Promise<PublicKey> {
    const key = (await keys.find(fingerprint))?.publicKey;
    if (key?.purpose !== purpose) throw publicKeyNotInStore(fingerprint, node);
    return key;
  }

  async function signingKey(fingerprint: Fingerprint) {
    const key = await keyFor(fingerprint, "signing");
    if (key.purpose !== "signing") throw publicKeyNotInStore(fingerprint, node);
    return key.key;
  }

  return implement(TopologyManagerWriteServiceService, {
    authorizeNamespaceDelegation: (request) =>
      authorize(request.authorization, async () => ({
        kind: "NamespaceDelegation",
        namespace: parseFingerprint(request.namespace, "namespace"),
        targetKey: await signingKey(request.fingerprintOfAuthorizedKey),
        isRootDelegation: request.isRootDelegation,
      })),

    authorizeIdentifierDelegation: (request) =>
      authorize(request.authorization, async () => ({
        kind: "IdentifierDelegation",
        uid: checkUniqueIdentifier(request.identifier, "identifier"),
        targetKey: await signingKey(request.fingerprintOfAuthorizedKey),
      })),

    authorizeOwnerToKeyMapping: (request) =>
      authorize(request.authorization, async () => ({
        kind: "OwnerToKeyMapping",
        owner: checkMember(request.keyOwner, "key_owner", ["PAR", "SEQ", "MED", "DOM"]),
        key: await keyFor(request.fingerprintOfKey, keyPurposeFromProto(request.keyPurpose)),
      })),

    authorizePartyToParticipant: (request) =>
      authorize(request.authorization, () => ({
        kind: "PartyToParticipant",
        side: sideFromProto(request.side),
        party: checkUniqueIdentifier(request.party, "party"),
        participant: checkMember(request.participant, "participant", ["PAR"]),
        permission: permissionFromProto(request.permission),
      })),

    authorizeParticipantDomainState: (request) =>
      authorize(request.authorization, () => ({
        kind: "ParticipantState",
        side: sideFromProto(request.side),
        domain: checkUniqueIdentifier(request.domain, "domain"),
        participant: checkMember(request.participant, "participant", ["PAR"]),
        permission: permissionFromProto(request.permission),
        trustLevel: trustLevelFromProto(request.trustLevel),
      })),

    // Unlike a participant, a mediator comes without its three letter code.
    authorizeMediatorDomainState: (request) =>
      authorize(request.authorization, () => ({
        kind: "MediatorDomainState",
        side: sideFromProto(request.side),
        domain: checkUniqueIdentifier(request.domain, "domain"),
        mediator: mediatorMember(checkUniqueIdentifier(request.mediator, "mediator")),
      })),

    // Here too the participant comes without its code.
    authorizeVettedPackages: (request) =>
      authorize(request.authorization, () => ({
        kind: "VettedPackages",
        participant: participantMember(checkUniqueIdentifier(request.participant, "participant")),
        packageIds: request.packageIds,
      })),

    authorizeDomainParametersChange: (request) =>
      authorize(request.authorization, () => {
        const { parameters } = request;
        if (parameters === undefined) throw fieldNotSet("parameters");
        if (parameters.$case !== "parametersV1") {
          throw invalidValue(
            "parameters",
            `${parameters.$case === "parametersV0" ? "parameters_v0" : "parameters_v2"} is not of protocol version 5`,
            "parameters_v1",
          );
        }
        return {
          kind: "DomainParametersChange",
          domain: checkUniqueIdentifier(request.domain, "domain"),
          parameters: dynamicDomainParametersFromProto(parameters.value),
        };
      }),

    authorizeCheckOnlyPackages: async () => {
      throw plainError(
        status.UNIMPLEMENTED,
        "TopologyManagerWriteService/AuthorizeCheckOnlyPackages is not built: protocol version 5 has no check-only packages",
      );
    },

    addSignedTopologyTransaction: async ({ serialized }) => {
      const signed = await readingRequest(node, () => decodeSignedTransaction(serialized));
      await options.check?.({ kind: "add", mapping: signed.transaction.mapping });
      // Whoever signed has decided, also that something may lose its authority: there is nobody here to ask.
      await manager.add(signed, { force: true });
      return {};
    },
  });
}

function keyPurposeFromProto(value: number): KeyPurposeName {
  if (value === KeyPurpose.SigningKeyPurpose) return "signing";
  if (value === KeyPurpose.EncryptionKeyPurpose) return "encryption";
  if (value === KeyPurpose.UnknownKeyPurpose) throw fieldNotSet("key_purpose");
  throw new ProtocolError("UnrecognizedEnum", "key_purpose", `${value} is unknown`);
}
