/** The calls that set up a sequencer or a mediator. All of them may be repeated. */
import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { loadSigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { MediatorInitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/mediator_initialization_service.ts";
import {
  SequencerInitializationServiceClient,
  TopologyBootstrapServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/sequencer_initialization_service.ts";
import type { SequencerConnection } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connection.ts";
import type { StaticDomainParameters as StaticDomainParametersV0 } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/sequencing.ts";
import type { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import type { StaticDomainParameters } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v1/sequencing.ts";
import { mediatorMember } from "@pulumi-canton/protocol/identity/member.ts";
import type { EndpointConfig } from "@pulumi-canton/runtime/config.ts";
import { failedPrecondition } from "@pulumi-canton/runtime/errors.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";

/** How long a peer may take to answer, in milliseconds. */
const deadlineMs = 15_000;

/** What every node of a domain has to know of it. */
export interface DomainDescription {
  readonly domainId: string;
  readonly parameters: StaticDomainParameters;
}

/**
 * Tells a sequencer which domain it belongs to.
 *
 * @returns its signing key, checked
 * @throws CantonError; FAILED_PRECONDITION when it belongs to another domain
 */
export async function initialiseSequencer(
  peer: EndpointConfig,
  domain: DomainDescription,
  signal: AbortSignal,
): Promise<SigningPublicKey> {
  const client = connect(SequencerInitializationServiceClient, peer);
  try {
    const response = await call(
      client,
      "initV1",
      {
        domainId: domain.domainId,
        domainParameters: domain.parameters,
        topologySnapshot: { items: [] },
        snapshot: undefined,
      },
      { deadlineMs, signal },
    );
    return checkedKey(response.publicKey, "the sequencer");
  } finally {
    client.close();
  }
}

/** Gives a sequencer the topology that the domain starts from. @throws CantonError */
export async function bootstrapSequencer(
  peer: EndpointConfig,
  snapshot: TopologyTransactions,
  signal: AbortSignal,
): Promise<void> {
  const client = connect(TopologyBootstrapServiceClient, peer);
  try {
    await call(client, "bootstrap", { initialTopologySnapshot: snapshot }, { deadlineMs, signal });
  } finally {
    client.close();
  }
}

/**
 * Tells a mediator which domain it belongs to, what topology it starts from and where the sequencers are.
 *
 * @returns its signing key, checked
 * @throws CantonError; FAILED_PRECONDITION with the mediator's reason when it refuses
 */
export async function initialiseMediator(
  peer: EndpointConfig,
  domain: DomainDescription,
  snapshot: TopologyTransactions,
  sequencers: SequencerConnection,
  signal: AbortSignal,
): Promise<SigningPublicKey> {
  const client = connect(MediatorInitializationServiceClient, peer);
  try {
    const { value } = await call(
      client,
      "initialize",
      {
        domainId: domain.domainId,
        mediatorId: mediatorMember(domain.domainId),
        currentIdentityState: snapshot,
        domainParameters: staticParametersV0(domain.parameters),
        sequencerConnection: sequencers,
        signingKeyFingerprint: undefined,
      },
      { deadlineMs, signal },
    );
    if (value?.$case !== "success") {
      throw failedPrecondition("MEDIATOR_INITIALIZATION_REFUSED", value?.value.reason ?? "the mediator gave no answer");
    }
    return checkedKey(value.value.mediatorKey, "the mediator");
  } finally {
    client.close();
  }
}

/** Static parameters in the older published shape, which carries a few dynamic ones besides, at their defaults. */
export function staticParametersV0(parameters: StaticDomainParameters): StaticDomainParametersV0 {
  return {
    ...parameters,
    reconciliationInterval: { seconds: 60n, nanos: 0 },
    maxRatePerParticipant: 1_000_000,
    maxInboundMessageSize: 10_485_760,
    protocolVersion: `${parameters.protocolVersion}.0.0`,
  };
}

function checkedKey(key: SigningPublicKey | undefined, who: string): SigningPublicKey {
  if (key === undefined) throw failedPrecondition("NO_PUBLIC_KEY", `${who} answered without its public key`);
  loadSigningPublicKey(key);
  return key;
}
