/**
 * A Canton domain, participants, or both, in a Kubernetes cluster: one that a stack of the templates azure, aws or gcp made, or any
 * other. Configured by `Pulumi.STACK.yaml`; see docs/kubernetes.md.
 */
import type { Output } from "@pulumi/pulumi";
import { Domain } from "@pulumi-canton/components/domain/domain.ts";
import { Participant } from "@pulumi-canton/components/participant/participant.ts";
import type { KubernetesPlatform } from "@pulumi-canton/components/platform/kubernetes/kubernetes-platform.ts";
import { refuseParameters, setParameters, takePart, termsIn } from "./config/membership.ts";
import { eachStanding, readConfig, standing } from "./config/read-config.ts";
import { addUsers } from "./config/users.ts";
import { checkKubernetesConfig, type KubernetesConfig, nodesOf, sequencersOf } from "./kubernetes/config.ts";
import { acceptInvitation, joinDomain } from "./kubernetes/join.ts";
import { choosePlatform, ledgerTokenOf } from "./kubernetes/platform.ts";

/** Brings up what the stack's configuration says; gives back the stack's outputs. */
export default async function kubernetes(): Promise<Record<string, unknown>> {
  const config = readConfig(checkKubernetesConfig);
  await refuseParameters(config.domain?.parameters);
  const joined = config.join && acceptInvitation("join", "invitation", config.join);
  const { platform, namespace } = await choosePlatform(config, nodesOf(config));
  const domain = config.domain && makeDomain(platform, config);
  const invitation =
    domain && config.domain?.invitation && domain.invite("invitation", config.domain.invitation as never);

  const auth = config.ledgerApi?.auth;
  const participants = new Map(
    config.participants.map(({ name, initialisation }) => {
      return [name, new Participant(name, { platform, initialisation, ...(auth && { auth }) })] as const;
    }),
  );
  const ledgerToken = ledgerTokenOf(config);
  const parties: Record<string, Output<string>> = domain
    ? takePart(domain, participants, config, { ledgerToken, ...ownSequencers(domain, config) })
    : {};
  if (domain === undefined) {
    for (const { name, parties: hosted, users } of config.participants) {
      const participant = participants.get(name) as Participant;
      if (joined && config.join) Object.assign(parties, joinDomain(participant, joined, config.join, hosted));
      addUsers(participant, name, users, parties, ledgerToken);
    }
  }

  return {
    namespace,
    ...(domain && {
      domain: {
        id: standing(domain.domainId),
        alias: config.domain?.alias,
        sequencers: standing(domain.sequencers.apply((all) => all.map(({ url }) => url))),
        policy: config.domain?.policy,
      },
    }),
    nodes: eachStanding(Object.assign({}, domain?.nodes, ...[...participants.values()].map(({ nodes }) => nodes))),
    // What the owner of a domain has to know.
    participantIds: eachStanding(
      Object.fromEntries([...participants].map(([name, { participantId }]) => [name, participantId])),
    ),
    parties: eachStanding(parties),
    ...(invitation && { invitation: standing(invitation.invitation.apply((text) => JSON.parse(text))) }),
  };
}

function makeDomain(platform: KubernetesPlatform, config: KubernetesConfig): Domain | undefined {
  if (config.domain === undefined) return undefined;
  const { alias, policy, termsOfService, parameters } = config.domain;
  const domain = new Domain(alias, {
    platform,
    alias,
    policy,
    sequencers: sequencersOf(config),
    ...(termsOfService && { termsOfService: termsIn(termsOfService) }),
  });
  setParameters(domain, parameters);
  return domain;
}

/** Each participant dials the sequencer of its place, where each has its own. */
function ownSequencers(domain: Domain, config: KubernetesConfig) {
  if (config.domain?.sequencers !== "per-participant") return {};
  return { sequencersFor: (index: number) => domain.sequencers.apply((all) => all.slice(index, index + 1)) };
}
