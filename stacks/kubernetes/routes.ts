/** Ways from the outside to the nodes of a stack. */

import type { Route } from "@pulumi-canton/components/ingress/route.ts";
import { TraefikRoutes } from "@pulumi-canton/components/ingress/traefik-routes.ts";
import type { Participant } from "@pulumi-canton/components/participant/participant.ts";

import { certificateNames } from "@pulumi-canton/components/platform/kubernetes/access.ts";
import { authoritiesOf } from "./applications.ts";
import type { PlannedApplications } from "./applications-config.ts";
import type { ChosenPlatform } from "./platform.ts";
import type { PlannedNode } from "./platform-config.ts";
import { planRoutes, type RoutesConfig, routedBy } from "./routes-config.ts";

/** Makes the routes; gives back their host names. */
export function makeRoutes(
  config: RoutesConfig,
  nodes: readonly PlannedNode[],
  applications: readonly PlannedApplications[],
  { platform, deployment, namespace, infrastructure }: ChosenPlatform,
  participants: ReadonlyMap<string, Participant>,
): Readonly<Record<string, string>> {
  const by = routedBy(config, infrastructure);
  if (by === undefined) throw new Error("routes were not checked");
  const routes = planRoutes(config, nodes, applications).map(({ route, behind }): Route => {
    const participant = behind === undefined ? undefined : participants.get(behind);
    if (behind === undefined || participant === undefined) return route;
    return {
      ...route,
      serviceTls: { caPem: authoritiesOf(participant), serverName: certificateNames(behind, namespace)[0] as string },
    };
  });
  const { hosts } = new TraefikRoutes(
    "routes",
    { deployment, namespace, routes, ingressClass: by.ingressClass, traefikNamespace: by.ingressNamespace },
    { providers: [platform.provider], dependsOn: [platform] },
  );
  return hosts;
}
