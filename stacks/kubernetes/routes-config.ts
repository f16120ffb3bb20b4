/** Ways from the outside to nodes, as the configuration of `kubernetes` has them. */
import { nameWithin } from "@pulumi-canton/components/deployment/names.ts";
import { checkRoutes, type Route, type RoutePath } from "@pulumi-canton/components/ingress/route.ts";
import { applicationPorts, programNames } from "@pulumi-canton/components/participant/application/services.ts";
import { portNumbers } from "@pulumi-canton/components/platform/kubernetes/layout.ts";
import { z } from "zod";
import { nodeName } from "../config/nodes.ts";
import { cidr } from "../infrastructure/config.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import type { PlannedApplications } from "./applications-config.ts";
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
/** Where TLS ends at Traefik. */
const terminated = {
  certificateSecret: z.string().min(1),
  /** Secret with the authority of clients' certificates. */
  clientCaSecret: z.string().min(1).optional(),
  rateLimit,
};
const { host: _, ...hostless } = common;

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
  /** The JSON API of a participant, on a host of its own; TLS ends at Traefik. */
  jsonApi: z
    .strictObject({
      ...common,
      ...terminated,
      /** Default: the participant that has one. */
      participant: nodeName.optional(),
    })
    .optional(),
  /**
   * The programs of a participant, on the host of its `externalUrl`; TLS ends at Traefik. Below `/v1` is the JSON API, below
   * `/trigger` the trigger service, below `/auth` the OAuth2 middleware; other paths of the host are left to others.
   */
  applications: z
    .array(
      z.strictObject({
        ...hostless,
        ...terminated,
        /** Default: the participant that has some. */
        participant: nodeName.optional(),
      }),
    )
    .default([]),
});

/** That section, checked. */
export type RoutesConfig = z.output<typeof routesSchema>;

/** A route, and whether its TLS is that of the nodes: their certificates then bear its host name. */
export interface PlannedRoute {
  readonly route: Route;
  /** The participant whose own TLS Traefik checks. */
  readonly behind?: string;
}

/** Where each program is below `externalUrl`: the JSON API by its own paths, the others as their configuration says. */
function pathsOf({ applications, prefix }: PlannedApplications): RoutePath[] {
  const path = (program: keyof typeof programNames, at: string, strip: boolean): RoutePath[] =>
    applications[program] === undefined
      ? []
      : [{ prefix: at, service: `${prefix}${programNames[program]}`, port: applicationPorts[program], strip }];
  return [
    ...path("jsonApi", "/v1", false),
    ...path("triggerService", "/trigger", true),
    ...path("oauth2Middleware", "/auth", true),
  ];
}

/** Those that a route is for: of the participant that it names, or of the only one. */
function behindRoute(
  participant: string | undefined,
  having: readonly PlannedApplications[],
): PlannedApplications | undefined {
  if (participant !== undefined) return having.find((each) => each.participant === participant);
  return having.length === 1 ? having[0] : undefined;
}

const withJsonApi = (applications: readonly PlannedApplications[]) =>
  applications.filter((each) => each.applications.jsonApi !== undefined);

/** The routes of a configuration; those to what there is not are left out. */
export function planRoutes(
  routes: RoutesConfig,
  nodes: readonly PlannedNode[],
  applications: readonly PlannedApplications[],
): PlannedRoute[] {
  const sequencers = nodes.filter(({ role }) => role === "sequencer").map(({ name }) => name);
  return [
    ...routes.sequencers.map(({ to = sequencers, ...rest }) => ({
      route: { ...named(rest), services: to, port: portNumbers.publicApi } as Route,
    })),
    ...routes.ledgerApis.map(({ participant, ...rest }) => ({
      route: { ...named(rest), services: [participant], port: portNumbers.ledgerApi } as Route,
      ...(rest.mode === "grpc" && { behind: participant }),
    })),
    ...[routes.jsonApi].flatMap((api) => {
      if (api === undefined) return [];
      const { participant, ...rest } = api;
      const behind = behindRoute(participant, withJsonApi(applications));
      if (behind === undefined) return [];
      const services = [`${behind.prefix}${programNames.jsonApi}`];
      return [{ route: { ...named(rest), services, port: applicationPorts.jsonApi, mode: "http" } as Route }];
    }),
    ...routes.applications.flatMap(({ participant, ...rest }) => {
      const behind = behindRoute(participant, applications);
      if (behind === undefined) return [];
      const { hostname } = new URL(behind.applications.externalUrl);
      const paths = pathsOf(behind);
      const port = applicationPorts.jsonApi;
      return [{ route: { ...named({ ...rest, host: hostname }), services: [], port, paths, mode: "http" } as Route }];
    }),
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
  applications: readonly PlannedApplications[],
  onInfrastructure: boolean,
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
  const hosted = (
    key: string,
    participant: string | undefined,
    having: readonly PlannedApplications[],
    what: string,
  ): string[] => {
    if (having.length === 0) return [`${key}: is set, but no participant has ${what}; expected one that has`];
    if (behindRoute(participant, having) !== undefined) return [];
    const names = having.map((each) => each.participant).join(", ");
    return participant === undefined
      ? [`${key}.participant is required, where several have ${what}; expected one of ${names}`]
      : [`${key}.participant: got "${participant}", which has no ${what}; expected one of ${names}`];
  };
  if (routes.jsonApi !== undefined) {
    const having = withJsonApi(applications);
    problems.push(...hosted("routes.jsonApi", routes.jsonApi.participant, having, "applications.jsonApi"));
  }
  routes.applications.forEach(({ participant }, index) => {
    problems.push(...hosted(`routes.applications[${index}]`, participant, applications, "applications"));
  });
  const planned = planRoutes(routes, nodes, applications).filter(
    ({ route }) => route.services.length > 0 || (route.paths ?? []).length > 0,
  );
  if (planned.length === 0) {
    if (problems.length === 0) {
      problems.push("routes: got none; expected sequencers, ledgerApis, jsonApi or applications");
    }
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
