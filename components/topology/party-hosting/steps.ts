/** A party on a further participant, through the admin APIs of both participants or of one of them. No Pulumi. */
import { TopologyManagerReadServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { connect } from "@pulumi-canton/runtime/grpc-client.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { converge } from "../convergence.ts";
import type { MappingState } from "../mapping/plan.ts";
import { convergeMapping, headOf, observeMapping } from "../mapping/steps.ts";
import { participantMember } from "../topology-names.ts";
import { type HostingPermission, type HostingSide, hostingOf } from "./mapping.ts";
import { type HostingProgress, type HostingSides, hostingProgress } from "./plan.ts";
import type { PartyHostingInputs } from "./provider.ts";

export { messageOf } from "../convergence.ts";

/** The sides that are ours to give, in the order in which they are given. */
function ownSides({ target, source }: PartyHostingInputs): { side: "To" | "From"; node: Endpoint }[] {
  return [
    ...(target === undefined ? [] : [{ side: "To" as const, node: target }]),
    ...(source === undefined ? [] : [{ side: "From" as const, node: source }]),
  ];
}

function kindOf({ party, participantId }: PartyHostingInputs, side: HostingSide) {
  return hostingOf({ side, partyId: party, participantId });
}

/** What the domain says of both sides, as one node sees it. */
async function sidesSeenBy(node: Endpoint, inputs: PartyHostingInputs): Promise<HostingSides> {
  const client = connect(TopologyManagerReadServiceClient, node);
  try {
    const [to, from, both] = await Promise.all(
      (["To", "From", "Both"] as const).map((side) => kindOf(inputs, side).read(client, headOf(inputs.domainId))),
    );
    return { to: [...(to ?? []), ...(both ?? [])], from: [...(from ?? []), ...(both ?? [])] };
  } finally {
    client.close();
  }
}

/** What there is of our sides, and how far the hosting is. */
export async function observeHosting(inputs: PartyHostingInputs): Promise<{
  readonly own: readonly { readonly side: "To" | "From"; readonly state: MappingState<HostingPermission> }[];
  readonly progress: HostingProgress;
}> {
  const sides = ownSides(inputs);
  const own = await Promise.all(
    sides.map(async ({ side, node }) => ({
      side,
      state: await observeMapping({ node, domainId: inputs.domainId }, kindOf(inputs, side)),
    })),
  );
  const observer = sides[0]?.node;
  const seen = observer === undefined ? { to: [], from: [] } : await sidesSeenBy(observer, inputs);
  return { own, progress: progressOf(inputs, seen) };
}

/**
 * Gives our sides, the hosting participant's first, each waited for until the domain shows it. Where the other side is not
 * ours to give, it is left pending.
 */
export async function convergeHosting(inputs: PartyHostingInputs): Promise<HostingProgress> {
  const { domainId, permission } = inputs;
  const sides = ownSides(inputs);
  for (const { side, node } of sides) {
    await convergeMapping({ node, domainId }, kindOf(inputs, side), { permission });
  }
  const nodes = sides.map(({ node }) => node);
  const [first] = nodes;
  if (first === undefined) return progressOf(inputs, { to: [], from: [] });
  if (nodes.length === 1) return progressOf(inputs, await sidesSeenBy(first, inputs));
  // Both sides were seen where they were given; the hosting participant learns of the other one last.
  const seen = await converge({
    what: `party ${inputs.party} on ${participantMember(inputs.participantId)}`,
    observe: () => sidesSeenBy(first, inputs),
    plan: (sidesSeen) => (progressOf(inputs, sidesSeen).active ? [] : [{ do: "wait" }]),
    apply: async () => undefined,
  });
  return progressOf(inputs, seen);
}

/** Takes our sides back, the party owner's first: so the party is off the participant before that gives up its consent. */
export async function endHosting(inputs: PartyHostingInputs): Promise<void> {
  for (const { side, node } of ownSides(inputs).reverse()) {
    await convergeMapping({ node, domainId: inputs.domainId }, kindOf(inputs, side), undefined);
  }
}

function progressOf({ party, participantId }: PartyHostingInputs, seen: HostingSides): HostingProgress {
  return hostingProgress(seen, { party, participant: participantMember(participantId) });
}
