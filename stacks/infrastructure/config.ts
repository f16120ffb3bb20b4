/** What the configurations of the infrastructure stacks have in common. */
import { postgresVersions } from "@pulumi-canton/components/database/database-server.ts";
import { deploymentName, environments } from "@pulumi-canton/components/deployment/deployment.ts";
import { whyNoCidr } from "@pulumi-canton/components/network/addresses.ts";
import { z } from "zod";
import { nodeName } from "../config/nodes.ts";

/** An IPv4 range. */
export const cidr = z.string().superRefine((text, context) => {
  const why = whyNoCidr(text);
  if (why !== undefined) context.addIssue({ code: "custom", message: why.replace(/^got "[^"]*"; /, "") });
});

/** Certificates of authorities. */
export const pem = z.string().regex(/-----BEGIN CERTIFICATE-----/, "expected certificates in PEM format");

/** Ranges of addresses that are nobody's on the internet. */
export const privateRanges: readonly string[] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/** How a load balancer is asked for. */
export const loadBalancerSchema = z.strictObject({
  annotations: z.record(z.string(), z.string()).default({}),
  address: z.string().min(1).optional(),
  /** Port of every machine to which a load balancer outside the cluster forwards. */
  nodePort: z.int().min(30_000).max(32_767).optional(),
});

/** A moment in UTC. One without quotes is a time to the engine, which hands it over in a notation of its own. */
export const moment = z.preprocess(
  // The type is for programs; what arrives is checked below.
  (given: string) => (typeof given === "string" ? given.replace(/^(\S{10}) (\S{8}) \+0000 UTC$/, "$1T$2Z") : given),
  z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'expected a time in UTC such as "2026-11-01T10:00:00Z"'),
);

/** Makes a stack the standby region of another one of its template. */
export const standbySchema = z.strictObject({
  /** Name of that stack, `organization/project/stack`. */
  of: z.string().min(1),
  /** The switch-over: databases stop to follow and can be written. Cannot be taken back. */
  promoted: z.boolean().default(false),
  /** A stack of the template `multi-region`: the switch-over is done once its `active` is `standby`, too. Default: none. */
  decidedBy: z.string().min(1).optional(),
});

/** Keys of every infrastructure stack; a cloud adds its own. Keys without a value here come from the environment's preset. */
export const infrastructureKeys = {
  /** Start of every resource's name: 2 to 20 lower-case letters, digits or hyphens, a letter first. Example: `canton-prod`. */
  name: z.string().regex(deploymentName, "expected 2 to 20 lower-case letters, digits or hyphens, a letter first"),
  /** How much it has to withstand: everything that is not set follows from it. */
  environment: z.enum(environments),
  /** Tags or labels of every resource. */
  tags: z.record(z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/), z.string().regex(/^[a-z0-9_-]{0,63}$/)).default({}),
  /** Namespace in the cluster in which the nodes are to run. Default: the name. */
  namespace: nodeName.optional(),
  /** The nodes that get a database and a login, by name; those of `kubernetes` on top. Default: a domain with two sequencers and one participant. */
  nodes: z.array(nodeName).min(1).default(["domain-manager", "mediator", "sequencer1", "sequencer2", "participant1"]),
  /** Whether there is a domain, so that a server for the sequencers' shared backend is needed. */
  domain: z.boolean().default(true),
  /** Who may reach the ingress and the bastion, in CIDR notation. No one by default: a deployment that nobody listed is closed. */
  allowedRanges: z.array(cidr).default([]),
  /** The database servers. */
  database: z
    .strictObject({
      /** Major version of PostgreSQL. */
      version: z.enum(postgresVersions).default("17"),
    })
    .prefault({}),
  /** Makes this the standby region of another stack of this template. Default: it stands for itself. */
  standby: standbySchema.optional(),
};
