import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2/horizontalPodAutoscaler.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { IngressClass } from "@pulumi/kubernetes/networking/v1/ingressClass.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { ClusterRole } from "@pulumi/kubernetes/rbac/v1/clusterRole.js";
import { ClusterRoleBinding } from "@pulumi/kubernetes/rbac/v1/clusterRoleBinding.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import type { networking } from "@pulumi/kubernetes/types/input.js";
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  mergeOptions,
  type Output,
} from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { checkRanges } from "../network/reverse-proxy-config.ts";
import { makeProxyPods, proxyReplicas } from "../network/reverse-proxy-pods.ts";
import {
  type LoadBalancer,
  loadBalancerAddress,
  loadBalancerAnnotations,
  loadBalancerService,
  metricsFrom,
} from "../network/reverse-proxy-service.ts";
import { inNamespace } from "../platform/kubernetes/labels.ts";
import { nameResolution } from "../platform/kubernetes/name-resolution.ts";
import { soundTls } from "./route.ts";
import { rightsInCluster, rightsInNamespace, traefikArguments, traefikPorts } from "./traefik-options.ts";
import { TraefikRoutes, type TraefikRoutesArgs } from "./traefik-routes.ts";

type Labels = Readonly<Record<string, string>>;

/** What the objects in its namespace have in common. */
interface Metadata {
  readonly name: string;
  readonly namespace: Input<string>;
  readonly labels: Labels;
}

/** Arguments of a `TraefikIngress`. */
export interface TraefikIngressArgs {
  readonly deployment: Deployment;
  /** Namespaces whose routes it takes; they have to be there. Example: `["canton-prod"]`. */
  readonly watchedNamespaces: readonly string[];
  /** Who may connect at all, in CIDR notation; each route has a list of its own besides. Default: nobody outside the cluster. */
  readonly allowedRanges?: readonly string[];
  /** How the load balancer is asked for; made where somebody outside may connect. Default: the cloud's own. */
  readonly loadBalancer?: LoadBalancer;
  /** Namespace that is made for it. Default: the deployment's name and `-ingress`. */
  readonly namespace?: string;
  /** Its class, of which the routes have to be. Default: the deployment's name. */
  readonly ingressClass?: string;
  /** Default: `docker.io/library/traefik:v3.5.3`; name it by digest in production. */
  readonly image?: string;
  /** How many pods at least; twice as many at most. Default: 1 in `dev`, 2 in `staging`, 3 in `production`. */
  readonly replicas?: number;
  /** Namespace from which metrics are read. Default: from none. */
  readonly monitoringNamespace?: string;
}

/**
 * Traefik in a namespace of its own: TLS 1.2 or newer for everything and no port in the clear, access logs without headers,
 * metrics, pods without rights on the machine, and rights in the watched namespaces only. Its custom resources have to be defined
 * in the cluster before: see docs/ingress.md.
 *
 * Resources: 1 + 13 and 2 for every watched namespace.
 *
 * Cost: a load balancer, some 20 USD a month and its traffic; the pods 0.1 CPU and 256 MiB each.
 */
export class TraefikIngress extends ComponentResource {
  /** Address or host name of the load balancer; empty without one. */
  declare readonly address: Output<string>;
  readonly ingressClass: string;
  readonly namespace: string;
  readonly #deployment: Deployment;

  constructor(name: string, args: TraefikIngressArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:ingress:TraefikIngress", name, {}, options);
    const { deployment, watchedNamespaces: watched } = args;
    this.#deployment = deployment;
    this.namespace = args.namespace ?? `${deployment.name}-ingress`;
    this.ingressClass = args.ingressClass ?? deployment.name;
    checkArgs(args, this.namespace);
    const selector = { "app.kubernetes.io/name": "traefik", "app.kubernetes.io/instance": name };
    const labels = { ...tagsOf(deployment), ...selector };
    const parent = { parent: this };

    const own = new Namespace(
      name,
      { metadata: { name: this.namespace, labels: { ...labels, "pod-security.kubernetes.io/enforce": "restricted" } } },
      parent,
    );
    // As an output: whatever is in the namespace is made after it.
    const namespace = own.metadata.name;
    const metadata = { name, namespace, labels };
    this.#grant(name, labels, {
      [this.namespace]: namespace,
      ...Object.fromEntries(watched.map((each) => [each, each])),
    });
    this.#makeClass(name, metadata);
    this.#run(metadata, selector, args);
    this.address = this.#expose(metadata, selector, args);
    new NetworkPolicy(name, { metadata, spec: networkPolicy(selector, watched, args.monitoringNamespace) }, parent);
    this.registerOutputs({ address: this.address, ingressClass: this.ingressClass, namespace: this.namespace });
  }

  /** Routes of this Traefik. */
  routes(
    name: string,
    args: Pick<TraefikRoutesArgs, "namespace" | "routes">,
    options: ComponentResourceOptions = {},
  ): TraefikRoutes {
    const { ingressClass, namespace: traefikNamespace } = this;
    return new TraefikRoutes(
      name,
      { deployment: this.#deployment, ingressClass, traefikNamespace, ...args },
      mergeOptions({ parent: this }, options),
    );
  }

  /** In each namespace what routes need, and of the whole cluster only which classes and machines there are. */
  #grant(name: string, labels: Labels, namespaces: Readonly<Record<string, Input<string>>>): void {
    const parent = { parent: this };
    const called = `${this.namespace}-traefik`;
    const subjects = [{ kind: "ServiceAccount", name, namespace: this.namespace }];
    const role = (kind: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name: called });
    for (const [each, namespace] of Object.entries(namespaces)) {
      const metadata = { name: called, namespace, labels };
      new Role(`${name}-${each}`, { metadata, rules: rightsInNamespace }, parent);
      new RoleBinding(`${name}-${each}`, { metadata, subjects, roleRef: role("Role") }, parent);
    }
    const metadata = { name: called, labels };
    new ClusterRole(name, { metadata, rules: rightsInCluster }, parent);
    new ClusterRoleBinding(name, { metadata, subjects, roleRef: role("ClusterRole") }, parent);
  }

  /** The class of its routes, and the TLS of those that say nothing of it. */
  #makeClass(name: string, { namespace, labels }: Metadata): void {
    const parent = { parent: this };
    new IngressClass(
      name,
      { metadata: { name: this.ingressClass, labels }, spec: { controller: "traefik.io/ingress-controller" } },
      parent,
    );
    const annotations = { "kubernetes.io/ingress.class": this.ingressClass };
    new CustomResource(
      `${name}-tls`,
      {
        apiVersion: "traefik.io/v1alpha1",
        kind: "TLSOption",
        // By this name Traefik knows it.
        metadata: { name: "default", namespace, labels, annotations },
        spec: soundTls,
      },
      parent,
    );
  }

  /** Pods, more of them when they are busy. */
  #run(metadata: Metadata, selector: Labels, args: TraefikIngressArgs): void {
    const { name, namespace, labels } = metadata;
    const { replicas = proxyReplicas[args.deployment.environment] } = args;
    const parent = { parent: this };
    const account = new ServiceAccount(name, { metadata, automountServiceAccountToken: false }, parent);
    const pods = makeProxyPods(
      name,
      {
        namespace,
        labels,
        selector,
        image: args.image ?? "docker.io/library/traefik:v3.5.3",
        args: traefikArguments({
          ingressClass: this.ingressClass,
          namespaces: [this.namespace, ...args.watchedNamespaces],
          service: `${this.namespace}/${name}`,
        }),
        user: 65532,
        ports: Object.entries(traefikPorts).map(([port, number]) => ({ name: port, port: number })),
        health: { port: "health", path: "/ping" },
        serviceAccount: account.metadata.name,
        memory: "256Mi",
      },
      this,
    );
    new HorizontalPodAutoscaler(
      name,
      {
        metadata,
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: pods.metadata.name },
          minReplicas: replicas,
          maxReplicas: 2 * replicas,
          metrics: [
            { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 200 } } },
          ],
        },
      },
      parent,
    );
  }

  /** A load balancer for those who may connect; its address. */
  #expose(
    metadata: Metadata,
    selector: Labels,
    { allowedRanges = [], loadBalancer = {} }: TraefikIngressArgs,
  ): Output<string> {
    const exposed = allowedRanges.length === 0 ? undefined : loadBalancer;
    const nodePort = exposed?.nodePort;
    const service = new Service(
      metadata.name,
      {
        metadata: { ...metadata, ...loadBalancerAnnotations(loadBalancer) },
        spec: {
          selector,
          ports: [
            { name: "websecure", port: 443, targetPort: "websecure", ...(nodePort !== undefined && { nodePort }) },
          ],
          ...loadBalancerService(exposed, allowedRanges),
        },
      },
      { parent: this },
    );
    return loadBalancerAddress(service);
  }
}

function checkArgs({ watchedNamespaces, allowedRanges = [] }: TraefikIngressArgs, own: string): void {
  if (watchedNamespaces.length === 0) throw new Error("watchedNamespaces: got none; expected at least one");
  if (new Set([own, ...watchedNamespaces]).size <= watchedNamespaces.length) {
    throw new Error(`watchedNamespaces: got "${watchedNamespaces.join('", "')}"; expected each once, and not "${own}"`);
  }
  if (allowedRanges.length > 0) checkRanges("allowedRanges", allowedRanges);
}

function networkPolicy(
  selector: Labels,
  watched: readonly string[],
  monitoringNamespace: string | undefined,
): networking.v1.NetworkPolicySpec {
  return {
    podSelector: { matchLabels: selector },
    policyTypes: ["Ingress", "Egress"],
    ingress: [
      // Who may connect is decided by the load balancer and the routes, which know the client's address.
      { ports: [{ protocol: "TCP", port: traefikPorts.websecure }] },
      ...metricsFrom(monitoringNamespace, traefikPorts.metrics),
    ],
    egress: [
      ...nameResolution,
      { to: watched.map(inNamespace) },
      // The API server, whose address no label tells.
      { ports: [443, 6443].map((port) => ({ protocol: "TCP", port })) },
    ],
  };
}
