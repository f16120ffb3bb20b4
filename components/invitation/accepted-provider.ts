/** Pulumi's view of an invitation that was taken up. */
import { stepProvider } from "../dynamic/step-provider.ts";
import type { SequencerToDial } from "../topology/domain-connection/steps.ts";

/** What the resource takes. */
export interface AcceptedInvitationInputs {
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
  inputs: ["invitation", "domainId"],
  identity: [],
  id: () => "invitation",
  check: async ({ invitation, domainId }, before) => {
    if (invitation === undefined) return [];
    // One that was taken up in time stays so: its time is for those who are still to come.
    const takenUp = before?.invitation === invitation;
    const why = (await steps()).whyRefused(invitation, { domainId, ...(!takenUp && { now: Date.now() }) });
    return why === undefined ? [] : [{ property: "invitation", reason: `the invitation is refused: ${why}` }];
  },
  converge: async ({ invitation }) => (await steps()).accept(invitation),
  observe: async () => ({ is: "present" }),
  remove: async () => undefined,
});
