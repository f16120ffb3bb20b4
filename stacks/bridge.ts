/**
 * One participant on two domains or more, such as a private one and one that many share: contracts move between them by its
 * hands. Each domain is joined by an invitation. Configured by `Pulumi.STACK.yaml`; see docs/kubernetes.md.
 */
import { Participant } from "@pulumi-canton/components/participant/participant.ts";
import { checkBridgeConfig, nodesOf } from "./bridge/config.ts";
import { eachStanding, readConfig, standing } from "./config/read-config.ts";
import { addUsers } from "./config/users.ts";
import { acceptInvitation, hostParties, joinDomain } from "./kubernetes/join.ts";
import { choosePlatform, ledgerTokenOf } from "./kubernetes/platform.ts";

/** Brings up what the stack's configuration says; gives back the stack's outputs. */
export default async function bridge(): Promise<Record<string, unknown>> {
  const config = readConfig(checkBridgeConfig);
  const { name, parties: hosted, initialisation, users } = config.participant;
  const joins = Object.entries(config.domains).map(([alias, join]) => {
    return { alias, join, domain: acceptInvitation(`domains.${alias}`, `invitation-${alias}`, { ...join, alias }) };
  });
  const { platform, namespace, auth } = await choosePlatform(config, nodesOf(config));
  const participant = new Participant(name, { platform, initialisation, ...(auth && { auth }) });

  const connections = joins.map(({ alias, join, domain }) => joinDomain(participant, domain, join, `-${alias}`));
  const domains = joins.map(({ domain }) => domain);
  const parties = hostParties(participant, domains, connections, hosted);
  addUsers(participant, name, users, parties, ledgerTokenOf(config));

  return {
    namespace,
    nodes: eachStanding({ ...participant.nodes }),
    // What the owners of the domains have to know.
    participantId: standing(participant.participantId),
    parties: eachStanding(parties),
    ...(platform.administrator && { administrator: standing(platform.administrator) }),
  };
}
