/** How far a node is initialised, as somebody who administers it sees it through its admin API. */

import { publicKeyFromProto } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import { DomainStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_status_service.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import {
  ListAllRequest,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import {
  type InitialisationProgress,
  type InitialisationState,
  type InitialisedRole,
  initialisationProgress,
} from "@pulumi-canton/protocol/topology/initialisation-progress.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { decodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { type ClientTarget, call, connect } from "@pulumi-canton/runtime/grpc-client.ts";

/**
 * Reads the progress of a node's initialisation: GetId, ListMyKeys, ListPublicKeys, ListAll of the store `Authorized`, and
 * of a domain manager DomainStatus. Also answered before the node is initialised.
 *
 * A tool that initialises a node calls this, does what `next` says with that step's rpc, and calls it again, until `complete`.
 *
 * @param admin the node's admin API
 * @param options.deadlineMs of each call
 * @param options.sequencers of a domain manager: `configured` when its configuration names its sequencers, as it then sets
 *   them up by itself; default: it is told by DomainInitializationService.Init
 * @throws CantonError when the node cannot be reached, or refuses
 */
export async function observeInitialisation(
  role: InitialisedRole,
  admin: ClientTarget,
  options: { deadlineMs: number; signal?: AbortSignal; sequencers?: "configured" },
): Promise<InitialisationProgress & Pick<InitialisationState, "uid" | "keys">> {
  const { sequencers, ...callOptions } = options;
  const vault = connect(VaultServiceClient, admin);
  const initialization = connect(InitializationServiceClient, admin);
  const reader = connect(TopologyManagerReadServiceClient, admin);
  const domain = connect(DomainStatusServiceClient, admin);
  try {
    const filter = { filterFingerprint: "", filterName: "", filterPurpose: [] };
    const authorized = ListAllRequest.fromPartial({
      baseQuery: { filterStore: "Authorized", useStateStore: true, timeQuery: { $case: "headState", value: {} } },
    });
    const [id, mine, known, all, started] = await Promise.all([
      call(initialization, "getId", {}, callOptions),
      call(vault, "listMyKeys", filter, callOptions),
      call(vault, "listPublicKeys", filter, callOptions),
      call(reader, "listAll", authorized, callOptions),
      role === "domain-manager" ? call(domain, "domainStatus", {}, callOptions) : undefined,
    ]);
    const held = new Set(
      mine.privateKeysMetadata.map(({ publicKeyWithName: key }) => publicKeyFromProto(key?.publicKey).key.id),
    );
    const state: InitialisationState = {
      uid: id.initialized ? id.uniqueIdentifier : undefined,
      keys: known.publicKeys.map(({ publicKey }) => {
        const { purpose, key } = publicKeyFromProto(publicKey);
        return { fingerprint: key.id, purpose, held: held.has(key.id) };
      }),
      topology: TopologyState.replay(
        (all.result?.items ?? []).map(({ transaction }) => decodeSignedTransaction(transaction)),
      ),
      ...(role === "domain-manager"
        ? { sequencers: sequencers ?? (started?.kind?.$case === "status" ? "given" : "awaited") }
        : {}),
    };
    return { ...initialisationProgress(role, state), uid: state.uid, keys: state.keys };
  } finally {
    for (const client of [vault, initialization, reader, domain]) client.close();
  }
}
