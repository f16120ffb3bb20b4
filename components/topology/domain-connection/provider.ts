/** Pulumi's view of a participant's connection to a domain. */
import { isDeepStrictEqual } from "node:util";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import { describe } from "../convergence.ts";
import { participantMember } from "../topology-names.ts";
import {
  type ConnectionTarget,
  type ConnectionWanted,
  convergeConnection,
  convergeDisconnection,
  observeConnection,
  Refused,
} from "./steps.ts";

/** What the resource takes. */
export interface DomainConnectionInputs extends ConnectionTarget, ConnectionWanted {
  /** Id of the participant. */
  readonly participantId: string;
  /** What to do to be admitted, for the message of a refusal: lines of configuration. */
  readonly admission?: string;
}

/** See `thinProvider`. */
export const provider = stepProvider<DomainConnectionInputs, object>({
  inputs: ["participant", "participantId", "domainAlias", "sequencers", "domainId", "acceptedAgreement", "admission"],
  identity: ["participantId", "domainAlias"],
  id: ({ participantId, domainAlias }) => `${participantMember(participantId)}/${domainAlias}`,
  converge: async (inputs) => {
    try {
      await convergeConnection(inputs, inputs);
    } catch (error) {
      throw new Incomplete(messageOf(inputs, error as Error));
    }
    return {};
  },
  observe: async (inputs) => {
    const { registration, connected } = await observeConnection(inputs);
    if (registration === undefined) return { is: "absent" };
    if (!connected) return { is: "present", drift: "is not connected" };
    if (!registration.automatic) return { is: "present", drift: "would not connect again after a restart" };
    if (registration.domainId !== inputs.domainId)
      return { is: "present", inputs: { domainId: registration.domainId } };
    const urls = (list: readonly { alias: string; url: string }[]) =>
      list.map(({ alias, url }) => `${alias} ${url}`).sort();
    return isDeepStrictEqual(urls(registration.sequencers), urls(inputs.sequencers))
      ? { is: "present" }
      : { is: "present", drift: `is registered with other sequencers: ${urls(registration.sequencers).join(", ")}` };
  },
  remove: convergeDisconnection,
});

function messageOf(inputs: DomainConnectionInputs, error: Error): string {
  const participant = participantMember(inputs.participantId);
  if (error instanceof Refused) {
    const what = `The domain ${inputs.domainAlias} (${inputs.domainId}) refused participant ${participant}: it is not on the allow-list, or barred there.`;
    const how =
      inputs.admission ?? "Ask the owner of the domain to add this id to the allow-list, then run the update again.";
    return `${what}\n${how}`;
  }
  const why = isCantonError(error) ? describe(error) : error.message;
  return `${participant} is not connected to ${inputs.domainAlias}: ${why}`;
}
