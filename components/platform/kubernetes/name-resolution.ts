/** How pods resolve names, as rules of NetworkPolicies. Pure. */
import { inNamespace } from "./labels.ts";
import type { PolicySpec } from "./network-plan.ts";

const atAddress = (address: string) => ({ ipBlock: { cidr: `${address}/32` } });
const byPort = (port: number) => (["UDP", "TCP"] as const).map((protocol) => ({ port, protocol }));

/**
 * Name servers of the cluster, by the ports of their pods: in `kube-system`, or a cache on the machine and Google's own under addresses
 * of the machine; on OpenShift in `openshift-dns`.
 */
export const nameResolution: NonNullable<PolicySpec["egress"]> = [
  { to: [inNamespace("kube-system"), atAddress("169.254.20.10"), atAddress("169.254.169.254")], ports: byPort(53) },
  { to: [inNamespace("openshift-dns")], ports: byPort(5353) },
];
