/** MediatorInitializationService: tells a mediator which domain it belongs to. */
import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { PROTOCOL_VERSION } from "@pulumi-canton/protocol/domain-parameters.ts";
import {
  type InitializeMediatorRequest,
  type InitializeMediatorResponse,
  MediatorInitializationServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/mediator_initialization_service.ts";
import { SequencerConnection } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connection.ts";
import { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import { mediatorMember } from "@pulumi-canton/protocol/identity/member.ts";
import { checkUniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { encodeMessage, fieldNotSet, invalidValue, ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { describeError, invalidArgument, isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { parseServerUrl } from "@pulumi-canton/runtime/grpc-client.ts";
import { implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { connectionUrls } from "@pulumi-canton/sequencer-client/connection-urls.ts";
import { verifySnapshot } from "@pulumi-canton/topology/import-snapshot.ts";
import type { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import { memberSigningKey } from "@pulumi-canton/topology/member-signing-key.ts";
import type { MediatorDomainStore } from "../domain/mediator-domain.ts";

/** What the service works with. */
export interface MediatorInitializationOptions {
  /** The node's name: part of the name of its key. */
  readonly name: string;
  /** `init.auto`: the key is made when it is needed; otherwise the operator has made it. */
  readonly auto: boolean;
  readonly keys: KeyStore;
  readonly domains: MediatorDomainStore;
  /** Throws when this process is not the one that may change the database. */
  readonly requireActive: () => void;
  /** Called once the domain is stored. */
  readonly onInitialised: () => void;
}

/**
 * The service. Asking again for the same domain gives the same key, and takes over where the sequencers are now; asking for
 * another domain is answered with a failure.
 */
export function mediatorInitializationService(options: MediatorInitializationOptions) {
  return implement(MediatorInitializationServiceService, {
    initialize: async (request) => {
      options.requireActive();
      const checked = check(request);
      const { domainId } = checked;
      const before = await options.domains.get();
      if (before !== undefined && before.domainId !== domainId) return otherDomain(before.domainId, domainId);

      const key = await signingKey(options, before?.signingKey ?? checked.fingerprint);
      if (!("key" in key)) return failure(key.failure);
      const { connection, snapshot } = checked;
      const after = await options.domains.set({ domainId, signingKey: key.key.id, connection, snapshot });
      if (after.domainId !== domainId) return otherDomain(after.domainId, domainId);
      options.onInitialised();
      const known = after.signingKey === key.key.id ? key : await signingKey(options, after.signingKey);
      if (!("key" in known)) return failure(known.failure);
      return { value: { $case: "success", value: { mediatorKey: known.key } } };
    },
  });
}

function failure(reason: string): InitializeMediatorResponse {
  return { value: { $case: "failure", value: { reason } } };
}

function otherDomain(known: string, asked: string): InitializeMediatorResponse {
  return failure(`this mediator belongs to the domain ${known}; it cannot be initialised for ${asked}`);
}

/** The key to tell the domain: one that is named, otherwise the node's own. */
async function signingKey(
  { keys, name, auto }: MediatorInitializationOptions,
  fingerprint: string | undefined,
): Promise<{ key: SigningPublicKey } | { failure: string }> {
  if (fingerprint !== undefined) {
    const known = await keys.find(fingerprint);
    if (known?.held && known.publicKey.purpose === "signing") return { key: known.publicKey.key };
    return { failure: `signing_key_fingerprint: this mediator holds no signing key ${fingerprint}` };
  }
  try {
    return { key: await memberSigningKey(keys, `${name}-mediator-signing`, auto) };
  } catch (error) {
    if (isCantonError(error) && error.reason === "INITIALISATION_STEP_MISSING") return { failure: error.message };
    throw error;
  }
}

/** @throws CantonError INVALID_ARGUMENT naming the field */
function check(request: InitializeMediatorRequest) {
  try {
    const domainId = checkUniqueIdentifier(request.domainId, "domain_id");
    const expected = mediatorMember(domainId);
    // Published clients send the identifier with or without its code.
    if (request.mediatorId !== expected && request.mediatorId !== domainId) {
      throw invalidValue("mediator_id", `${request.mediatorId} is not the mediator of ${domainId}`, expected);
    }
    const { domainParameters, sequencerConnection, currentIdentityState } = request;
    if (domainParameters === undefined) throw fieldNotSet("domain_parameters");
    if (Number.parseInt(domainParameters.protocolVersion, 10) !== PROTOCOL_VERSION) {
      const given = `protocol version ${domainParameters.protocolVersion} is not supported`;
      throw invalidValue("domain_parameters.protocol_version", given, `${PROTOCOL_VERSION}`);
    }
    if (sequencerConnection === undefined) throw fieldNotSet("sequencer_connection");
    const urls = connectionUrls(sequencerConnection);
    if (urls.length === 0) throw fieldNotSet("sequencer_connection.grpc.connections");
    for (const url of urls) parseServerUrl(url);
    if (currentIdentityState !== undefined) verifySnapshot(domainId, currentIdentityState);
    return {
      domainId,
      fingerprint: request.signingKeyFingerprint,
      connection: encodeMessage(SequencerConnection, sequencerConnection),
      snapshot: encodeMessage(TopologyTransactions, currentIdentityState ?? { items: [] }),
    };
  } catch (error) {
    if (error instanceof ProtocolError) {
      throw invalidArgument("PROTO_DESERIALIZATION_FAILURE", error.message, { metadata: { reason: error.reason } });
    }
    if (isCantonError(error) && error.reason === "INVALID_TOPOLOGY_SNAPSHOT") throw error;
    if (isCantonError(error)) throw invalidArgument(error.reason, `sequencer_connection: ${describeError(error)}`);
    throw error;
  }
}
