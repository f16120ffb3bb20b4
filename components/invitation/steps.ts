/** Has a domain's manager sign an invitation. No Pulumi. */
import {
  type Invitation,
  InvitationRefused,
  type SignedInvitation,
} from "@pulumi-canton/domain-manager/invitation/invitation.ts";
import { verifyInvitation } from "@pulumi-canton/domain-manager/invitation/verify-invitation.ts";
import { PROTOCOL_VERSION } from "@pulumi-canton/protocol/domain-parameters.ts";
import { InvitationServiceClient } from "@pulumi-canton/protocol/gen/pulumicanton/admin/v1/invitation_service.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { callDeadlineMs } from "../topology/convergence.ts";
import { trustOf } from "../topology/domain-connection/steps.ts";
import type { InvitationInputs, InvitationOutputs } from "./provider.ts";

export { messageOf } from "../topology/convergence.ts";

const dayMs = 86_400_000;

/** The invitation that these inputs ask for, valid from now on. */
export async function invite(inputs: InvitationInputs, now: Date): Promise<InvitationOutputs> {
  const { domainManager, domainId, alias, termsOfService, validDays } = inputs;
  const expires = new Date(now.getTime() + validDays * dayMs).toUTCString();
  const invitation: Invitation = {
    version: 1,
    domainId,
    alias,
    sequencers: inputs.sequencers.map((sequencer) => {
      const certificates = trustOf(sequencer);
      return { alias: sequencer.alias, url: sequencer.url, ...(certificates !== undefined && { certificates }) };
    }),
    protocolVersion: PROTOCOL_VERSION,
    ...(termsOfService && { termsOfService }),
    expires,
  };
  const client = connect(InvitationServiceClient, domainManager);
  try {
    const request = { invitation: Buffer.from(JSON.stringify(invitation)) };
    const options = { deadlineMs: callDeadlineMs, waitForReady: true };
    const { topology, signature } = await call(client, "signInvitation", request, options);
    const signed: SignedInvitation = {
      invitation,
      topology: topology.map((transaction) => transaction.toString("base64")),
      signature: {
        signedBy: signature?.signedBy ?? "",
        signature: signature?.signature.toString("base64") ?? "",
      },
    };
    verifyInvitation(signed, { domainId });
    return { invitation: JSON.stringify(signed), expires };
  } finally {
    client.close();
  }
}

/** Why nobody would take an invitation; undefined when it is good but for its time. */
export function whyWorthless(signed: string): string | undefined {
  try {
    verifyInvitation(signed);
    return undefined;
  } catch (error) {
    if (error instanceof InvitationRefused) return error.message;
    throw error;
  }
}
