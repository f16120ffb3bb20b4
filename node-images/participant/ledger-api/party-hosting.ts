import { untilAborted } from "@pulumi-canton/runtime/abort.ts";
import { isCantonError, unavailable } from "@pulumi-canton/runtime/errors.ts";
import type { TopologyManager } from "@pulumi-canton/topology/topology-manager.ts";
import type { TopologyStore } from "@pulumi-canton/topology/topology-store.ts";
import type { TopologyStores } from "@pulumi-canton/topology/topology-stores.ts";
import type { ParticipantMember } from "../domain/participant-member.ts";
import type { KnownParty, PartyDirectory } from "./party-directory.ts";

/** Longest wait until the connected domains know a new party, in milliseconds. */
const VISIBLE_WITHIN_MS = 60_000;

/** The parties of all domains whose topology this participant has, as they are hosted now. */
export function topologyPartyDirectory(stores: TopologyStores, member: ParticipantMember): PartyDirectory {
  return {
    list: async () => {
      const known = new Map<string, KnownParty>();
      for (const domain of (await stores.ids()).filter((id) => id.includes("::"))) {
        const { state } = await stores.open(domain);
        const candidates = new Set<string>();
        for (const [party] of state.parties()) candidates.add(party);
        // Every participant hosts the party that has its own identifier.
        for (const participant of state.activeParticipants(domain).keys())
          candidates.add(participant.slice("PAR::".length));
        for (const party of candidates) {
          const hosts = state.hostingParticipantsOn(domain, party);
          if (hosts.size === 0) continue;
          const isLocal = hosts.has(member.id()) || (known.get(party)?.isLocal ?? false);
          known.set(party, { party, isLocal });
        }
      }
      return [...known.values()].sort((a, b) => (a.party < b.party ? -1 : 1));
    },
  };
}

/**
 * Hosts a party here and waits until the domains have it.
 *
 * @param domains the ids of the connected domains
 * @throws CantonError; when the domains do not answer in time the party is hosted all the same and arrives there later
 */
export async function hostParty(options: {
  readonly party: string;
  readonly member: ParticipantMember;
  readonly manager: TopologyManager;
  readonly stores: TopologyStores;
  readonly domains: readonly string[];
  readonly signal: AbortSignal;
}): Promise<void> {
  const { party, member, manager, stores, domains, signal } = options;
  const participant = member.id();
  try {
    await manager.authorize(
      { kind: "PartyToParticipant", side: "Both", party, participant, permission: "Submission" },
      "Add",
    );
  } catch (error) {
    // Allocated before, and not yet on any domain: what is missing is the wait.
    if (!isCantonError(error) || error.reason !== "TOPOLOGY_MAPPING_ALREADY_EXISTS") throw error;
  }
  const late = AbortSignal.timeout(VISIBLE_WITHIN_MS);
  const over = AbortSignal.any([signal, late]);
  for (const domain of domains) {
    try {
      await untilHosted(await stores.open(domain), party, participant, over);
    } catch (error) {
      signal.throwIfAborted();
      if (!late.aborted) throw error;
      throw unavailable(
        "PARTY_ALLOCATION_TIMEOUT",
        `The domain ${domain} has not taken the party ${party} within ${VISIBLE_WITHIN_MS / 1000} s; it is tried further, list the parties to see it`,
        { metadata: { participant: member.name, party, domain } },
      );
    }
  }
}

async function untilHosted(
  store: TopologyStore,
  party: string,
  participant: string,
  signal: AbortSignal,
): Promise<void> {
  const hosted = Promise.withResolvers<void>();
  const look = () => {
    if (store.state.hostingParticipantsOn(store.id, party).has(participant)) hosted.resolve();
  };
  const unsubscribe = store.onCommitted(look);
  try {
    look();
    await untilAborted(hosted.promise, signal);
  } finally {
    unsubscribe();
  }
}
