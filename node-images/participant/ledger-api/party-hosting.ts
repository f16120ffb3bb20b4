import { untilAborted } from "@pulumi-canton/runtime/abort.ts";
import { failedPrecondition, isCantonError, unavailable } from "@pulumi-canton/runtime/errors.ts";
import type { TopologyManager } from "@pulumi-canton/topology/topology-manager.ts";
import type { TopologyStore } from "@pulumi-canton/topology/topology-store.ts";
import type { TopologyStores } from "@pulumi-canton/topology/topology-stores.ts";
import { describeRefusal } from "../domain/domain-errors.ts";
import type { DomainSession } from "../domain/domain-session.ts";
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
 * @param options.sessions the connected domains
 * @throws CantonError; PARTY_ALLOCATION_REJECTED with the domain's reason when one does not take it. In either case, and when
 *   they do not answer in time, the party stays hosted in this node's own topology, and is offered to the domains again when
 *   it is allocated again, and whenever the participant connects
 */
export async function hostParty(options: {
  readonly party: string;
  readonly member: ParticipantMember;
  readonly manager: TopologyManager;
  readonly stores: TopologyStores;
  readonly sessions: readonly DomainSession[];
  readonly signal: AbortSignal;
}): Promise<void> {
  const { party, member, manager, stores, sessions, signal } = options;
  const participant = member.id();
  const late = AbortSignal.timeout(VISIBLE_WITHIN_MS);
  const done = new AbortController();
  const over = AbortSignal.any([signal, late, done.signal]);
  const problem = (domain: string, reason: string, error: typeof unavailable, what: string) =>
    error(reason, `The domain ${domain} ${what}`, { metadata: { participant: member.name, party, domain } });
  const takenBy = async (session: DomainSession, store: TopologyStore): Promise<void> => {
    const { domainId } = session;
    const rejected = Promise.withResolvers<never>();
    const stopListening = session.dispatcher.onRejected(({ signed: { transaction } }, reason) => {
      const { mapping, operation } = transaction;
      if (mapping.kind !== "PartyToParticipant" || mapping.party !== party || operation !== "Add") return;
      rejected.reject(
        problem(
          domainId,
          "PARTY_ALLOCATION_REJECTED",
          failedPrecondition,
          `has not taken the party ${party}: ${reason}`,
        ),
      );
    });
    const lost = session.ended.then((refusal) => {
      const why = refusal === undefined ? "it was disconnected" : describeRefusal(refusal);
      throw problem(
        domainId,
        "PARTY_ALLOCATION_WITHOUT_CONNECTED_DOMAIN",
        failedPrecondition,
        `is not connected any more (${why}), and has not taken the party ${party} yet`,
      );
    });
    try {
      await Promise.race([untilHosted(store, party, participant, over), rejected.promise, lost]);
    } catch (error) {
      signal.throwIfAborted();
      if (!late.aborted) throw error;
      const what = `has not taken the party ${party} within ${VISIBLE_WITHIN_MS / 1000} s; it is tried further, list the parties to see it`;
      throw problem(domainId, "PARTY_ALLOCATION_TIMEOUT", unavailable, what);
    } finally {
      stopListening();
    }
  };
  const opened = await Promise.all(sessions.map(({ domainId }) => stores.open(domainId)));
  const taken = Promise.all(sessions.map((session, index) => takenBy(session, opened[index] as TopologyStore)));
  // It may end while the authorisation is still under way.
  taken.catch(() => undefined);
  try {
    await authorizeHosting(manager, party, participant).catch((error: unknown) => {
      // Allocated before, and not yet on any domain: what is missing is the wait.
      if (!isCantonError(error) || error.reason !== "TOPOLOGY_MAPPING_ALREADY_EXISTS") throw error;
      for (const { dispatcher } of sessions) dispatcher.offerAgain();
    });
    await taken;
  } finally {
    done.abort(new Error("the allocation ended"));
  }
}

function authorizeHosting(manager: TopologyManager, party: string, participant: string): Promise<unknown> {
  return manager.authorize(
    { kind: "PartyToParticipant", side: "Both", party, participant, permission: "Submission" },
    "Add",
  );
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
