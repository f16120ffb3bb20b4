/** What an invitation tells, in the form in which a connection takes it. No Pulumi. */
import { InvitationRefused } from "@pulumi-canton/domain-manager/invitation/invitation.ts";
import { verifyInvitation } from "@pulumi-canton/domain-manager/invitation/verify-invitation.ts";
import type { SequencerToDial } from "../topology/domain-connection/steps.ts";
import type { AcceptedInvitationOutputs } from "./accepted-provider.ts";

/** Why an invitation is refused; undefined when it is not. */
export function whyRefused(
  invitation: string,
  expected: { readonly domainId?: string | undefined; readonly now?: number },
): string | undefined {
  try {
    verifyInvitation(invitation, expected);
    return undefined;
  } catch (error) {
    if (error instanceof InvitationRefused) return error.message;
    throw error;
  }
}

/** What a good invitation tells. */
export function accept(signed: string): AcceptedInvitationOutputs {
  const { domainId, alias, sequencers } = verifyInvitation(signed);
  const dial = sequencers.map(({ alias: sequencer, url, certificates: ca }): SequencerToDial => {
    return { alias: sequencer, url, ...(ca !== undefined && { ca }) };
  });
  return { invitedTo: domainId, alias, sequencers: dial };
}
