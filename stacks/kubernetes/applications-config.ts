/** What stands between a participant and its applications, as the configuration of `kubernetes` has it. */
import type { Environment } from "@pulumi-canton/components/deployment/deployment.ts";
import { z } from "zod";
import { nodeName, participantSchema } from "../config/nodes.ts";
import { cidr } from "../infrastructure/config.ts";

const httpsUrl = z.string().regex(/^https:\/\/\S+$/, "expected an https URL");
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
      /** What the provider's discovery document says. */
      provider: z.strictObject({
        issuer: httpsUrl,
        jwksUri: httpsUrl,
        authorizationEndpoint: httpsUrl,
        tokenEndpoint: httpsUrl,
      }),
      clientId: z.string().min(1),
      /** A secret. */
      clientSecret: z.string().min(1),
    })
    .optional(),
  /** Where the provider is, as the network sees it. Default: as for nodes, `network.https`. */
  https: z.array(z.union([z.strictObject({ cidr }), z.strictObject({ namespace: nodeName })])).optional(),
});

/** A participant and what it hosts, with what its applications use. */
export const participantWithApplications = participantSchema.extend({ applications: applicationsSchema.optional() });

/** That section, checked. */
export type ApplicationsConfig = z.output<typeof applicationsSchema>;
type Participant = z.output<typeof participantWithApplications>;

/** The participant that has applications; at most one of a stack has. */
export function applicationsIn(
  participants: readonly Participant[],
): { readonly participant: string; readonly applications: ApplicationsConfig } | undefined {
  for (const { name, applications } of participants) {
    if (applications !== undefined) return { participant: name, applications };
  }
  return undefined;
}

/** Databases that the programs have, by the program. */
export function storesOf({ jsonApi, triggerService }: ApplicationsConfig): string[] {
  return [...(jsonApi?.queryStore ? ["json-api"] : []), ...(triggerService?.store ? ["trigger-service"] : [])];
}

/** What its pods ask for. */
export function podsOf({ jsonApi, triggerService, oauth2Middleware }: ApplicationsConfig) {
  return [jsonApi, triggerService, oauth2Middleware].flatMap((each) =>
    each === undefined ? [] : [{ replicas: each.replicas, memoryMiB: each.memoryMiB, cpuMillis: 250 }],
  );
}

/** What is wrong with applications, whatever the infrastructure is. */
export function applicationsProblems(
  participants: readonly Participant[],
  nodes: readonly string[],
  databasePort: number,
): string[] {
  const problems: string[] = [];
  const having = participants.flatMap(({ applications }, index) => (applications === undefined ? [] : [index]));
  if (having.length > 1) {
    problems.push(
      `participants[${having[1]}].applications: is the second in one namespace, where its programs would have the same names; expected it in a stack with a namespace of its own`,
    );
  }
  for (const index of having) {
    const applications = participants[index]?.applications as ApplicationsConfig;
    const { jsonApi, triggerService, oauth2Middleware } = applications;
    const key = `participants[${index}].applications`;
    if ((jsonApi ?? triggerService ?? oauth2Middleware) === undefined) {
      problems.push(`${key}: got none of jsonApi, triggerService and oauth2Middleware; expected at least one`);
    }
    if (triggerService !== undefined && oauth2Middleware === undefined) {
      problems.push(
        `${key}.oauth2Middleware is required with triggerService: users log in there whose triggers it runs`,
      );
    }
    if (storesOf(applications).length > 0 && databasePort !== 5432) {
      problems.push(`${key}: has a store, but databases.nodes.port is ${databasePort}; expected 5432, or no store`);
    }
  }
  if (having.length > 0) {
    const programs = ["json-api", "trigger-service", "oauth2-middleware"];
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
