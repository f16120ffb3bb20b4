/**
 * One participant on two domains or more, such as a private one and one that many share: contracts move between them by its
 * hands. Each domain is joined by an invitation. Configured by `Pulumi.STACK.yaml`; see docs/kubernetes.md.
 */
import type { Output } from "@pulumi/pulumi";
import { Participant } from "@pulumi-canton/components/participant/participant.ts";
import { checkBridgeConfig, nodesOf } from "./bridge/config.ts";
import { eachStanding, readConfig, standing } from "./config/read-config.ts";
import { addUsers } from "./config/users.ts";
import { acceptInvitation, joinDomain } from "./kubernetes/join.ts";
import { choosePlatform, ledgerTokenOf } from "./kubernetes/platform.ts";

/** Brings up what the stack's configuration says; gives back the stack's outputs. */
export default async function bridge(): Promise<Record<string, unknown>> {
  const config = readConfig(checkBridgeConfig);
  const { name, initialisation, users } = config.participant;
  const domains = Object.entries(config.domains).map(([key, join]) => {
    return { key, join, domain: acceptInvitation(`domains.${key}`, `invitation-${key}`, join) };
  });
  const { platform, namespace } = await choosePlatform(config, nodesOf(config));
  const auth = config.ledgerApi?.auth;
  const participant = new Participant(name, { platform, initialisation, ...(auth && { auth }) });

  const parties: Record<string, Output<string>> = {};
  for (const { key, join, domain } of domains) {
    const hosted = Object.keys(config.parties).filter((party) => config.parties[party]?.includes(key));
    Object.assign(parties, joinDomain(participant, domain, join, hosted, `-${key}`));
  }
  addUsers(participant, name, users, parties, ledgerTokenOf(config));

  return {
    namespace,
    nodes: eachStanding({ ...participant.nodes }),
    // What the owners of the domains have to know.
    participantId: standing(participant.participantId),
    parties: eachStanding(parties),
  };
}
