/** Pulumi's view of a party on its participant. */
import type { Endpoint } from "../../platform/platform.ts";
import { mappingProvider } from "../mapping/provider.ts";
import type { HostingPermission } from "../party-hosting/mapping.ts";
import { partyIdOf } from "../topology-names.ts";

/** What the resource takes. */
export interface PartyInputs {
  /** Admin API of the participant that hosts it. */
  readonly participant: Endpoint;
  /** Id of that participant. */
  readonly participantId: string;
  /** A name, or a full id `name::fingerprint`. */
  readonly party: string;
  /** Id of the domain on which it is to be seen, or of several. */
  readonly domainId: string | readonly string[];
}

/** What the resource gives out. */
export interface PartyOutputs {
  /** Full id of the party. */
  readonly partyId: string;
}

/** See `thinProvider`. */
export const provider = mappingProvider<PartyInputs, HostingPermission, PartyOutputs>({
  inputs: ["participant", "participantId", "party", "domainId"],
  identity: ["participantId", "party"],
  id: partyId,
  failure: (inputs) => `party ${partyId(inputs)} is not hosted`,
  target: ({ participant, domainId }) => ({ node: participant, domainId }),
  wanted: () => ({ permission: "Submission" }),
  outputs: (inputs) => ({ partyId: partyId(inputs) }),
  kind: async () => {
    const { hostingOf } = await import("../party-hosting/mapping.ts");
    return (inputs) => hostingOf({ side: "Both", partyId: partyId(inputs), participantId: inputs.participantId });
  },
});

function partyId({ party, participantId }: PartyInputs): string {
  return partyIdOf(party, participantId);
}
