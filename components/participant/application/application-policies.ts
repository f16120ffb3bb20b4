/** Who may talk to an application stack, and whom it may talk to. Pure. */
import type { networking } from "@pulumi/kubernetes/types/input.js";
import { nodeLabel } from "../../platform/kubernetes/labels.ts";
import { portNumbers } from "../../platform/kubernetes/layout.ts";
import { peerOf } from "../../platform/kubernetes/network-plan.ts";
import { applicationPorts } from "./services.ts";

/** Somebody that is neither of the stack nor its participant: a range of addresses, or the pods of a namespace. */
export type ApplicationPeer = { readonly cidr: string } | { readonly namespace: string };

/** What one program talks to. */
export interface ApplicationTraffic {
  /** Its name: the label of its pods. */
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
  /** The participant's node, in the same namespace, when it uses the Ledger API. */
  readonly participant?: string;
  /** Programs of the stack that call it. */
  readonly calledBy: readonly string[];
  /** Programs of the stack that it calls, by port. */
  readonly calls: readonly { readonly name: string; readonly port: number }[];
  /** The ingress. */
  readonly ingress: readonly ApplicationPeer[];
  /** Who reads metrics. */
  readonly monitoring: readonly ApplicationPeer[];
  /** Its database. */
  readonly databases: readonly { readonly peer: ApplicationPeer; readonly port: number }[];
  /** HTTPS servers that it calls: the provider of tokens. */
  readonly https: readonly ApplicationPeer[];
}

/** A policy and what it is called. */
export interface ApplicationPolicy {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: networking.v1.NetworkPolicySpec;
}

const tcp = (port: number) => ({ port, protocol: "TCP" });
const pods = (name: string) => ({ podSelector: { matchLabels: { [nodeLabel]: name } } });

/**
 * The policies of one program: its own, and the participant's side of its calls. Name resolution is open to all pods of a
 * namespace of nodes already.
 */
export function applicationPolicies(traffic: ApplicationTraffic): ApplicationPolicy[] {
  const { name, namespace, port, participant } = traffic;
  const rule = <Side extends "from" | "to">(
    side: Side,
    peers: readonly networking.v1.NetworkPolicyPeer[],
    number: number,
  ) => (peers.length === 0 ? [] : [{ [side]: [...peers], ports: [tcp(number)] }]);
  const own: ApplicationPolicy = {
    metadata: { name, namespace },
    spec: {
      podSelector: pods(name).podSelector,
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        ...rule("from", [...traffic.ingress.map(peerOf), ...traffic.calledBy.map(pods)], port),
        ...rule("from", traffic.monitoring.map(peerOf), applicationPorts.metrics),
      ],
      egress: [
        ...rule("to", participant === undefined ? [] : [pods(participant)], portNumbers.ledgerApi),
        ...traffic.calls.flatMap((callee) => rule("to", [pods(callee.name)], callee.port)),
        ...traffic.databases.flatMap((database) => rule("to", [peerOf(database.peer)], database.port)),
        ...rule("to", traffic.https.map(peerOf), 443),
      ],
    },
  };
  if (participant === undefined) return [own];
  const theirs: ApplicationPolicy = {
    metadata: { name: `${name}-to-${participant}`, namespace },
    spec: {
      podSelector: pods(participant).podSelector,
      policyTypes: ["Ingress"],
      ingress: rule("from", [pods(name)], portNumbers.ledgerApi),
    },
  };
  return [own, theirs];
}
