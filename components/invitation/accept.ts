/** What an invitation tells, in the form in which a connection takes it. No Pulumi. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

/** Puts what the sequencers' certificates are to be verified with into files below `home`. */
export function accept(home: string, signed: string): AcceptedInvitationOutputs {
  const { domainId, alias, sequencers } = verifyInvitation(signed);
  const dial = sequencers.map(({ alias: sequencer, url, certificates }, index): SequencerToDial => {
    if (certificates === undefined) return { alias: sequencer, url };
    mkdirSync(folderOf(home), { recursive: true });
    const caFile = join(folderOf(home), `sequencer${index + 1}.crt`);
    writeFileSync(caFile, certificates);
    return { alias: sequencer, url, caFile };
  });
  return { invitedTo: domainId, alias, sequencers: dial };
}

/** Whether a file that `accept` wrote is gone. */
export function missingCertificates(sequencers: readonly SequencerToDial[] = []): boolean {
  return sequencers.some(({ caFile }) => caFile !== undefined && !existsSync(caFile));
}

/** Removes what `accept` wrote. */
export function forget(home: string): void {
  rmSync(folderOf(home), { recursive: true, force: true });
}

function folderOf(home: string): string {
  return join(home, "invitation");
}
