/** The configuration of the kubernetes stack: what is accepted, and what is understood when a key is left out. */
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import {
  admissionSchema,
  domainKeys,
  domainNodes,
  hostingSchema,
  membershipProblems,
  validDays,
} from "../config/domain.ts";
import { nameProblems, refuseProblems } from "../config/nodes.ts";
import { applicationsIn, applicationsProblems, participantWithApplications } from "./applications-config.ts";
import { joinSchema, reachProblems } from "./join-config.ts";
import { type PlannedNode, platformKeys, platformProblems } from "./platform-config.ts";
import { backupsSchema, identityDumpsSchema } from "./recovery-config.ts";
import { reverseProxyProblems, reverseProxySchema } from "./reverse-proxy-config.ts";
import { planRoutes, routesProblems, routesSchema } from "./routes-config.ts";

/** Where others reach a sequencer. */
const sequencerSchema = z.strictObject({
  alias: z.string().min(1).max(185),
  url: z.string().regex(/^https:\/\/[^/\s]+$/, "expected https://host:port"),
  /** Authorities of its certificate. Default: those that every machine knows. */
  ca: z.string().min(1).optional(),
});

/** All keys of the stack's configuration. */
export const kubernetesConfigSchema = z.strictObject({
  ...platformKeys,
  /** A domain of this stack. Left out: participants only. */
  domain: z
    .strictObject({
      ...domainKeys,
      /** How many sequencers all participants share, or one of its own for each participant of the stack. */
      sequencers: z.union([z.int().min(1).max(9), z.literal("per-participant")]).default(2),
      /** Gives out an invitation for other organisations, as the output `invitation`. */
      invitation: z
        .strictObject({
          validDays,
          /** Where they reach the sequencers. Default: by `routes.sequencers` and `reverseProxy`; without them at their Services. */
          sequencers: z.array(sequencerSchema).min(1).optional(),
        })
        .optional(),
    })
    .optional(),
  /** A domain of another organisation that the participants join. */
  join: joinSchema.optional(),
  participants: z.array(participantWithApplications).default([]),
  /** Default: the participants of the stack. */
  allowList: z.array(admissionSchema).optional(),
  /** Parties on further participants. */
  hostings: z.array(hostingSchema).default([]),
  /** Ways from the outside to nodes, by a Traefik that is there. */
  routes: routesSchema.optional(),
  /** HAProxy or NGINX in front of the sequencers, where neither a gateway nor a Traefik is. */
  reverseProxy: reverseProxySchema.optional(),
  /** Dumps of databases in an object store. */
  backups: backupsSchema.optional(),
  /** Dumps of who each node is, in the state of the stack and with the backups. */
  identityDumps: identityDumpsSchema.optional(),
});

type Given = z.output<typeof kubernetesConfigSchema>;

/** The configuration of the kubernetes stack, checked and complete. */
export interface KubernetesConfig extends Omit<Given, "allowList"> {
  readonly allowList: z.output<typeof admissionSchema>[];
}

/** How many sequencers the domain has. */
export function sequencersOf({ domain, participants }: Pick<Given, "domain" | "participants">): number {
  if (domain === undefined) return 0;
  return domain.sequencers === "per-participant" ? participants.length : domain.sequencers;
}

/** The nodes that the stack runs. */
export function nodesOf(config: Pick<Given, "domain" | "participants">): PlannedNode[] {
  const ofDomain = config.domain === undefined ? [] : domainNodes(sequencersOf(config));
  return [
    ...ofDomain.map(
      (name): PlannedNode => ({ name, role: name.startsWith("sequencer") ? "sequencer" : (name as "mediator") }),
    ),
    ...config.participants.map(({ name }): PlannedNode => ({ name, role: "participant" })),
  ];
}

/**
 * Checks the configuration of the kubernetes stack.
 *
 * @param given what the configuration file has; keys that it leaves out get their defaults
 * @throws ConfigError with every problem: its key, its value, and what is accepted
 */
export function checkKubernetesConfig(given: Readonly<Record<string, unknown>>): KubernetesConfig {
  const checked = checkConfig(kubernetesConfigSchema, given);
  const { domain, join, participants } = checked;
  const admitted = participants.map(({ name }) => admissionSchema.parse({ participant: name }));
  const config = { ...checked, allowList: checked.allowList ?? (domain === undefined ? [] : admitted) };
  const nodes = nodesOf(config);
  const others = nodes.filter(({ role }) => role !== "participant").map(({ name }) => name);
  const problems = nameProblems(participants, [...others, "sequencer-backend"]);
  if (domain === undefined && participants.length === 0) {
    problems.push("domain is required where there are no participants; expected one of both");
  }
  if (domain !== undefined && join !== undefined) {
    problems.push(
      "join: is set beside domain; expected one of both: the template bridge has a participant on two domains",
    );
  }
  if (domain === undefined) {
    for (const key of ["allowList", "hostings"] as const) {
      if (config[key].length > 0) problems.push(`${key}: is set without a domain; expected domain, whose it is`);
    }
  } else {
    problems.push(...membershipProblems(config));
  }
  if (domain?.sequencers === "per-participant" && (participants.length < 1 || participants.length > 9)) {
    problems.push(
      `domain.sequencers: got "per-participant" with ${participants.length} participants; expected 1 to 9 of them`,
    );
  }
  if (domain?.termsOfService !== undefined && config.images.flavour === "canton") {
    problems.push(
      "domain.termsOfService: is set with images.flavour canton, for which the stack does not configure them; expected to leave it out",
    );
  }
  if (domain !== undefined && domain.initialisation !== "auto" && config.images.flavour === "canton") {
    problems.push(
      `domain.initialisation: got "${domain.initialisation}" with images.flavour canton, for which the stack does not configure it; expected to leave it out`,
    );
  }
  if (join !== undefined) problems.push(...reachProblems(config.network.sequencers));
  problems.push(...platformProblems(config, nodes, participants));
  problems.push(
    ...applicationsProblems(
      participants,
      nodes.map(({ name }) => name),
      config.databases?.nodes.port ?? 5432,
    ),
  );
  if (config.routes !== undefined) {
    const onInfrastructure = config.infrastructure !== undefined;
    problems.push(...routesProblems(config.routes, nodes, applicationsIn(participants), onInfrastructure));
  }
  if (config.reverseProxy !== undefined) {
    const routed = config.routes ? planRoutes(config.routes, nodes, applicationsIn(participants)) : [];
    const { invitation } = domain ?? {};
    problems.push(
      ...reverseProxyProblems(config.reverseProxy, {
        nodes,
        routed: routed.map(({ route }) => route.host),
        inviting: invitation !== undefined && invitation.sequencers === undefined,
      }),
    );
  }
  refuseProblems(problems);
  return config;
}
