import { createHash } from "node:crypto";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  interpolate,
  type Output,
  output,
} from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameResolution } from "../platform/kubernetes/name-resolution.ts";
import {
  checkReverseProxyConfig,
  haproxyConfig,
  nginxConfig,
  type ProxiedSequencer,
  type ReverseProxyConfig,
} from "./reverse-proxy-config.ts";
import { makeProxyPods, proxyReplicas } from "./reverse-proxy-pods.ts";
import {
  type LoadBalancer,
  loadBalancerAddress,
  loadBalancerAnnotations,
  loadBalancerService,
  metricsFrom,
} from "./reverse-proxy-service.ts";

/** Arguments of a `ReverseProxy`. */
export interface ReverseProxyArgs {
  readonly deployment: Deployment;
  /** Namespace that it runs in: that of the sequencers. */
  readonly namespace: Input<string>;
  /** The sequencers behind it. */
  readonly sequencers: readonly ProxiedSequencer[];
  /** Who may connect, in CIDR notation. Example: `["203.0.113.0/24"]`. */
  readonly allowedRanges: readonly string[];
  /** Default: `haproxy`. */
  readonly software?: "haproxy" | "nginx";
  /** Default: `docker.io/library/haproxy:3.2`, `docker.io/nginxinc/nginx-unprivileged:1.28`; name it by digest in production. */
  readonly image?: string;
  /** TLS that ends at the proxy. Default: it goes through to the sequencers untouched. */
  readonly tls?: ReverseProxyTls;
  /** How the load balancer is asked for. Default: none, the Service is for the cluster only. */
  readonly loadBalancer?: LoadBalancer;
  /** Labels of the sequencers' pods: a NetworkPolicy lets the proxy through to them. Default: none is made. */
  readonly sequencerPods?: Readonly<Record<string, string>>;
  /** Namespace from which metrics are read. Default: from none. */
  readonly monitoringNamespace?: string;
  /** How many pods. Default: 1 in `dev`, 2 in `staging`, 3 in `production`. */
  readonly replicas?: number;
  /** Open connections of one address at most. Default: 100. */
  readonly connectionsPerAddress?: number;
  /** New connections of one address in ten seconds at most; HAProxy only. Default: 100. */
  readonly connectionRatePerAddress?: number;
  /** Open connections of one pod. Default: 4000. */
  readonly connections?: number;
  /** Seconds without a byte either way after which a connection is closed. Default: 3600. */
  readonly idleSeconds?: number;
}

/** TLS that ends at a `ReverseProxy`. */
export interface ReverseProxyTls {
  /** Secret with `tls.crt` and `tls.key`, in the proxy's namespace. Read when a pod starts. */
  readonly certificateSecret: Input<string>;
  /** Present where the sequencers speak TLS too; HAProxy only. */
  readonly sequencers?: {
    /** PEM of the authorities of their certificates. */
    readonly caPem: Input<string>;
    /** Name that their certificates bear. */
    readonly serverName: string;
  };
}

const folder = "/etc/proxy";
const certificateFolder = "/etc/proxy-tls";
const ports = { clients: 8443, status: 8404 };
const kinds = {
  haproxy: {
    image: "docker.io/library/haproxy:3.2",
    user: 99,
    file: "haproxy.cfg",
    config: haproxyConfig,
    args: ["haproxy", "-f", `${folder}/haproxy.cfg`],
    writable: [],
  },
  nginx: {
    image: "docker.io/nginxinc/nginx-unprivileged:1.28",
    user: 101,
    file: "nginx.conf",
    config: nginxConfig,
    args: ["nginx", "-c", `${folder}/nginx.conf`, "-g", "daemon off;"],
    writable: ["/tmp"],
  },
};

/**
 * HAProxy or NGINX in front of a domain's sequencers, where the domain is not isolated by a gateway: one address for clients, an
 * allow-list, a limit for each address, no connection for a sequencer that is not ready. Nothing of it is trusted with what is
 * inside: by default TLS ends at the sequencers.
 *
 * Resources: 1 + 5; with `sequencerPods` one more.
 *
 * Cost: a load balancer, some 20 USD a month and its traffic; the pods 0.1 CPU and 128 MiB each.
 */
export class ReverseProxy extends ComponentResource {
  /** Where clients in the cluster connect to, `host:port`. */
  declare readonly clusterAddress: Output<string>;
  /** Address or host name of the load balancer; empty without one. */
  declare readonly address: Output<string>;

  constructor(name: string, args: ReverseProxyArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:ReverseProxy", name, {}, options);
    const { deployment, namespace, software = "haproxy", replicas = proxyReplicas[deployment.environment] } = args;
    const config = configOf(args);
    checkReverseProxyConfig(config, software);
    const kind = kinds[software];
    const selector = { "app.kubernetes.io/name": software, "app.kubernetes.io/instance": name };
    const labels = { ...tagsOf(deployment), ...selector };
    const metadata = { name, namespace, labels };
    const parent = { parent: this };

    const text = kind.config(config);
    const authorities = args.tls?.sequencers?.caPem;
    const files = new ConfigMap(
      name,
      { metadata, data: { [kind.file]: text, ...(authorities !== undefined && { "ca.crt": authorities }) } },
      parent,
    );
    makeProxyPods(
      name,
      {
        namespace,
        labels,
        selector,
        image: args.image ?? kind.image,
        args: kind.args,
        user: kind.user,
        replicas,
        ports: Object.entries(ports).map(([port, number]) => ({ name: port, port: number })),
        health: { port: "status", path: "/health" },
        files: {
          [folder]: { configMap: files.metadata.name },
          ...(args.tls && { [certificateFolder]: { secret: args.tls.certificateSecret } }),
        },
        writable: kind.writable,
        revision: output(authorities ?? "").apply((pem) =>
          createHash("sha256").update(text).update(pem).digest("hex").slice(0, 16),
        ),
        memory: "128Mi",
      },
      this,
    );
    const nodePort = args.loadBalancer?.nodePort;
    const service = new Service(
      name,
      {
        metadata: { ...metadata, ...loadBalancerAnnotations(args.loadBalancer) },
        spec: {
          selector,
          ports: [{ name: "clients", port: 443, targetPort: "clients", ...(nodePort !== undefined && { nodePort }) }],
          ...loadBalancerService(args.loadBalancer, args.allowedRanges),
        },
      },
      parent,
    );
    this.#closeNetwork(name, args, labels, selector);

    this.clusterAddress = interpolate`${service.metadata.name}.${namespace}.svc:443`;
    this.address = loadBalancerAddress(service);
    this.registerOutputs({ clusterAddress: this.clusterAddress, address: this.address });
  }

  #closeNetwork(
    name: string,
    { namespace, sequencers, sequencerPods, monitoringNamespace }: ReverseProxyArgs,
    labels: Readonly<Record<string, string>>,
    selector: Readonly<Record<string, string>>,
  ): void {
    const parent = { parent: this };
    const numbers = new Set(
      sequencers.flatMap(({ port, healthPort }) => [port, ...(healthPort === undefined ? [] : [healthPort])]),
    );
    const sequencerPorts = [...numbers].map((port) => ({ protocol: "TCP", port }));
    new NetworkPolicy(
      name,
      {
        metadata: { name, namespace, labels },
        spec: {
          podSelector: { matchLabels: selector },
          policyTypes: ["Ingress", "Egress"],
          ingress: [
            // Who may connect is decided by the proxy, which knows the client's address.
            { ports: [{ protocol: "TCP", port: ports.clients }] },
            ...metricsFrom(monitoringNamespace, ports.status),
          ],
          egress: [
            ...nameResolution,
            { ports: sequencerPorts, ...(sequencerPods && { to: [{ podSelector: { matchLabels: sequencerPods } }] }) },
          ],
        },
      },
      parent,
    );
    if (sequencerPods === undefined) return;
    new NetworkPolicy(
      `${name}-to-sequencers`,
      {
        metadata: { name: `${name}-to-sequencers`, namespace, labels },
        spec: {
          podSelector: { matchLabels: sequencerPods },
          policyTypes: ["Ingress"],
          ingress: [{ from: [{ podSelector: { matchLabels: selector } }], ports: sequencerPorts }],
        },
      },
      parent,
    );
  }
}

function configOf(args: ReverseProxyArgs): ReverseProxyConfig {
  const onward = args.tls?.sequencers;
  return {
    port: ports.clients,
    statusPort: ports.status,
    sequencers: args.sequencers,
    allowedRanges: args.allowedRanges,
    ...(args.tls && {
      tls: {
        certificateFolder,
        ...(onward && { sequencers: { caFile: `${folder}/ca.crt`, serverName: onward.serverName } }),
      },
    }),
    connectionsPerAddress: args.connectionsPerAddress ?? 100,
    connectionRatePerAddress: args.connectionRatePerAddress ?? 100,
    connections: args.connections ?? 4000,
    idleSeconds: args.idleSeconds ?? 3600,
  };
}
