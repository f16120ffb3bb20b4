/** What a Traefik is started with, and what it may read. Pure. */
import type { rbac } from "@pulumi/kubernetes/types/input.js";

/** Ports of the pods. */
export const traefikPorts = { websecure: 8443, metrics: 9100, health: 8080 } as const;

/** What its options are made of. */
export interface TraefikOptions {
  /** Only routes of this class are taken. */
  readonly ingressClass: string;
  /** Namespaces whose routes are taken. */
  readonly namespaces: readonly string[];
  /** `namespace/name` of the Service whose address Ingress objects show. */
  readonly service: string;
}

/** Command line: one entry point for TLS, none in the clear; no call home. */
export function traefikArguments({ ingressClass, namespaces, service }: TraefikOptions): string[] {
  const watched = namespaces.join(",");
  return [
    "--global.checknewversion=false",
    "--global.sendanonymoususage=false",
    `--entrypoints.websecure.address=:${traefikPorts.websecure}`,
    "--entrypoints.websecure.asdefault=true",
    "--entrypoints.websecure.http.tls=true",
    // Within the pod's own time to end.
    "--entrypoints.websecure.transport.lifecycle.gracetimeout=25s",
    `--entrypoints.metrics.address=:${traefikPorts.metrics}`,
    `--entrypoints.health.address=:${traefikPorts.health}`,
    "--ping=true",
    "--ping.entrypoint=health",
    "--metrics.prometheus=true",
    "--metrics.prometheus.entrypoint=metrics",
    "--metrics.prometheus.addrouterslabels=true",
    "--log.level=INFO",
    "--log.format=json",
    "--accesslog=true",
    "--accesslog.format=json",
    // Headers hold tokens.
    "--accesslog.fields.headers.defaultmode=drop",
    "--providers.kubernetescrd=true",
    `--providers.kubernetescrd.ingressclass=${ingressClass}`,
    `--providers.kubernetescrd.namespaces=${watched}`,
    "--providers.kubernetescrd.allowcrossnamespace=false",
    "--providers.kubernetesingress=true",
    `--providers.kubernetesingress.ingressclass=${ingressClass}`,
    `--providers.kubernetesingress.namespaces=${watched}`,
    `--providers.kubernetesingress.ingressendpoint.publishedservice=${service}`,
  ];
}

const read = ["get", "list", "watch"];

/** What it may do in a namespace whose routes it takes. */
export const rightsInNamespace: rbac.v1.PolicyRule[] = [
  { apiGroups: [""], resources: ["services", "configmaps", "secrets"], verbs: read },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
  { apiGroups: ["networking.k8s.io"], resources: ["ingresses"], verbs: read },
  { apiGroups: ["networking.k8s.io"], resources: ["ingresses/status"], verbs: ["update"] },
  {
    apiGroups: ["traefik.io"],
    resources: [
      "ingressroutes",
      "ingressroutetcps",
      "ingressrouteudps",
      "middlewares",
      "middlewaretcps",
      "serverstransports",
      "serverstransporttcps",
      "tlsoptions",
      "tlsstores",
      "traefikservices",
    ],
    verbs: read,
  },
];

/** What it may do in the whole cluster. */
export const rightsInCluster: rbac.v1.PolicyRule[] = [
  { apiGroups: [""], resources: ["nodes"], verbs: read },
  { apiGroups: ["networking.k8s.io"], resources: ["ingressclasses"], verbs: read },
];
