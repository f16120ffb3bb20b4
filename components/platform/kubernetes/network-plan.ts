/**
 * Who may talk to whom, as NetworkPolicies. Pure.
 *
 * Nothing is open in a namespace of nodes but what is listed here: name resolution, databases, what the configuration names
 * of the world outside, and the calls that components tell of. Probes come from the machine of a pod, which every network
 * lets through.
 */
import type { PortName } from "../platform.ts";
import { componentLabel, inNamespace, nodeLabel, roleLabel } from "./labels.ts";
import { portNumbers } from "./layout.ts";
import { nameResolution } from "./name-resolution.ts";

/** Somebody outside of the nodes: a range of addresses, or pods of a namespace. */
export type Peer =
  | { readonly cidr: string }
  | { readonly namespace: string; readonly podLabels?: Readonly<Record<string, string>> };

/** What nodes talk to besides each other. */
export interface Outside {
  /** Database servers, by port. */
  readonly databases: readonly { readonly peer: Peer; readonly port: number }[];
  /** Key management, identity providers and other HTTPS servers that nodes call. */
  readonly https: readonly Peer[];
  /** Port of the key management, where that is another than 443; it is among `https`. */
  readonly keyManagementPort?: number;
  /**
   * The ingress through which a provider of logins in the cluster is reached: participants ask it for keys, the OAuth2 middleware
   * for tokens. Default: none.
   */
  readonly identityProvider?: { readonly peer: Peer; readonly port: number };
  /** Sequencers of other organisations, which participants call. */
  readonly sequencers: readonly { readonly peer: Peer; readonly port: number }[];
  /** Who administers nodes: where this program runs, bastions. Reaches admin and Ledger APIs. */
  readonly operators: readonly Peer[];
  /** Who reads metrics. */
  readonly monitoring: readonly Peer[];
  /** The ingress: reaches the public APIs of sequencers and the Ledger APIs of participants. */
  readonly ingress: readonly Peer[];
  /** Pods have a cloud identity, whose credentials are had from an address of the machine. */
  readonly workloadIdentity: boolean;
}

/** A policy, without its namespace's labels. */
export interface PolicyPlan {
  readonly name: string;
  readonly namespace: string;
  readonly spec: PolicySpec;
}

/** The part of a NetworkPolicy's specification that is used. */
export interface PolicySpec {
  readonly podSelector: Selector;
  readonly policyTypes: ("Ingress" | "Egress")[];
  readonly ingress?: { readonly from: PolicyPeer[]; readonly ports: PolicyPort[] }[];
  readonly egress?: { readonly to: PolicyPeer[]; readonly ports: PolicyPort[] }[];
}

/** Labels that pods have to have. */
export interface Selector {
  readonly matchLabels?: Record<string, string>;
  readonly matchExpressions?: {
    readonly key: string;
    readonly operator: "In";
    readonly values: string[];
  }[];
}

/** The other side of a rule. */
export interface PolicyPeer {
  readonly ipBlock?: { readonly cidr: string };
  readonly namespaceSelector?: Selector;
  readonly podSelector?: Selector;
}

/** A port of a rule. */
export interface PolicyPort {
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

/** Addresses of a machine that give out a cloud identity's credentials: of all clouds, EKS and GKE. */
export const identityEndpoints = [
  { cidr: "169.254.169.254/32", ports: [80] },
  { cidr: "169.254.170.23/32", ports: [80] },
  { cidr: "169.254.169.252/32", ports: [987, 988] },
] as const;

const everyPod: Selector = {};
const nodes: Selector = { matchLabels: { [componentLabel]: "node" } };
const databaseUsers: Selector = {
  matchExpressions: [{ key: componentLabel, operator: "In", values: ["node", "database-setup"] }],
};
const ofRole = (role: string): Selector => ({ matchLabels: { [roleLabel]: role } });
const named = (names: readonly string[]): Selector => ({
  matchExpressions: [{ key: nodeLabel, operator: "In", values: [...names] }],
});

/** Somebody outside as a rule has it. */
export function peerOf(peer: Peer): PolicyPeer {
  if ("cidr" in peer) return { ipBlock: { cidr: peer.cidr } };
  return {
    ...inNamespace(peer.namespace),
    ...(peer.podLabels && { podSelector: { matchLabels: { ...peer.podLabels } } }),
  };
}

const tcp = (port: number): PolicyPort => ({ port, protocol: "TCP" });

/**
 * What is open in a namespace whoever runs in it; the first policy closes all else.
 *
 * @param sharedAs the namespace is closed by another stack already; what is opened besides bears this name
 */
export function namespacePolicies(namespace: string, outside: Outside, sharedAs?: string): PolicyPlan[] {
  const [closed, names, ...opened] = ownPolicies(namespace, outside) as [PolicyPlan, PolicyPlan, ...PolicyPlan[]];
  if (sharedAs === undefined) return [closed, names, ...opened];
  return opened.map((policy) => ({ ...policy, name: `${policy.name}.${sharedAs}` }));
}

function ownPolicies(namespace: string, outside: Outside): PolicyPlan[] {
  const egress = (name: string, podSelector: Selector, rules: NonNullable<PolicySpec["egress"]>): PolicyPlan[] =>
    rules.length === 0 ? [] : [{ name, namespace, spec: { podSelector, policyTypes: ["Egress"], egress: rules } }];
  const ingress = (
    name: string,
    podSelector: Selector,
    from: readonly Peer[],
    ports: readonly PortName[],
  ): PolicyPlan[] =>
    from.length === 0
      ? []
      : [
          {
            name,
            namespace,
            spec: {
              podSelector,
              policyTypes: ["Ingress"],
              ingress: [{ from: from.map(peerOf), ports: ports.map((port) => tcp(portNumbers[port])) }],
            },
          },
        ];
  const identity = outside.workloadIdentity
    ? identityEndpoints.map(({ cidr, ports }) => ({ to: [peerOf({ cidr })], ports: ports.map(tcp) }))
    : [];
  const httpsPorts = [...new Set([443, outside.keyManagementPort ?? 443])];
  const https = outside.https.length === 0 ? [] : [{ to: outside.https.map(peerOf), ports: httpsPorts.map(tcp) }];
  return [
    { name: "default-deny", namespace, spec: { podSelector: everyPod, policyTypes: ["Ingress", "Egress"] } },
    ...egress("names", everyPod, nameResolution),
    ...egress(
      "databases",
      databaseUsers,
      outside.databases.map(({ peer, port }) => ({ to: [peerOf(peer)], ports: [tcp(port)] })),
    ),
    ...egress("outside", nodes, [...https, ...identity]),
    ...egress(
      "identity-provider",
      { matchExpressions: [{ key: roleLabel, operator: "In", values: ["participant", "application"] }] },
      [outside.identityProvider ?? []].flat().map(({ peer, port }) => ({ to: [peerOf(peer)], ports: [tcp(port)] })),
    ),
    ...egress(
      "other-sequencers",
      ofRole("participant"),
      outside.sequencers.map(({ peer, port }) => ({ to: [peerOf(peer)], ports: [tcp(port)] })),
    ),
    ...ingress("operators", nodes, outside.operators, ["adminApi", "ledgerApi"]),
    ...ingress("monitoring", nodes, outside.monitoring, ["health"]),
    ...ingress("ingress-to-sequencers", ofRole("sequencer"), outside.ingress, ["publicApi"]),
    ...ingress("ingress-to-participants", ofRole("participant"), outside.ingress, ["ledgerApi"]),
  ];
}

/** A node in the network. */
export interface NetworkNode {
  readonly name: string;
  readonly namespace: string;
}

/**
 * Lets a node call others: its own side, and theirs in each of their namespaces.
 *
 * @param name of the calls, unique in the namespace
 */
export function callPolicies(
  name: string,
  caller: NetworkNode,
  callees: readonly NetworkNode[],
  ports: readonly PortName[],
): PolicyPlan[] {
  const numbers = ports.map((port) => tcp(portNumbers[port]));
  const there = (namespace: string, names: readonly string[]): PolicyPeer => ({
    ...inNamespace(namespace),
    podSelector: named(names),
  });
  const byNamespace = [...Map.groupBy(callees, ({ namespace }) => namespace)].map(
    ([namespace, group]) => [namespace, group.map((callee) => callee.name)] as const,
  );
  if (byNamespace.length === 0) return [];
  return [
    {
      name,
      namespace: caller.namespace,
      spec: {
        podSelector: named([caller.name]),
        policyTypes: ["Egress"],
        egress: byNamespace.map(([namespace, names]) => ({ to: [there(namespace, names)], ports: numbers })),
      },
    },
    ...byNamespace.map(([namespace, names]) => ({
      // Unique there too: callers of other namespaces may have the same name.
      name: `${name}.${caller.namespace}`,
      namespace,
      spec: {
        podSelector: named(names),
        policyTypes: ["Ingress" as const],
        ingress: [{ from: [there(caller.namespace, [caller.name])], ports: numbers }],
      },
    })),
  ];
}
