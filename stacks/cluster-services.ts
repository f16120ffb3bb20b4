/**
 * What the nodes of a cluster share and what outlives them: databases in the cluster, the ingress, the monitoring, an issuer of
 * certificates, a provider of logins, objects for those who reconcile from git. On the cluster of a stack of the templates azure,
 * aws or gcp, or any other. Configured by `Pulumi.STACK.yaml`; see docs/cluster-services.md.
 */
import { all, mergeOptions, type Output, output, type Resource, secret, unsecret } from "@pulumi/pulumi";
import { CertificateIssuer } from "@pulumi-canton/components/identity/certificate-issuer.ts";
import { TraefikIngress } from "@pulumi-canton/components/ingress/traefik-ingress.ts";
import {
  type ClusterServicesConfig,
  checkClusterServicesConfig,
  ingressOf,
  namespacesOf,
  surroundingProblems,
} from "./cluster-services/config.ts";
import { type MadeDatabases, makeDatabases } from "./cluster-services/databases.ts";
import { makeGitops } from "./cluster-services/gitops.ts";
import { type MadeIdentityProvider, makeIdentityProvider } from "./cluster-services/identity-provider.ts";
import { keycloakLogin } from "./cluster-services/identity-provider-config.ts";
import { makeMonitoring, routeToGrafana } from "./cluster-services/monitoring.ts";
import { grafanaRoute } from "./cluster-services/monitoring-config.ts";
import { clusterOf, makePlace, type Place, restrictedNamespace } from "./cluster-services/place.ts";
import { notRight, readConfig, standing } from "./config/read-config.ts";
import type { ClusterServices, InfrastructureState } from "./infrastructure/outputs.ts";
import { deploymentOf, readInfrastructure } from "./infrastructure/reference.ts";

/** Brings up what the stack's configuration says; gives back the stack's outputs. */
export default async function clusterServices(): Promise<Record<string, unknown>> {
  const config = readConfig(checkClusterServicesConfig);
  const infrastructure = await readInfrastructure(config);
  const deployment = deploymentOf(config, infrastructure);
  const surroundings = { ...deployment, infrastructure };
  const problems = surroundingProblems(config, surroundings);
  if (problems.length > 0) throw notRight(problems.join("\n"));

  const namespaces = namespacesOf(config, surroundings);
  const place = makePlace(config, deployment, clusterOf(config, infrastructure), namespaces);
  const { by } = config.monitoring ?? {};
  const watchers = {
    ...(by === "operator" && { operator: namespaces.monitoring }),
    ...(by === "own" && { exporters: namespaces.monitoring }),
  };
  const guests =
    config.identityProvider && config.identityProvider.database === undefined
      ? [{ login: keycloakLogin, namespace: namespaces.identityProvider }]
      : [];
  const databases = config.databases && makeDatabases(config.databases, place, watchers, guests);
  const monitoring =
    config.monitoring &&
    makeMonitoring(config.monitoring, place, databases?.watched ?? [], config.ingress && namespaces.ingress);
  const toGrafana = grafanaRoute(config.monitoring);
  const made = (name: string) => restrictedNamespace(name, place.labels, place.inCluster);
  const login = config.identityProvider && made(namespaces.identityProvider);
  const routed = [
    ...(login ? [{ name: namespaces.identityProvider, made: login }] : []),
    ...(toGrafana ? [{ name: namespaces.monitoring, made: monitoring?.namespace }] : []),
  ];
  const traefik = config.ingress && makeIngress(config, place, infrastructure, routed);
  if (traefik && toGrafana) routeToGrafana(toGrafana, place, traefik);
  const issuer = config.certificates && makeIssuer(config.certificates, place);
  const identityProvider =
    config.identityProvider &&
    login &&
    makeIdentityProvider(config.identityProvider, place, {
      namespace: login,
      server: serverOf(databases, infrastructure, namespaces.databases),
      ingress: {
        namespace: traefik?.namespace ?? (config.identityProvider.ingressNamespace as string),
        ingressClass: traefik?.ingressClass ?? (config.identityProvider.ingressClass as string),
      },
      monitoring: config.monitoring && namespaces.monitoring,
    });
  const fromGit = config.gitops && makeGitops(config.gitops, place, made(namespaces.gitops));

  const services = servicesOf(config, place, traefik, issuer, identityProvider);
  const state = stateOf(config, place, infrastructure, databases, services);
  return {
    namespaces: namespaces.nodes,
    ...(state && { infrastructure: standing(state) }),
    ...(databases && {
      databases: {
        namespace: namespaces.databases,
        servers: databases.names,
        host: standing(unsecret(databases.nodes.apply(({ host }) => host))),
      },
    }),
    ...(traefik && {
      ingress: {
        namespace: namespaces.ingress,
        ingressClass: traefik.ingressClass,
        address: standing(traefik.address),
        allowedRanges: ingressOf(config, infrastructure).allowedRanges,
      },
    }),
    ...(monitoring && { monitoring: { namespace: namespaces.monitoring, grafana: monitoring.grafanaUrl } }),
    ...(monitoring?.grafanaPassword && { grafanaPassword: standing(monitoring.grafanaPassword) }),
    ...(issuer && { certificates: issuer }),
    ...(identityProvider && {
      identityProvider: identityProvider.shown,
      identityProviderSecrets: standing(identityProvider.secrets),
    }),
    ...(fromGit && { gitops: { namespace: namespaces.gitops, objects: fromGit } }),
  };
}

/** A namespace whose routes the ingress takes besides those of nodes; absent where it is there already. */
interface RoutedNamespace {
  readonly name: string;
  readonly made: Resource | undefined;
}

function makeIngress(
  config: ClusterServicesConfig,
  { deployment, namespaces, options }: Place,
  infrastructure: InfrastructureState | undefined,
  routed: readonly RoutedNamespace[],
): TraefikIngress {
  const { ingressClass, image, replicas } = config.ingress ?? {};
  return new TraefikIngress(
    "ingress",
    {
      deployment,
      namespace: namespaces.ingress,
      watchedNamespaces: [...namespaces.nodes, ...routed.map(({ name }) => name)],
      ...ingressOf(config, infrastructure),
      ...(ingressClass !== undefined && { ingressClass }),
      ...(image !== undefined && { image }),
      ...(replicas !== undefined && { replicas }),
      ...(config.monitoring && { monitoringNamespace: namespaces.monitoring }),
    },
    mergeOptions(options, { dependsOn: routed.flatMap(({ made }) => made ?? []) }),
  );
}

/** The server of nodes' databases: the stack's own, or that of the infrastructure. */
function serverOf(
  databases: MadeDatabases | undefined,
  infrastructure: InfrastructureState | undefined,
  namespace: string,
) {
  if (databases !== undefined) return { state: databases.nodes, port: 5432, namespace };
  if (infrastructure === undefined) return undefined;
  const { nodes } = infrastructure.databases;
  return { state: secret(nodes), port: nodes.port };
}

/** Where the issuer is, and what it is called. */
interface MadeIssuer {
  readonly namespace: string;
  readonly name: string;
}

function makeIssuer(
  { ca, acme, vault, namespace: chosen }: NonNullable<ClusterServicesConfig["certificates"]>,
  { deployment, namespaces, options }: Place,
): MadeIssuer {
  const namespace = chosen ?? (namespaces.nodes[0] as string);
  const kinds = { ...(ca && { ca }), ...(acme && { acme }), ...(vault && { vault }) };
  // Keys that were left out are not there at all: to this the types do not attest.
  const args = { deployment, namespace, ...(kinds as object) };
  const { issuerName: name } = new CertificateIssuer("issuer", args, options);
  return { namespace, name };
}

/** What the stacks of nodes have to know of all this. */
function servicesOf(
  { databases, monitoring, certificates }: ClusterServicesConfig,
  { namespaces }: Place,
  traefik: TraefikIngress | undefined,
  issuer: MadeIssuer | undefined,
  identityProvider: MadeIdentityProvider | undefined,
): ClusterServices {
  const { caPem } = certificates ?? {};
  return {
    namespaces: namespaces.nodes,
    ...(databases && { databases: namespaces.databases }),
    ...(traefik && { ingress: { namespace: namespaces.ingress, ingressClass: traefik.ingressClass } }),
    ...(monitoring && { monitoring: namespaces.monitoring }),
    ...(issuer && caPem !== undefined && { issuer: { ...issuer, caPem } }),
    ...(identityProvider && { identityProvider: identityProvider.state }),
  };
}

/** The infrastructure that the stacks of nodes take: another's with what was added, or one made here. Absent where nobody knows databases. */
function stateOf(
  config: ClusterServicesConfig,
  { cluster, deployment, namespaces }: Place,
  infrastructure: InfrastructureState | undefined,
  databases: MadeDatabases | undefined,
  services: ClusterServices,
): Output<InfrastructureState> | undefined {
  const { name, environment } = deployment;
  // Whoever takes it must not make the class again.
  const { storageClassToMake: _, ...known } = cluster;
  const reached = databases ? serversOf(databases) : infrastructure && output(infrastructure.databases);
  if (reached === undefined) return undefined;
  const base: Omit<InfrastructureState, "databases" | "cluster"> = infrastructure ?? {
    cloud: "kubernetes",
    region: "own",
    deployment: { name, environment },
    namespace: namespaces.nodes[0] as string,
    ...(config.vault && { keyEncryption: config.vault.keyEncryption, keyFiles: config.vault.files }),
    storage: {},
    ingress: ingressState(config),
  };
  return secret(
    reached.apply((servers): InfrastructureState => ({ ...base, cluster: known, services, databases: servers })),
  );
}

function serversOf({ nodes, sequencerBackend }: MadeDatabases): Output<InfrastructureState["databases"]> {
  return all([nodes, output(sequencerBackend)]).apply(([own, shared]) => ({
    nodes: own,
    ...(shared && { sequencerBackend: shared }),
  }));
}

function ingressState(config: ClusterServicesConfig): InfrastructureState["ingress"] {
  const { allowedRanges, loadBalancer } = ingressOf(config, undefined);
  return { ...loadBalancer, allowedRanges };
}
