/** Pulumi's view of a participant's connection to a domain. */
import { isDeepStrictEqual } from "node:util";
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import { participantMember } from "../topology-names.ts";
import type { ConnectionTarget, ConnectionWanted } from "./steps.ts";

/** What the resource takes. */
export interface DomainConnectionInputs extends ConnectionTarget, ConnectionWanted {
  /** Id of the participant. */
  readonly participantId: string;
  /** What to do to be admitted, for the message of a refusal: lines of configuration. */
  readonly admission?: string;
}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./steps.ts");

/** See `thinProvider`. */
export const provider = stepProvider<DomainConnectionInputs, object>({
  inputs: ["participant", "participantId", "domainAlias", "sequencers", "domainId", "admission"],
  identity: ["participantId", "domainAlias"],
  id: ({ participantId, domainAlias }) => `${participantMember(participantId)}/${domainAlias}`,
  converge: async (inputs) => {
    const { convergeConnection, messageOf, Refused } = await steps();
    try {
      await convergeConnection(inputs, inputs);
    } catch (error) {
      if (error instanceof Refused) throw new Incomplete(refusal(inputs));
      const participant = participantMember(inputs.participantId);
      throw new Incomplete(`${participant} is not connected to ${inputs.domainAlias}: ${messageOf(error as Error)}`);
    }
    return {};
  },
  observe: async (inputs) => {
    const { registration, connected } = await (await steps()).observeConnection(inputs);
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
  remove: async (inputs) => (await steps()).convergeDisconnection(inputs),
});

function refusal({ participantId, domainAlias, domainId, admission }: DomainConnectionInputs): string {
  const participant = participantMember(participantId);
  const what = `The domain ${domainAlias} (${domainId}) refused participant ${participant}: it is not on the allow-list, or barred there.`;
  const how = admission ?? "Ask the owner of the domain to add this id to the allow-list, then run the update again.";
  return `${what}\n${how}`;
}
