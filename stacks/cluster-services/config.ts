/** The configuration of the cluster-services stack: what is accepted, and what is understood when a key is left out. */
import type { Environment } from "@pulumi-canton/components/deployment/deployment.ts";
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { nodeName, refuseProblems } from "../config/nodes.ts";
import { vaultSchema } from "../config/vault.ts";
import { cidr, loadBalancerSchema, pem } from "../infrastructure/config.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { clusterKeys, referenceKeys, referenceProblems } from "../infrastructure/reference.ts";
import { databasesProblems, databasesSchema } from "./databases-config.ts";
import { gitopsEnvironmentProblems, gitopsProblems, gitopsSchema } from "./gitops-config.ts";
import { databaseProblems, identityProviderProblems, identityProviderSchema } from "./identity-provider-config.ts";
import { grafanaRoute, imagesOf, monitoringProblems, monitoringSchema } from "./monitoring-config.ts";

const httpsUrl = z.string().regex(/^https:\/\/\S+$/, "expected an https URL");

const ingress = z.strictObject({
  /** Default: the name and `-ingress`. */
  namespace: nodeName.optional(),
  /** Class of its routes. Default: the name. */
  ingressClass: nodeName.optional(),
  /** In production by its digest. */
  image: z.string().min(1).optional(),
  /** Pods at least; twice as many at most. Default: 1 in `dev`, 2 in `staging`, 3 in `production`. */
  replicas: z.int().min(1).max(50).optional(),
  /** Who may connect, in CIDR notation. Default: those of the infrastructure; an empty list lets nobody in. */
  allowedRanges: z.array(cidr).optional(),
  /** How a load balancer is asked for. Default: as the infrastructure says. */
  loadBalancer: loadBalancerSchema.optional(),
});

const certificates = z.strictObject({
  /** One of the namespaces of nodes. Default: the first. */
  namespace: nodeName.optional(),
  /** An authority of the deployment's own; `secret` has its key and certificate. Default: one is made. */
  ca: z.strictObject({ secret: z.string().min(1).optional() }).optional(),
  acme: z
    .strictObject({ server: httpsUrl, email: z.string().regex(/^\S+@\S+$/), ingressClass: z.string().min(1) })
    .optional(),
  vault: z
    .strictObject({
      server: httpsUrl,
      path: z.string().min(1),
      role: z.string().min(1),
      serviceAccount: z.string().min(1),
      caPem: pem.optional(),
    })
    .optional(),
  /** The authorities behind it: makes it the issuer of the certificates of nodes. */
  caPem: pem.optional(),
});

/** All keys of the stack's configuration. */
export const clusterServicesConfigSchema = z.strictObject({
  ...referenceKeys,
  cluster: z
    .strictObject({
      ...clusterKeys,
      /** Storage class of encrypted disks. */
      storageClass: z.string().min(1),
      /** What that class is, where it has to be made. */
      storageClassToMake: z
        .strictObject({ provisioner: z.string().min(1), parameters: z.record(z.string(), z.string()).default({}) })
        .optional(),
      /** Values of the label `topology.kubernetes.io/zone` of its machines. */
      zones: z
        .array(z.string().min(1))
        .min(1)
        .refine((zones) => new Set(zones).size === zones.length, "expected each zone once"),
    })
    .optional(),
  /** Namespaces for nodes, of which the stack makes those that are not there. Default: that of the infrastructure, or `name`. */
  namespaces: z
    .array(nodeName)
    .min(1)
    .max(10)
    .refine((names) => new Set(names).size === names.length, "expected each namespace once")
    .optional(),
  /** False: they are there already. */
  createNamespaces: z.boolean().default(true),
  /** A key of Vault that wraps the keys of nodes, without an infrastructure that has one. Default: a passphrase for each, which production does not take. */
  vault: vaultSchema.optional(),
  databases: databasesSchema.optional(),
  ingress: ingress.optional(),
  monitoring: monitoringSchema.optional(),
  certificates: certificates.optional(),
  identityProvider: identityProviderSchema.optional(),
  gitops: gitopsSchema.optional(),
});

/** The configuration of the cluster-services stack, checked and complete. */
export type ClusterServicesConfig = z.output<typeof clusterServicesConfigSchema>;

const sections = ["databases", "ingress", "monitoring", "certificates", "identityProvider", "gitops"] as const;

/**
 * Checks the configuration of the cluster-services stack.
 *
 * @param given what the configuration file has; keys that it leaves out get their defaults
 * @throws ConfigError with every problem: its key, its value, and what is accepted
 */
export function checkClusterServicesConfig(given: Readonly<Record<string, unknown>>): ClusterServicesConfig {
  const config = checkConfig(clusterServicesConfigSchema, given);
  const { databases, certificates: issuer, vault, monitoring, identityProvider, gitops } = config;
  const problems = referenceProblems(config, ["cluster"]);
  if (sections.every((section) => config[section] === undefined)) {
    problems.push(`${sections.join(", ")}: got none of them; expected at least one`);
  }
  if (vault !== undefined && config.infrastructure !== undefined) {
    problems.push("vault: is set beside infrastructure, which says it too; expected one of both");
  }
  if (vault !== undefined && databases === undefined && config.infrastructure === undefined) {
    problems.push("vault: is set without databases, with which it is handed on; expected it in the nodes' stack");
  }
  if (databases !== undefined) problems.push(...databasesProblems(databases));
  if (monitoring?.by === "own") problems.push(...monitoringProblems(monitoring, config.ingress !== undefined));
  if (identityProvider !== undefined) {
    const [ingressHere, infrastructureHere] = [config.ingress !== undefined, config.infrastructure !== undefined];
    const besides = { nodes: databases?.nodes, ingress: ingressHere, infrastructure: infrastructureHere };
    problems.push(...identityProviderProblems(identityProvider, besides));
  }
  if (gitops !== undefined) problems.push(...gitopsProblems(gitops));
  if (issuer !== undefined) {
    const kinds = (["ca", "acme", "vault"] as const).filter((kind) => issuer[kind] !== undefined);
    if (kinds.length !== 1) {
      problems.push(`certificates: got ${kinds.join(" and ") || "none"} of ca, acme and vault; expected exactly one`);
    }
    if (issuer.acme !== undefined && issuer.caPem !== undefined) {
      problems.push(
        "certificates.caPem: is set with acme, which certifies no names of Services; expected ca or vault for the certificates of nodes",
      );
    }
    if (issuer.caPem !== undefined && issuer.ca !== undefined && issuer.ca.secret === undefined) {
      problems.push(
        "certificates.caPem: is set, but the authority is yet to be made; expected certificates.ca.secret, which has it",
      );
    }
  }
  refuseProblems(problems);
  return config;
}

/** What the stack is on, once the infrastructure is known. */
export interface Surroundings {
  readonly name: string;
  readonly environment: Environment;
  readonly infrastructure: InfrastructureState | undefined;
}

/** Namespaces, of which no two may be one. */
export interface Namespaces {
  readonly nodes: readonly string[];
  readonly databases: string;
  readonly ingress: string;
  readonly monitoring: string;
  readonly identityProvider: string;
  readonly gitops: string;
}

/** What the namespaces are called. */
export function namespacesOf(config: ClusterServicesConfig, { name, infrastructure }: Surroundings): Namespaces {
  const { databases, ingress: own, monitoring, identityProvider, gitops } = config;
  return {
    nodes: config.namespaces ?? [infrastructure?.namespace ?? name],
    databases: databases?.namespace ?? `${name}-databases`,
    ingress: own?.namespace ?? `${name}-ingress`,
    monitoring: monitoring?.namespace ?? `${name}-monitoring`,
    identityProvider: identityProvider?.namespace ?? `${name}-login`,
    gitops: gitops?.namespace ?? `${name}-gitops`,
  };
}

/** The configuration of the ingress with what the infrastructure says of it. */
export function ingressOf({ ingress: own }: ClusterServicesConfig, infrastructure: InfrastructureState | undefined) {
  const theirs = infrastructure?.ingress;
  const { annotations, address, nodePort } = own?.loadBalancer ?? theirs ?? { annotations: {} };
  return {
    allowedRanges: own?.allowedRanges ?? theirs?.allowedRanges ?? [],
    loadBalancer: {
      annotations,
      ...(address !== undefined && { address }),
      ...(nodePort !== undefined && { nodePort }),
    },
  };
}

const byDigest = /@sha256:[0-9a-f]{64}$/;

/** What is wrong in an environment, on an infrastructure. */
export function surroundingProblems(config: ClusterServicesConfig, on: Surroundings): string[] {
  const problems: string[] = [];
  const { databases, ingress: own, certificates: issuer, identityProvider, gitops } = config;
  const namespaces = namespacesOf(config, on);
  const having = ["databases", "ingress", "monitoring", "identityProvider", "gitops"] as const;
  const used = [
    ...namespaces.nodes,
    ...having.flatMap((section) => (config[section] === undefined ? [] : [namespaces[section]])),
  ];
  for (const twice of new Set(used.filter((each, index) => used.indexOf(each) < index))) {
    problems.push(
      `namespaces: got "${twice}" for two things; expected a namespace for nodes, and one for each section`,
    );
  }
  if (on.infrastructure !== undefined && !namespaces.nodes.includes(on.infrastructure.namespace)) {
    problems.push(
      `namespaces: expected "${on.infrastructure.namespace}" among them, the one whose nodes ${config.infrastructure} trusts`,
    );
  }
  if (own !== undefined && ingressOf(config, on.infrastructure).allowedRanges.length === 0) {
    const leadsThere = {
      "ingress.loadBalancer": own.loadBalancer,
      identityProvider,
      "monitoring.grafana.certificateSecret": grafanaRoute(config.monitoring),
    };
    for (const [key, section] of Object.entries(leadsThere)) {
      if (section === undefined) continue;
      problems.push(`${key}: is set, but nobody may connect; expected ingress.allowedRanges, such as [203.0.113.0/24]`);
    }
  }
  if (identityProvider !== undefined) {
    const theirs = databases === undefined ? on.infrastructure?.databases : undefined;
    problems.push(...databaseProblems(identityProvider, config.infrastructure, theirs));
  }
  if (gitops !== undefined) problems.push(...gitopsEnvironmentProblems(gitops, on.environment));
  if (issuer?.namespace !== undefined && !namespaces.nodes.includes(issuer.namespace)) {
    problems.push(
      `certificates.namespace: got "${issuer.namespace}"; expected one of namespaces: ${namespaces.nodes.join(", ")}`,
    );
  }
  if (issuer?.acme !== undefined && own !== undefined && issuer.acme.ingressClass === (own.ingressClass ?? on.name)) {
    problems.push(
      `certificates.acme.ingressClass: got "${issuer.acme.ingressClass}", the stack's own, which has no port 80 for the proof; expected another`,
    );
  }
  if (on.infrastructure?.services !== undefined) {
    problems.push(
      `infrastructure: got "${config.infrastructure}", which is a stack of cluster-services itself; expected one of azure, aws or gcp`,
    );
  }
  if (on.environment === "production") problems.push(...productionProblems(config));
  return problems;
}

function productionProblems({ databases, ingress: own, monitoring, ...config }: ClusterServicesConfig): string[] {
  const problems: string[] = [];
  const { identityProvider, gitops } = config;
  const images = {
    ...(databases && { "databases.image": databases.image }),
    ...(own && { "ingress.image": own.image }),
    ...(identityProvider && { "identityProvider.image": identityProvider.image }),
    ...(identityProvider?.databaseSetup !== undefined && {
      "identityProvider.databaseSetup": identityProvider.databaseSetup,
    }),
    ...(gitops?.operator && { "gitops.operator.image": gitops.operator.image }),
    ...(monitoring?.by === "own" &&
      Object.fromEntries(
        Object.entries(imagesOf(monitoring, databases !== undefined)).map(([key, image]) => [
          `monitoring.images.${key}`,
          image,
        ]),
      )),
  };
  for (const [key, image] of Object.entries(images)) {
    if (image === undefined) {
      problems.push(`${key} is required in production; expected it by its digest, such as registry/name:1@sha256:…`);
    } else if (!byDigest.test(image)) {
      problems.push(
        `${key}: got "${image}"; expected it by its digest in production, such as registry/name:1@sha256:…`,
      );
    }
  }
  if (identityProvider?.replicas === 1) {
    problems.push(
      "identityProvider.replicas: got 1; expected 2 or more in production, so that people can log in while one is away",
    );
  }
  if (databases !== undefined) {
    if (databases.backups === undefined) {
      problems.push("databases.backups is required in production; expected where they go, such as { url: s3://… }");
    }
    if (databases.instances !== undefined && databases.instances < 3) {
      problems.push(
        `databases.instances: got ${databases.instances}; expected 3 or more in production, so that one that fails stops no commit`,
      );
    }
    if (config.infrastructure === undefined && config.vault === undefined) {
      problems.push(
        "vault is required in production: what opens the keys of nodes must not be in the state; expected a key of its transit engine",
      );
    }
  }
  return problems;
}
