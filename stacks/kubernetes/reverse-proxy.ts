/** HAProxy or NGINX in front of the sequencers of a stack. */
import type { Output } from "@pulumi/pulumi";
import type { Domain } from "@pulumi-canton/components/domain/domain.ts";
import { ReverseProxy, type ReverseProxyArgs } from "@pulumi-canton/components/network/reverse-proxy.ts";
import { serviceName } from "@pulumi-canton/components/platform/kubernetes/access.ts";
import { roleLabel } from "@pulumi-canton/components/platform/kubernetes/labels.ts";
import { portNumbers } from "@pulumi-canton/components/platform/kubernetes/layout.ts";
import { standing } from "../config/read-config.ts";
import type { ChosenPlatform } from "./platform.ts";
import type { PlannedNode } from "./platform-config.ts";
import { proxied, proxyLoadBalancer, proxyName, type ReverseProxyConfig } from "./reverse-proxy-config.ts";

/** Where clients find it. */
export interface MadeReverseProxy {
  readonly host: string;
  /** Of the load balancer, for the DNS; empty without one. */
  readonly address: Output<string | undefined>;
  /** `host:port` in the cluster. */
  readonly clusterAddress: Output<string | undefined>;
}

/**
 * Makes it.
 *
 * @param flavour whose nodes: Canton's own say by gRPC alone whether they are ready, which the proxy does not ask
 */
export function makeReverseProxy(
  config: ReverseProxyConfig,
  nodes: readonly PlannedNode[],
  flavour: "pulumi-canton" | "canton",
  domain: Domain,
  { platform, deployment, namespace, infrastructure }: ChosenPlatform,
): MadeReverseProxy {
  const { software, image, host, allowedRanges, certificateSecret, replicas, connectionRatePerAddress } = config;
  const { connectionsPerAddress, connections, idleSeconds } = config;
  const loadBalancer = proxyLoadBalancer(config, infrastructure);
  const asksHealth = software === "haproxy" && flavour === "pulumi-canton";
  const monitoringNamespace = infrastructure?.services?.monitoring;
  const args: ReverseProxyArgs = {
    deployment,
    namespace,
    software,
    sequencers: proxied(config, nodes).map((name) => ({
      name,
      host: serviceName(name, namespace),
      port: portNumbers.publicApi,
      ...(asksHealth && { healthPort: portNumbers.health }),
    })),
    sequencerPods: { [roleLabel]: "sequencer" },
    allowedRanges,
    connectionsPerAddress,
    connections,
    idleSeconds,
    ...(image !== undefined && { image }),
    ...(loadBalancer && { loadBalancer }),
    ...(replicas !== undefined && { replicas }),
    ...(connectionRatePerAddress !== undefined && { connectionRatePerAddress }),
    ...(monitoringNamespace !== undefined && { monitoringNamespace }),
    ...(certificateSecret !== undefined && {
      tls: { certificateSecret, sequencers: { caPem: authoritiesOf(domain), serverName: host } },
    }),
  };
  // NGINX starts with names that are there already.
  const proxy = new ReverseProxy(proxyName, args, { providers: [platform.provider], dependsOn: [platform, domain] });
  return { host, address: standing(proxy.address), clusterAddress: standing(proxy.clusterAddress) };
}

/** PEM of the authorities of the sequencers' certificates, which all have the same. */
function authoritiesOf({ sequencers }: Domain): Output<string> {
  return sequencers.apply(([first]) => first?.ca ?? "");
}
