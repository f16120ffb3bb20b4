/** A firewall rule of a network on Google Cloud, from its plan. */
import { Firewall } from "@pulumi/gcp/compute/firewall.js";
import type { CustomResourceOptions, Input } from "@pulumi/pulumi";
import type { GcpFirewallRule } from "./gcp-network-plan.ts";

/** Where rules go, and whom they know by which mark. */
export interface GcpFirewallPlace {
  /** Resource name of the network. */
  readonly network: Input<string>;
  /** Network tags of machines. */
  readonly tags: Readonly<Record<"nodes" | "bastion", string>>;
  /** The deployment's name for something. */
  readonly called: (...parts: string[]) => string;
}

/** Makes the rule. @param ranges instead of the plan's, where they are not known before */
export function firewallRule(
  rule: GcpFirewallRule,
  { network, tags, called }: GcpFirewallPlace,
  options: CustomResourceOptions,
  ranges?: Input<string[]>,
): Firewall {
  const { name, purpose, direction, action, priority, on, ports } = rule;
  const where = ranges ?? [...rule.ranges];
  const what = [ports === undefined ? { protocol: "all" } : { protocol: "tcp", ports: ports.map(String) }];
  return new Firewall(
    called(name),
    {
      name: called(name),
      description: purpose,
      network,
      direction,
      priority,
      ...(direction === "INGRESS" ? { sourceRanges: where } : { destinationRanges: where }),
      ...(action === "allow" ? { allows: what } : { denies: what }),
      ...(on && { targetTags: [tags[on]] }),
      ...(action === "deny" && { logConfig: { metadata: "EXCLUDE_ALL_METADATA" } }),
    },
    options,
  );
}
