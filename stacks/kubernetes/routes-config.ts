/** Ways from the outside to nodes, as the configuration of `kubernetes` has them. */
import { nameWithin } from "@pulumi-canton/components/deployment/names.ts";
import { checkRoutes, type Route } from "@pulumi-canton/components/ingress/route.ts";
import { applicationPorts } from "@pulumi-canton/components/participant/application/services.ts";
import { portNumbers } from "@pulumi-canton/components/platform/kubernetes/layout.ts";
import { z } from "zod";
import { nodeName } from "../config/nodes.ts";
import { cidr } from "../infrastructure/config.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import type { PlannedNode } from "./platform-config.ts";

const common = {
  /** Host name that clients dial, in the DNS as the ingress' address. */
  host: z.string().min(1),
  /** Who may come in, in CIDR notation. */
  allowedRanges: z.array(cidr).min(1),
  /** Connections or calls of one address at the same time. */
  connections: z.int().min(1).max(1_000_000).optional(),
};
const rateLimit = z.strictObject({ average: z.int().min(1), burst: z.int().min(1) }).optional();

/** The section `routes`. */
export const routesSchema = z.strictObject({
  /** Class of the Traefik that they are for. Default: that of the infrastructure. */
  ingressClass: z.string().min(1).optional(),
  /** Namespace that it runs in. Default: that of the infrastructure. */
  ingressNamespace: nodeName.optional(),
  /** Public APIs of sequencers; TLS goes through to them. */
  sequencers: z
    .array(
      z.strictObject({
        ...common,
        /** Which sequencers answer. Default: all. */
        to: z.array(nodeName).min(1).optional(),
      }),
    )
    .default([]),
  /** Ledger APIs of participants. */
  ledgerApis: z
    .array(
      z.strictObject({
        ...common,
        participant: nodeName,
        /** `passthrough`: TLS goes through to the participant; `grpc`: it ends at Traefik, with the certificate of `certificateSecret`. */
        mode: z.enum(["passthrough", "grpc"]).default("passthrough"),
        certificateSecret: z.string().min(1).optional(),
        /** Secret with the authority of clients' certificates. */
        clientCaSecret: z.string().min(1).optional(),
        rateLimit,
      }),
    )
    .default([]),
  /** The JSON API of the participant that has one; TLS ends at Traefik. */
  jsonApi: z
    .strictObject({
      ...common,
      certificateSecret: z.string().min(1),
      clientCaSecret: z.string().min(1).optional(),
      rateLimit,
    })
    .optional(),
});

/** That section, checked. */
export type RoutesConfig = z.output<typeof routesSchema>;

/** A route, and whether its TLS is that of the nodes: their certificates then bear its host name. */
export interface PlannedRoute {
  readonly route: Route;
  /** The participant whose own TLS Traefik checks. */
  readonly behind?: string;
}

/** The routes of a configuration. */
export function planRoutes(routes: RoutesConfig, nodes: readonly PlannedNode[]): PlannedRoute[] {
  const sequencers = nodes.filter(({ role }) => role === "sequencer").map(({ name }) => name);
  return [
    ...routes.sequencers.map(({ to = sequencers, ...rest }) => ({
      route: { ...named(rest), services: to, port: portNumbers.publicApi } as Route,
    })),
    ...routes.ledgerApis.map(({ participant, ...rest }) => ({
      route: { ...named(rest), services: [participant], port: portNumbers.ledgerApi } as Route,
      ...(rest.mode === "grpc" && { behind: participant }),
    })),
    ...[routes.jsonApi].flatMap((api) =>
      api === undefined
        ? []
        : [{ route: { ...named(api), services: ["json-api"], port: applicationPorts.jsonApi, mode: "http" } as Route }],
    ),
  ];
}

/** Host names are unique, and so are the names that are made of them. */
function named<Given extends { readonly host: string }>(given: Given): Given & { readonly name: string } {
  const parts = given.host.split(".").filter((part) => /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(part));
  return { ...given, name: nameWithin({ length: 40 }, "to", ...parts) };
}

/** Names besides their own that certificates of nodes bear: those by which clients dial them through the ingress. */
export function serverNamesOf(planned: readonly PlannedRoute[]): Record<string, string[]> {
  const names: Record<string, string[]> = {};
  for (const { route } of planned) {
    if ((route.mode ?? "passthrough") !== "passthrough") continue;
    for (const node of route.services) names[node] = [...(names[node] ?? []), route.host];
  }
  return names;
}

/** What is wrong with routes, whatever the infrastructure is. */
export function routesProblems(
  routes: RoutesConfig,
  nodes: readonly PlannedNode[],
  { jsonApi, onInfrastructure }: { readonly jsonApi: boolean; readonly onInfrastructure: boolean },
): string[] {
  const problems: string[] = [];
  const ofRole = (role: string) => nodes.filter((node) => node.role === role).map(({ name }) => name);
  const [sequencers, participants] = [ofRole("sequencer"), ofRole("participant")];
  if (!onInfrastructure) {
    for (const key of ["ingressClass", "ingressNamespace"] as const) {
      if (routes[key] === undefined) {
        problems.push(
          `routes.${key} is required; expected it, or infrastructure: a stack of cluster-services with ingress`,
        );
      }
    }
  }
  if (routes.sequencers.length > 0 && sequencers.length === 0) {
    problems.push("routes.sequencers: is set without a domain; expected domain, whose they are");
  }
  routes.sequencers.forEach(({ to = [] }, index) => {
    for (const name of to) {
      if (sequencers.includes(name) || sequencers.length === 0) continue;
      problems.push(`routes.sequencers[${index}].to: got "${name}"; expected one of ${sequencers.join(", ")}`);
    }
  });
  routes.ledgerApis.forEach(({ participant, mode, certificateSecret }, index) => {
    if (!participants.includes(participant)) {
      const known = participants.join(", ") || "participants, of which there are none";
      problems.push(`routes.ledgerApis[${index}].participant: got "${participant}"; expected one of ${known}`);
    }
    if (mode === "grpc" && certificateSecret === undefined) {
      problems.push(
        `routes.ledgerApis[${index}].certificateSecret is required with mode grpc: TLS ends at Traefik; expected a Secret with tls.crt and tls.key`,
      );
    }
  });
  if (routes.jsonApi !== undefined && !jsonApi) {
    problems.push("routes.jsonApi: is set, but no participant has applications.jsonApi; expected one that has");
  }
  const planned = planRoutes(routes, nodes).filter(({ route }) => route.services.length > 0);
  if (planned.length === 0) {
    if (problems.length === 0) problems.push("routes: got none; expected sequencers, ledgerApis or jsonApi");
    return problems;
  }
  try {
    checkRoutes(planned.map(({ route }) => route));
  } catch (error) {
    problems.push((error as Error).message);
  }
  return problems;
}

/** The Traefik that routes are for. */
export interface RoutedBy {
  readonly ingressClass: string;
  readonly ingressNamespace: string;
}

/** The Traefik that routes are for; undefined where neither the configuration names one nor the infrastructure has one. */
export function routedBy(
  { ingressClass, ingressNamespace }: RoutesConfig,
  infrastructure: InfrastructureState | undefined,
): RoutedBy | undefined {
  const theirs = infrastructure?.services?.ingress;
  const chosen = {
    ingressClass: ingressClass ?? theirs?.ingressClass,
    ingressNamespace: ingressNamespace ?? theirs?.namespace,
  };
  if (chosen.ingressClass === undefined || chosen.ingressNamespace === undefined) return undefined;
  return chosen as RoutedBy;
}
