/** Pulumi's view of a party on its participant. */
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { partyIdOf } from "../topology-names.ts";
import type { PartyTarget } from "./steps.ts";

/** What the resource takes. */
export interface PartyInputs {
  /** Admin API of the participant that hosts it. */
  readonly participant: Endpoint;
  /** Id of that participant. */
  readonly participantId: string;
  /** A name, or a full id `name::fingerprint`. */
  readonly party: string;
  /** Id of the domain on which it is to be seen. */
  readonly domainId: string;
}

/** What the resource gives out. */
export interface PartyOutputs {
  /** Full id of the party. */
  readonly partyId: string;
}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./steps.ts");

/** See `thinProvider`. */
export const provider = stepProvider<PartyInputs, PartyOutputs>({
  inputs: ["participant", "participantId", "party", "domainId"],
  identity: ["participantId", "party"],
  id: ({ party, participantId }) => partyIdOf(party, participantId),
  converge: async (inputs) => {
    const target = targetOf(inputs);
    const { convergeParty, messageOf } = await steps();
    try {
      await convergeParty(target);
    } catch (error) {
      throw new Incomplete(`party ${target.partyId} is not hosted: ${messageOf(error as Error)}`);
    }
    return { partyId: target.partyId };
  },
  observe: async (inputs) => {
    const { authorized, visible } = await (await steps()).observeParty(targetOf(inputs));
    if (!authorized) return { is: "absent" };
    return visible ? { is: "present" } : { is: "present", drift: "is not seen on the domain" };
  },
  remove: async (inputs) => (await steps()).convergePartyRemoval(targetOf(inputs)),
});

function targetOf({ participant, participantId, party, domainId }: PartyInputs): PartyTarget {
  return { participant, participantId, partyId: partyIdOf(party, participantId), domainId };
}
