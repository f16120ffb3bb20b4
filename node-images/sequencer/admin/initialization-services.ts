/** How the domain manager sets a sequencer up: `SequencerInitializationService` and `TopologyBootstrapService`. */

import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import type { StaticDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import {
  SequencerInitializationServiceService,
  TopologyBootstrapServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/sequencer_initialization_service.ts";
import type { StaticDomainParameters as StaticDomainParametersV0 } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/sequencing.ts";
import type { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import { fieldNotSet, invalidValue, ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { invalidArgument, unimplemented } from "@pulumi-canton/runtime/errors.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import type { Initialization } from "../domain/initialization.ts";

/** What the services do to the node. */
export interface Initializer {
  initialise(
    domainId: string,
    parameters: StaticDomainParameters,
  ): Promise<{ initialization: Initialization; publicKey: SigningPublicKey }>;
  /** @throws CantonError when the node was not initialised before */
  bootstrap(snapshot: TopologyTransactions): Promise<void>;
}

/** Both services over the node. */
export function initializationServices(node: Initializer): GrpcService[] {
  const init = async (request: {
    domainId: string;
    topologySnapshot: TopologyTransactions | undefined;
    parameters: StaticDomainParameters;
    snapshot: unknown;
  }) => {
    if (request.snapshot !== undefined) {
      throw unimplemented(
        "SEQUENCER_SNAPSHOT_NOT_SUPPORTED",
        "snapshot: starting from another sequencer's snapshot is not built; sequencers of a domain share one backend",
      );
    }
    const { initialization, publicKey } = await node.initialise(request.domainId, request.parameters);
    if ((request.topologySnapshot?.items.length ?? 0) > 0) {
      await node.bootstrap(request.topologySnapshot as TopologyTransactions);
    }
    return { keyId: initialization.signingKey, publicKey, replicated: true };
  };
  return [
    implement(SequencerInitializationServiceService, {
      init: (request) =>
        reading(() => init({ ...request, parameters: parametersFromV0(required(request.domainParameters)) })),
      initV1: (request) => reading(() => init({ ...request, parameters: required(request.domainParameters) })),
    }),
    implement(TopologyBootstrapServiceService, {
      bootstrap: ({ initialTopologySnapshot }) =>
        reading(async () => {
          if (initialTopologySnapshot === undefined) throw fieldNotSet("initial_topology_snapshot");
          await node.bootstrap(initialTopologySnapshot);
          return {};
        }),
    }),
  ];
}

function required<T>(parameters: T | undefined): T {
  if (parameters === undefined) throw fieldNotSet("domain_parameters");
  return parameters;
}

/** The older shape: it has some dynamic parameters too, which are set through the topology instead. */
function parametersFromV0(parameters: StaticDomainParametersV0): StaticDomainParameters {
  const version = /^(\d{1,4})(\.0\.0)?$/.exec(parameters.protocolVersion);
  if (version === null) throw invalidValue("protocol_version", `${parameters.protocolVersion} is not a version`, "5");
  return {
    uniqueContractKeys: parameters.uniqueContractKeys,
    requiredSigningKeySchemes: parameters.requiredSigningKeySchemes,
    requiredEncryptionKeySchemes: parameters.requiredEncryptionKeySchemes,
    requiredSymmetricKeySchemes: parameters.requiredSymmetricKeySchemes,
    requiredHashAlgorithms: parameters.requiredHashAlgorithms,
    requiredCryptoKeyFormats: parameters.requiredCryptoKeyFormats,
    protocolVersion: Number(version[1]),
  };
}

async function reading<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ProtocolError) throw invalidArgument("PROTO_DESERIALIZATION_FAILURE", error.message);
    throw error;
  }
}
