/** How a proxy is reached, and what it may reach. Pure. */
import type { Service } from "@pulumi/kubernetes/core/v1/service.js";
import type { core, networking } from "@pulumi/kubernetes/types/input.js";
import type { Output } from "@pulumi/pulumi";
import { inNamespace } from "../platform/kubernetes/labels.ts";

/** How a cloud's load balancer is asked for. */
export interface LoadBalancer {
  /** Annotations of the Service. Example: `{ "service.beta.kubernetes.io/azure-load-balancer-internal": "true" }`. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Address reserved for it. Default: the cloud chooses. */
  readonly address?: string;
  /** Port of every machine to which a load balancer outside the cluster forwards; no other is then asked for. Default: none. */
  readonly nodePort?: number;
}

/** Spec of a Service, besides its selector and ports: for the cluster only where there is no load balancer. */
export function loadBalancerService(
  loadBalancer: LoadBalancer | undefined,
  allowedRanges: readonly string[],
): Partial<core.v1.ServiceSpec> {
  if (loadBalancer === undefined) return { type: "ClusterIP" };
  // Who gets as far is then decided where that load balancer is.
  if (loadBalancer.nodePort !== undefined) return { type: "NodePort", externalTrafficPolicy: "Local" };
  return {
    type: "LoadBalancer",
    // The proxy sees the client's own address, which its allow-list is about.
    externalTrafficPolicy: "Local",
    loadBalancerSourceRanges: [...allowedRanges],
    ...(loadBalancer.address !== undefined && { loadBalancerIP: loadBalancer.address }),
  };
}

/** Part of the metadata of a Service; nothing where there is none, which the API server would show as a change for ever. */
export function loadBalancerAnnotations({ annotations = {} }: LoadBalancer = {}): {
  readonly annotations?: Record<string, string>;
} {
  return Object.keys(annotations).length === 0 ? {} : { annotations: { ...annotations } };
}

/** Address or host name of the load balancer; empty without one. */
export function loadBalancerAddress(service: Service): Output<string> {
  return service.status.apply((status) => {
    const [given] = status?.loadBalancer?.ingress ?? [];
    return given?.hostname ?? given?.ip ?? "";
  });
}

/** Ingress for those that read metrics. */
export function metricsFrom(namespace: string | undefined, port: number): networking.v1.NetworkPolicyIngressRule[] {
  if (namespace === undefined) return [];
  return [{ from: [inNamespace(namespace)], ports: [{ protocol: "TCP", port }] }];
}
