/**
 * A Canton domain, participants, or both, in a Kubernetes cluster: one that a stack of the templates azure, aws or gcp made, or any
 * other. Configured by `Pulumi.STACK.yaml`; see docs/kubernetes.md.
 */
import type { Output } from "@pulumi/pulumi";
import type { Deployment } from "@pulumi-canton/components/deployment/deployment.ts";
import { Domain } from "@pulumi-canton/components/domain/domain.ts";
import { Participant } from "@pulumi-canton/components/participant/participant.ts";
import type { KubernetesPlatform } from "@pulumi-canton/components/platform/kubernetes/kubernetes-platform.ts";
import { refuseParameters, setParameters, takePart, termsIn } from "./config/membership.ts";
import { eachStanding, readConfig, standing } from "./config/read-config.ts";
import { addUsers } from "./config/users.ts";
import type { InfrastructureState } from "./infrastructure/outputs.ts";
import { makeApplications } from "./kubernetes/applications.ts";
import { applicationsIn, imageProblems, podsOf, storesOf } from "./kubernetes/applications-config.ts";
import { checkKubernetesConfig, type KubernetesConfig, nodesOf, sequencersOf } from "./kubernetes/config.ts";
import { acceptInvitation, joinDomain } from "./kubernetes/join.ts";
import { type Besides, choosePlatform, ledgerTokenOf } from "./kubernetes/platform.ts";
import { makeRoutes } from "./kubernetes/routes.ts";
import { planRoutes, routedBy, serverNamesOf } from "./kubernetes/routes-config.ts";

/** Brings up what the stack's configuration says; gives back the stack's outputs. */
export default async function kubernetes(): Promise<Record<string, unknown>> {
  const config = readConfig(checkKubernetesConfig);
  await refuseParameters(config.domain?.parameters);
  const joined = config.join && acceptInvitation("join", "invitation", config.join);
  const nodes = nodesOf(config);
  const chosen = await choosePlatform(config, nodes, (deployment, infrastructure) =>
    besidesNodes(config, deployment, infrastructure),
  );
  const { platform, namespace } = chosen;
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

  const having = applicationsIn(config.participants);
  const applications =
    having &&
    makeApplications(
      having.participant,
      participants.get(having.participant) as Participant,
      having.applications,
      chosen,
    );
  const hosts = config.routes && makeRoutes(config.routes, nodes, chosen, participants);

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
    ...(applications && { applications: standing(applications) }),
    ...(hosts && { hosts }),
    ...(invitation && { invitation: standing(invitation.invitation.apply((text) => JSON.parse(text))) }),
  };
}

/** What the stack has besides nodes, and what is wrong with that where it is to be. */
function besidesNodes(
  config: KubernetesConfig,
  { environment }: Deployment,
  infrastructure: InfrastructureState | undefined,
): Besides {
  const { routes, participants } = config;
  const applications = applicationsIn(participants)?.applications;
  const by = routes && routedBy(routes, infrastructure);
  const problems = imageProblems(participants, environment);
  if (routes !== undefined && by === undefined) {
    problems.push(
      `routes: ${config.infrastructure} has no ingress; expected routes.ingressClass and routes.ingressNamespace of one that is there`,
    );
  }
  return {
    logins: applications ? storesOf(applications) : [],
    pods: applications ? podsOf(applications) : [],
    serverNames: routes ? serverNamesOf(planRoutes(routes, nodesOf(config))) : {},
    ingress: by ? [by.ingressNamespace] : [],
    problems,
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
