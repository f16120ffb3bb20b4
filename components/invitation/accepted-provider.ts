/** Pulumi's view of an invitation that was taken up. */
import { stepProvider } from "../dynamic/step-provider.ts";
import type { SequencerToDial } from "../topology/domain-connection/steps.ts";

/** What the resource takes. */
export interface AcceptedInvitationInputs {
  readonly home: string;
  readonly invitation: string;
  readonly domainId?: string;
}

/** What the resource gives out. */
export interface AcceptedInvitationOutputs {
  readonly invitedTo: string;
  readonly alias: string;
  readonly sequencers: readonly SequencerToDial[];
}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./accept.ts");

/** See `thinProvider`. */
export const provider = stepProvider<AcceptedInvitationInputs, AcceptedInvitationOutputs>({
  inputs: ["home", "invitation", "domainId"],
  identity: [],
  id: () => "invitation",
  check: async ({ invitation, domainId }, before) => {
    if (invitation === undefined) return [];
    // One that was taken up in time stays so: its time is for those who are still to come.
    const takenUp = before?.invitation === invitation;
    const why = (await steps()).whyRefused(invitation, { domainId, ...(!takenUp && { now: Date.now() }) });
    return why === undefined ? [] : [{ property: "invitation", reason: `the invitation is refused: ${why}` }];
  },
  converge: async ({ home, invitation }) => (await steps()).accept(home, invitation),
  observe: async (_inputs, { sequencers }) => {
    const gone = (await steps()).missingCertificates(sequencers);
    return { is: "present", ...(gone && { drift: "lost the certificates of its sequencers" }) };
  },
  remove: async ({ home }) => (await steps()).forget(home),
});
