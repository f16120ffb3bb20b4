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
import { applicationsIn, imageProblems, podsOf, providerProblems, storesOf } from "./kubernetes/applications-config.ts";
import { checkKubernetesConfig, type KubernetesConfig, nodesOf, sequencersOf } from "./kubernetes/config.ts";
import { invite } from "./kubernetes/invite.ts";
import { acceptInvitation, hostParties, joinDomain } from "./kubernetes/join.ts";
import { type Besides, choosePlatform, ledgerTokenOf } from "./kubernetes/platform.ts";
import { dumpIdentities, makeBackups } from "./kubernetes/recovery.ts";
import { backupPod, backupProblems } from "./kubernetes/recovery-config.ts";
import { makeReverseProxy } from "./kubernetes/reverse-proxy.ts";
import { besidesProxy } from "./kubernetes/reverse-proxy-config.ts";
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
  const { platform, namespace, auth } = chosen;
  const domain = config.domain && makeDomain(platform, config);
  const invitation = domain && invite(domain, config);

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
      if (joined && config.join) {
        const connection = joinDomain(participant, joined, config.join);
        Object.assign(parties, hostParties(participant, [joined], [connection], hosted));
      }
      addUsers(participant, name, users, parties, ledgerToken);
    }
  }

  const having = applicationsIn(config.participants);
  const applications = having.length > 0 && makeApplications(having, participants, chosen);
  const identityDumps = dumpIdentities(config, domain, participants);
  makeBackups(config, nodes, identityDumps, chosen);
  const hosts = config.routes && makeRoutes(config.routes, nodes, having, chosen, participants);

  const reverseProxy =
    config.reverseProxy &&
    domain &&
    makeReverseProxy(config.reverseProxy, nodes, config.images.flavour, domain, chosen);

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
    ...(platform.administrator && { administrator: standing(platform.administrator) }),
    ...(applications && { applications: standing(applications) }),
    ...(hosts && { hosts }),
    ...(reverseProxy && { reverseProxy }),
    ...(config.identityDumps && { identityDumps: eachStanding(identityDumps) }),
    ...(invitation && { invitation: standing(invitation.invitation.apply((text) => JSON.parse(text))) }),
  };
}

/** What the stack has besides nodes, and what is wrong with that where it is to be. */
function besidesNodes(
  config: KubernetesConfig,
  deployment: Deployment,
  infrastructure: InfrastructureState | undefined,
): Besides {
  const { routes, reverseProxy, participants } = config;
  const nodes = nodesOf(config);
  const having = applicationsIn(participants);
  const by = routes && routedBy(routes, infrastructure);
  const proxy =
    reverseProxy && besidesProxy(reverseProxy, { ...config, nodes }, deployment.environment, infrastructure);
  const planned = [...(routes ? planRoutes(routes, nodes, having) : []), ...(proxy ? [proxy] : [])];
  const problems = [
    ...(proxy?.problems ?? []),
    ...imageProblems(participants, deployment.environment),
    ...providerProblems(participants, config.infrastructure, infrastructure),
    ...backupProblems(config, deployment, infrastructure),
  ];
  if (routes !== undefined && by === undefined) {
    problems.push(
      `routes: ${config.infrastructure} has no ingress; expected routes.ingressClass and routes.ingressNamespace of one that is there`,
    );
  }
  return {
    logins: having.flatMap(storesOf),
    pods: [...having.flatMap(podsOf), ...(config.backups ? [backupPod] : []), ...(proxy ? [proxy.pods] : [])],
    serverNames: serverNamesOf(planned),
    ingress: by ? [by.ingressNamespace] : [],
    loadBalancers: proxy?.loadBalancers ?? 0,
    problems,
  };
}

function makeDomain(platform: KubernetesPlatform, config: KubernetesConfig): Domain | undefined {
  if (config.domain === undefined) return undefined;
  const { alias, policy, initialisation, termsOfService, parameters } = config.domain;
  const domain = new Domain(alias, {
    platform,
    alias,
    policy,
    initialisation,
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
