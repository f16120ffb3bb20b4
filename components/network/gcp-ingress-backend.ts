/** How load balancers outside the cluster forward to the ingress inside: to a port of every machine that bears this name. */
import { RegionHealthCheck } from "@pulumi/gcp/compute/regionHealthCheck.js";
import { type CustomResourceOptions, type Input, type Output, output } from "@pulumi/pulumi";

/** The name of the port in groups of machines. */
export const ingressPortName = "ingress";

/** Groups of machines as a backend service takes them. */
export function ingressBackends(
  instanceGroups: Input<string[]>,
): Output<{ group: string; balancingMode: string; capacityScaler: number }[]> {
  return output(instanceGroups).apply((groups) =>
    groups.map((group) => ({ group, balancingMode: "UTILIZATION", capacityScaler: 1 })),
  );
}

/** Whether the port answers. */
export function ingressHealthCheck(
  named: { readonly name: string; readonly region: string },
  options: CustomResourceOptions,
): RegionHealthCheck {
  return new RegionHealthCheck(
    named.name,
    {
      ...named,
      checkIntervalSec: 5,
      timeoutSec: 5,
      healthyThreshold: 2,
      unhealthyThreshold: 2,
      tcpHealthCheck: { portName: ingressPortName, portSpecification: "USE_NAMED_PORT" },
    },
    options,
  );
}
