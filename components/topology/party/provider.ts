/** Pulumi's view of a party on its participant. */
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { describe } from "../convergence.ts";
import { partyIdOf } from "../topology-names.ts";
import { convergeParty, convergePartyRemoval, observeParty, type PartyTarget } from "./steps.ts";

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

/** See `thinProvider`. */
export const provider = stepProvider<PartyInputs, PartyOutputs>({
  inputs: ["participant", "participantId", "party", "domainId"],
  identity: ["participantId", "party"],
  id: ({ party, participantId }) => partyIdOf(party, participantId),
  converge: async (inputs) => {
    const target = targetOf(inputs);
    try {
      await convergeParty(target);
    } catch (error) {
      const why = isCantonError(error) ? describe(error) : (error as Error).message;
      throw new Incomplete(`party ${target.partyId} is not hosted: ${why}`);
    }
    return { partyId: target.partyId };
  },
  observe: async (inputs) => {
    const { authorized, visible } = await observeParty(targetOf(inputs));
    if (!authorized) return { is: "absent" };
    return visible ? { is: "present" } : { is: "present", drift: "is not seen on the domain" };
  },
  remove: (inputs) => convergePartyRemoval(targetOf(inputs)),
});

function targetOf({ participant, participantId, party, domainId }: PartyInputs): PartyTarget {
  return { participant, participantId, partyId: partyIdOf(party, participantId), domainId };
}
