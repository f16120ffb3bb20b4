import { type Output, output, recover } from "@pulumi/pulumi";
import type { PlatformNode, PortName, Role } from "./platform.ts";

/** A node as a stack's outputs show it. */
export interface NodeOutput {
  readonly role: Role;
  /** Its member id: `DOM::…`, `SEQ::…`, `MED::…` or `PAR::…`; empty while it waits to be initialised, when it has to be reached. */
  readonly id: string;
  /** URL of the admin API (gRPC). */
  readonly adminApi: string;
  /** URL of a sequencer's public API (gRPC). */
  readonly publicApi?: string;
  /** URL of a participant's Ledger API (gRPC). */
  readonly ledgerApi?: string;
  /** URL below which `/health/live`, `/health/ready` and `/health/startup` answer. */
  readonly health: string;
  /** URL of the Prometheus metrics. */
  readonly metrics: string;
}

/** Describes a node for a stack's outputs. */
export function nodeOutput(role: Role, node: PlatformNode, id: Output<string>): Output<NodeOutput> {
  return output([node.endpoints, recover(id, () => "")] as const).apply(([endpoints, memberId]) => {
    const url = (port: PortName) => endpoints[port]?.url;
    const publicApi = url("publicApi");
    const ledgerApi = url("ledgerApi");
    const health = url("health") ?? "";
    return {
      role,
      id: memberId,
      adminApi: url("adminApi") ?? "",
      ...(publicApi !== undefined && { publicApi }),
      ...(ledgerApi !== undefined && { ledgerApi }),
      health,
      metrics: `${health}/metrics`,
    };
  });
}
