/** HAProxy or NGINX in front of a domain's sequencers, as the configuration of `kubernetes` has it. */
import type { Environment } from "@pulumi-canton/components/deployment/deployment.ts";
import { hostName, type Route } from "@pulumi-canton/components/ingress/route.ts";
import { proxyReplicas } from "@pulumi-canton/components/network/reverse-proxy-pods.ts";
import type { LoadBalancer } from "@pulumi-canton/components/network/reverse-proxy-service.ts";
import { portNumbers } from "@pulumi-canton/components/platform/kubernetes/layout.ts";
import { z } from "zod";
import { nodeName } from "../config/nodes.ts";
import { cidr, loadBalancerSchema } from "../infrastructure/config.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import type { PlannedNode } from "./platform-config.ts";

/** Name of its objects. */
export const proxyName = "reverse-proxy";

const count = z.int().min(1).max(1_000_000);

/** The section `reverseProxy`. */
export const reverseProxySchema = z.strictObject({
  software: z.enum(["haproxy", "nginx"]).default("haproxy"),
  /** In production by its digest. */
  image: z.string().min(1).optional(),
  /** Host name that clients dial, in the DNS as the load balancer's address. */
  host: z.string().regex(hostName, 'expected a host name such as "sequencers.example.com"'),
  /** Which sequencers answer. Default: all. */
  to: z.array(nodeName).min(1).optional(),
  /** Who may connect, in CIDR notation. */
  allowedRanges: z.array(cidr).min(1),
  /** Secret with `tls.crt` and `tls.key`: TLS ends here, and goes on anew to the sequencers. Default: it goes through. */
  certificateSecret: z.string().min(1).optional(),
  /** How a load balancer is asked for. Default: as a cloud's infrastructure says, unless its ingress has that; otherwise none. */
  loadBalancer: loadBalancerSchema.optional(),
  /** Pods. Default: 1 in `dev`, 2 in `staging`, 3 in `production`. */
  replicas: z.int().min(1).max(50).optional(),
  /** Open connections of one address. */
  connectionsPerAddress: count.default(100),
  /** New connections of one address in ten seconds; HAProxy only. Default: 100. */
  connectionRatePerAddress: count.optional(),
  /** Open connections of one pod. */
  connections: count.default(4000),
  /** Without a byte either way, after which a connection is closed. */
  idleSeconds: z.int().min(10).max(86_400).default(3600),
});

/** That section, checked. */
export type ReverseProxyConfig = z.output<typeof reverseProxySchema>;

/** What else the configuration says. */
interface Besides {
  readonly nodes: readonly PlannedNode[];
  /** Hosts that routes are for. */
  readonly routed: readonly string[];
  /** An invitation is given out that says nothing of where the sequencers are reached. */
  readonly inviting: boolean;
}

/** What is wrong with it, whatever the infrastructure is. */
export function reverseProxyProblems(
  { software, host, to = [], certificateSecret, ...limits }: ReverseProxyConfig,
  { nodes, routed, inviting }: Besides,
): string[] {
  const problems: string[] = [];
  const sequencers = nodes.filter(({ role }) => role === "sequencer").map(({ name }) => name);
  if (sequencers.length === 0) problems.push("reverseProxy: is set without a domain; expected domain, whose it is");
  for (const name of to) {
    if (sequencers.includes(name) || sequencers.length === 0) continue;
    problems.push(`reverseProxy.to: got "${name}"; expected one of ${sequencers.join(", ")}`);
  }
  if (nodes.some(({ name }) => name === proxyName)) {
    problems.push(`participants: got "${proxyName}", which the reverse proxy is called; choose another name`);
  }
  if (routed.includes(host)) {
    problems.push(`reverseProxy.host: got "${host}", which a route is for; expected a host name of its own`);
  }
  if (software === "nginx") {
    if (certificateSecret !== undefined) {
      problems.push(
        "reverseProxy.certificateSecret: is set with software nginx, which does not tell sequencers that it wants HTTP/2; expected haproxy, or to leave it out: TLS goes through",
      );
    }
    if (limits.connectionRatePerAddress !== undefined) {
      problems.push(
        "reverseProxy.connectionRatePerAddress: is set with software nginx, which does not count new connections; expected haproxy",
      );
    }
  }
  if (limits.connectionsPerAddress > limits.connections) {
    problems.push(
      `reverseProxy.connectionsPerAddress: got ${limits.connectionsPerAddress}; expected no more than reverseProxy.connections, which is ${limits.connections}`,
    );
  }
  if (certificateSecret !== undefined && inviting) {
    problems.push(
      "domain.invitation.sequencers is required with reverseProxy.certificateSecret, whose authority the stack does not know; expected url and ca",
    );
  }
  return problems;
}

/** How its load balancer is asked for; undefined where it is for the cluster only. */
export function proxyLoadBalancer(
  { loadBalancer }: ReverseProxyConfig,
  infrastructure: InfrastructureState | undefined,
): LoadBalancer | undefined {
  const theirs =
    infrastructure === undefined ||
    infrastructure.cloud === "kubernetes" ||
    infrastructure.services?.ingress !== undefined
      ? undefined
      : infrastructure.ingress;
  const asked = loadBalancer ?? theirs;
  if (asked === undefined) return undefined;
  const { annotations, address, nodePort } = asked;
  return { annotations, ...(address !== undefined && { address }), ...(nodePort !== undefined && { nodePort }) };
}

/** What it adds to the namespace, and what is wrong with that in an environment, on an infrastructure. */
export function besidesProxy(
  config: ReverseProxyConfig,
  { nodes, sharedNamespace }: { readonly nodes: readonly PlannedNode[]; readonly sharedNamespace: boolean },
  environment: Environment,
  infrastructure: InfrastructureState | undefined,
) {
  const problems: string[] = [];
  const { image, replicas = proxyReplicas[environment] } = config;
  const loadBalancer = proxyLoadBalancer(config, infrastructure);
  if (environment === "production") {
    if (image === undefined || !/@sha256:[0-9a-f]{64}$/.test(image)) {
      problems.push(
        `reverseProxy.image: got ${image === undefined ? "none" : `"${image}"`}; expected it by its digest in production, such as registry/haproxy@sha256:…`,
      );
    }
    if (replicas === 1) problems.push("reverseProxy.replicas: got 1; expected 2 or more in production");
  }
  if (sharedNamespace && loadBalancer !== undefined) {
    problems.push(
      "reverseProxy.loadBalancer: has no place in the quota of a sharedNamespace; expected reverseProxy in the stack that has set the namespace up",
    );
  }
  return {
    pods: { replicas, memoryMiB: 128, cpuMillis: 100 },
    loadBalancers: loadBalancer === undefined ? 0 : 1,
    route: {
      name: proxyName,
      host: config.host,
      services: proxied(config, nodes),
      port: portNumbers.publicApi,
      allowedRanges: config.allowedRanges,
    } satisfies Route,
    problems,
  };
}

/** The sequencers behind it. */
export function proxied({ to }: ReverseProxyConfig, nodes: readonly PlannedNode[]): string[] {
  return nodes.filter(({ role, name }) => role === "sequencer" && (to?.includes(name) ?? true)).map(({ name }) => name);
}
