/** What stands between a participant and its applications, as the configuration of `kubernetes` has it. */
import type { Environment } from "@pulumi-canton/components/deployment/deployment.ts";
import {
  keycloakTemplates,
  type RequestTemplates,
} from "@pulumi-canton/components/participant/application/request-templates.ts";
import { programNames } from "@pulumi-canton/components/participant/application/services.ts";
import { z } from "zod";
import { nodeName, participantSchema } from "../config/nodes.ts";
import { cidr } from "../infrastructure/config.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";

const httpsUrl = z.string().regex(/^https:\/\/\S+$/, "expected an https URL");
/** Others in the network: a range of addresses, or all pods of a namespace. */
export const peers = z.array(z.union([z.strictObject({ cidr }), z.strictObject({ namespace: nodeName })]));
const program = {
  /** In production by its digest. */
  image: z.string().min(1),
  replicas: z.int().min(1).max(9).default(2),
  memoryMiB: z.int().min(256).max(262_144).default(1024),
};

/** The section `participants[].applications`. */
export const applicationsSchema = z.strictObject({
  /** URL below which applications reach the programs, through an ingress. */
  externalUrl: z.string().regex(/^https:\/\/[^/\s]+$/, "expected https://host"),
  jsonApi: z
    .strictObject({
      ...program,
      /** Keeps contracts in a database of its own, on the server of nodes; without it every query reads the ledger. */
      queryStore: z.boolean().default(false),
    })
    .optional(),
  triggerService: z
    .strictObject({
      ...program,
      /** Paths in its image. */
      dars: z.array(z.string().startsWith("/")).default([]),
      /** Keeps which triggers run in a database of its own, on the server of nodes; without it a restart forgets them. */
      store: z.boolean().default(false),
    })
    .optional(),
  oauth2Middleware: z
    .strictObject({
      ...program,
      /** What the provider's discovery document says. Default: the identity provider of the infrastructure. */
      provider: z
        .strictObject({
          issuer: httpsUrl,
          jwksUri: httpsUrl,
          authorizationEndpoint: httpsUrl,
          tokenEndpoint: httpsUrl,
        })
        .optional(),
      clientId: z.string().min(1),
      /** A secret. */
      clientSecret: z.string().min(1),
      /**
       * What the provider is asked with: `own`, by the middleware's own requests, `keycloak`, or templates in Jsonnet, as text; for
       * those that are left out the middleware's own. Default: `keycloak` where the issuer is a realm of one, otherwise `own`.
       */
      templates: z
        .union(
          [
            z.enum(["own", "keycloak"]),
            z.strictObject({
              authorization: z.string().min(1).optional(),
              token: z.string().min(1).optional(),
              refresh: z.string().min(1).optional(),
            }),
          ],
          "expected own, keycloak, or { authorization, token, refresh }, each the text of a template",
        )
        .optional(),
    })
    .optional(),
  /** Where the provider is, as the network sees it. Default: as for nodes, `network.https`. */
  https: peers.optional(),
});

/** A participant and what it hosts, with what its applications use. */
export const participantWithApplications = participantSchema.extend({ applications: applicationsSchema.optional() });

/** That section, checked. */
export type ApplicationsConfig = z.output<typeof applicationsSchema>;
type Participant = z.output<typeof participantWithApplications>;

/** A participant that has applications. */
export interface PlannedApplications {
  readonly participant: string;
  readonly applications: ApplicationsConfig;
  /** Put before the names of the programs, where several participants have some. */
  readonly prefix: string;
}

/** The participants that have applications. */
export function applicationsIn(participants: readonly Participant[]): PlannedApplications[] {
  const having = participants.flatMap(({ name, applications }) =>
    applications === undefined ? [] : [{ participant: name, applications }],
  );
  return having.map((each) => ({ ...each, prefix: having.length > 1 ? `${each.participant}-` : "" }));
}

/** The programs that a participant has, in the words of the configuration. */
function programsOf({ applications }: PlannedApplications): (keyof typeof programNames)[] {
  return (Object.keys(programNames) as (keyof typeof programNames)[]).filter((key) => applications[key] !== undefined);
}

/** Databases that the programs have, by the program. */
export function storesOf({ applications: { jsonApi, triggerService }, prefix }: PlannedApplications): string[] {
  return [
    ...(jsonApi?.queryStore ? [`${prefix}${programNames.jsonApi}`] : []),
    ...(triggerService?.store ? [`${prefix}${programNames.triggerService}`] : []),
  ];
}

/** What its pods ask for. */
export function podsOf({ applications: { jsonApi, triggerService, oauth2Middleware } }: PlannedApplications) {
  return [jsonApi, triggerService, oauth2Middleware].flatMap((each) =>
    each === undefined ? [] : [{ replicas: each.replicas, memoryMiB: each.memoryMiB, cpuMillis: 250 }],
  );
}

type Middleware = NonNullable<ApplicationsConfig["oauth2Middleware"]>;
type Provider = NonNullable<Middleware["provider"]>;

/** By whom people log in at a middleware: whom the configuration names, or the identity provider of the infrastructure. */
export function providerOf(
  { provider }: Pick<Middleware, "provider">,
  infrastructure: InfrastructureState | undefined,
): Provider | undefined {
  const theirs = infrastructure?.services?.identityProvider;
  if (provider !== undefined || theirs === undefined) return provider;
  const { issuer, jwksUri, authorizationEndpoint, tokenEndpoint } = theirs;
  return { issuer, jwksUri, authorizationEndpoint, tokenEndpoint };
}

/** The templates that a middleware asks its provider with. */
export function templatesOf({ templates }: Pick<Middleware, "templates">, { issuer }: Provider): RequestTemplates {
  const chosen = templates ?? (/\/realms\/[^/]+\/?$/.test(issuer) ? "keycloak" : "own");
  if (chosen === "keycloak") return keycloakTemplates;
  // Keys that were left out are not there at all: to this the type does not attest.
  return chosen === "own" ? {} : (chosen as RequestTemplates);
}

/** What is wrong with applications, whatever the infrastructure is. */
export function applicationsProblems(
  participants: readonly Participant[],
  nodes: readonly string[],
  databasePort: number,
): string[] {
  const problems: string[] = [];
  const urls = new Set<string>();
  participants.forEach(({ applications }, index) => {
    if (applications === undefined) return;
    const { jsonApi, triggerService, oauth2Middleware, externalUrl } = applications;
    const key = `participants[${index}].applications`;
    if ((jsonApi ?? triggerService ?? oauth2Middleware) === undefined) {
      problems.push(`${key}: got none of jsonApi, triggerService and oauth2Middleware; expected at least one`);
    }
    if (triggerService !== undefined && oauth2Middleware === undefined) {
      problems.push(
        `${key}.oauth2Middleware is required with triggerService: users log in there whose triggers it runs`,
      );
    }
    if ((jsonApi?.queryStore || triggerService?.store) && databasePort !== 5432) {
      problems.push(`${key}: has a store, but databases.nodes.port is ${databasePort}; expected 5432, or no store`);
    }
    if (urls.has(externalUrl)) {
      problems.push(
        `${key}.externalUrl: got "${externalUrl}" a second time; expected a host for the programs of each participant`,
      );
    }
    urls.add(externalUrl);
  });
  for (const planned of applicationsIn(participants)) {
    const programs = programsOf(planned).map((program) => `${planned.prefix}${programNames[program]}`);
    for (const name of nodes.filter((node) => programs.includes(node))) {
      problems.push(`participants: got "${name}", which a program of applications is called; choose another name`);
    }
  }
  return problems;
}

/** What is wrong with applications in an environment. */
export function imageProblems(participants: readonly Participant[], environment: Environment): string[] {
  if (environment !== "production") return [];
  return participants.flatMap(({ applications }, index) =>
    (["jsonApi", "triggerService", "oauth2Middleware"] as const).flatMap((key) => {
      const image = applications?.[key]?.image;
      if (image === undefined || /@sha256:[0-9a-f]{64}$/.test(image)) return [];
      return [
        `participants[${index}].applications.${key}.image: got "${image}"; expected it by its digest in production, such as registry/name@sha256:…`,
      ];
    }),
  );
}

/**
 * What is wrong with logins on an infrastructure.
 *
 * @param stack that the infrastructure is of
 */
export function providerProblems(
  participants: readonly Participant[],
  stack: string | undefined,
  infrastructure: InfrastructureState | undefined,
): string[] {
  const why =
    infrastructure === undefined
      ? "there is no infrastructure that has an identity provider"
      : `${stack} has no identity provider`;
  return participants.flatMap(({ applications }, index) => {
    const middleware = applications?.oauth2Middleware;
    if (middleware === undefined || providerOf(middleware, infrastructure) !== undefined) return [];
    return [
      `participants[${index}].applications.oauth2Middleware.provider is required: ${why}; expected issuer, jwksUri, authorizationEndpoint and tokenEndpoint, as its discovery document has them`,
    ];
  });
}
