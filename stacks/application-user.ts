/**
 * An application user on this machine: participants of an organisation that does not own the domain, joined by the invitation
 * that its owner gave out. Configured by `Pulumi.application-user.yaml`; see docs/application-user.md.
 */
import { join, resolve } from "node:path";
import { type Output, output } from "@pulumi/pulumi";
import { AcceptedInvitation } from "@pulumi-canton/components/invitation/accepted-invitation.ts";
import { type DomainToJoin, Participant } from "@pulumi-canton/components/participant/participant.ts";
import { LocalPlatform } from "@pulumi-canton/components/platform/local/local-platform.ts";
import { checkApplicationUserConfig, requestLines } from "./application-user/config.ts";
import { portsOf } from "./config/nodes.ts";
import { eachStanding, notRight, readConfig, standing } from "./config/read-config.ts";
import { addUsers } from "./config/users.ts";

/** Brings up what the stack's configuration says; gives back the stack's outputs. */
export default async function applicationUser(): Promise<Record<string, unknown>> {
  const config = readConfig(checkApplicationUserConfig);
  const home = resolve(process.env["CANTON_HOME"] ?? join(import.meta.dirname, "..", ".canton-application-user"));
  const { invitation, domainId, termsOfService } = config;
  const accepted = invitation === undefined ? undefined : await accept(invitation, domainId);
  const platform = new LocalPlatform(
    "local",
    { home, tls: config.tls, ports: portsOf(config.ports) },
    // Nothing is created before the invitation is found to be good.
    { ...(accepted && { dependsOn: [accepted] }) },
  );
  const domain: DomainToJoin | undefined = accepted && {
    domainId: accepted.invitedTo,
    alias: config.domainAlias ?? accepted.alias,
    sequencers: accepted.sequencers,
  };

  const parties: Record<string, Output<string>> = {};
  const participants = config.participants.map(({ name, parties: hosted, initialisation, users }) => {
    const participant = new Participant(name, { platform, initialisation });
    if (domain === undefined) return participant;
    const terms = termsOfService && participant.accept(domain, termsOfService);
    const admission = participant.participantId.apply(requestLines);
    const connection = participant.connect(domain, { admission }, { ...(terms && { dependsOn: [terms] }) });
    for (const party of hosted) {
      parties[party] = participant.party(party, domain, { dependsOn: [connection] }).partyId;
    }
    addUsers(participant, name, users, parties);
    return participant;
  });

  return {
    domain: {
      id: domain === undefined ? "" : standing(output(domain.domainId)),
      alias: domain === undefined ? "" : standing(output(domain.alias)),
      sequencers:
        domain === undefined ? [] : standing(output(domain.sequencers).apply((all) => all.map(({ url }) => url))),
    },
    nodes: eachStanding(Object.assign({}, ...participants.map(({ nodes }) => nodes))),
    // What the owner of the domain has to know.
    participantIds: Object.fromEntries(
      participants.map(({ participantId }, index) => [config.participants[index]?.name, standing(participantId)]),
    ),
    parties: eachStanding(parties),
    console: "./scripts/console",
  };
}

/** Takes an invitation up that is what its owner signed; whether it has expired, the resource knows, as it may be an old one. */
async function accept(invitation: string, domainId: string | undefined): Promise<AcceptedInvitation> {
  const { whyRefused } = await import("@pulumi-canton/components/invitation/accept.ts");
  const why = whyRefused(invitation, { domainId });
  if (why !== undefined) throw notRight(`invitation: is refused: ${why}`);
  return new AcceptedInvitation("invitation", { invitation, ...(domainId !== undefined && { domainId }) });
}
