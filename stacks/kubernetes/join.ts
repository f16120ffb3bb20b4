/** From an invitation to a domain that participants are on. */
import type { Output, Resource } from "@pulumi/pulumi";
import { whyRefused } from "@pulumi-canton/components/invitation/accept.ts";
import { AcceptedInvitation } from "@pulumi-canton/components/invitation/accepted-invitation.ts";
import type { DomainToJoin, Participant } from "@pulumi-canton/components/participant/participant.ts";
import { requestLines } from "../application-user/config.ts";
import { notRight } from "../config/read-config.ts";
import type { JoinConfig } from "./join-config.ts";

/**
 * Takes an invitation up.
 *
 * @param key of the configuration that has it
 * @param name of the resource
 * @throws RunError when its owner has not signed it, or not for this domain
 */
export function acceptInvitation(key: string, name: string, { invitation, domainId, alias }: JoinConfig): DomainToJoin {
  const why = whyRefused(invitation, { domainId });
  if (why !== undefined) throw notRight(`${key}.invitation: is refused: ${why}`);
  const accepted = new AcceptedInvitation(name, { invitation, ...(domainId !== undefined && { domainId }) });
  return { domainId: accepted.invitedTo, alias: alias ?? accepted.alias, sequencers: accepted.sequencers };
}

/**
 * Has a participant join a domain of others.
 *
 * @param suffix of the names of its resources, where it joins several
 * @returns the connection
 */
export function joinDomain(
  participant: Participant,
  domain: DomainToJoin,
  { termsOfService }: JoinConfig,
  suffix = "",
): Resource {
  const terms = termsOfService && participant.accept(domain, termsOfService, { suffix });
  const admission = participant.participantId.apply(requestLines);
  return participant.connect(domain, { admission }, { suffix, ...(terms && { dependsOn: [terms] }) });
}

/**
 * Has a participant host parties on the domains that it has joined.
 *
 * @param connections to all of them
 * @returns ids of the parties, by name
 */
export function hostParties(
  participant: Participant,
  domains: readonly DomainToJoin[],
  connections: Resource[],
  parties: readonly string[],
): Record<string, Output<string>> {
  return Object.fromEntries(
    parties.map((party) => [party, participant.party(party, domains, { dependsOn: connections }).partyId]),
  );
}
