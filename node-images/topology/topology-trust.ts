import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { decodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import { sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import type { UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import type { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import type { ReceivedEvent } from "@pulumi-canton/sequencer-client/received-event.ts";
import type { SequencerTrust } from "@pulumi-canton/sequencer-client/sequencer-trust.ts";
import { applyTopologyMessage } from "./topology-message.ts";

/**
 * Trusts the sequencers that the topology of the domain names. What the topology says of them is authorised by the
 * domain's namespace, so the domain id is all that has to be known beforehand.
 *
 * @param topology the state of the domain after the events that were handled
 */
export function topologyTrust(domainId: UniqueIdentifier, topology: () => TopologyState): SequencerTrust {
  const keysIn = (state: TopologyState): readonly SigningPublicKey[] => state.keysOf(sequencerMember(domainId)).signing;
  return {
    keys: () => keysIn(topology()),
    readAhead: () => {
      let state = topology();
      return (event) => {
        state = after(state, event, domainId);
        return keysIn(state);
      };
    },
  };
}

function after(
  before: TopologyState,
  { envelopes, timestamp: sequencedAt }: ReceivedEvent,
  domainId: string,
): TopologyState {
  let state = before;
  for (const { content } of envelopes) {
    try {
      const decoded = decodeEnvelopeContent(content);
      if (decoded.kind !== "domain-topology-message") continue;
      const applied = applyTopologyMessage(state, decoded.message, { domainId, sequencedAt });
      if (applied.accepted) state = applied.state;
    } catch (error) {
      // Whoever handles the event reports it.
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
  return state;
}
