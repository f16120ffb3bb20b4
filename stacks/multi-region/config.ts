/** The configuration of the multi-region template: which stacks are the regions, and which of them is active. */
import { environments } from "@pulumi-canton/components/deployment/deployment.ts";
import { regionRoles } from "@pulumi-canton/components/recovery/region-record.ts";
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { refuseProblems } from "../config/nodes.ts";

const hostName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/,
    'expected a host name such as "canton.example.com"',
  );

/** All keys of the stack's configuration. */
export const multiRegionConfigSchema = z.strictObject({
  /** The stacks that are the regions, `organization/project/stack`; the standby is not there until it is made. */
  regions: z.strictObject({ primary: z.string().min(1), standby: z.string().min(1).optional() }),
  /** How strictly the policies judge the stack, as in those of the regions. Default: as in production. */
  environment: z.enum(environments).optional(),
  /** The switch-over: the region whose databases take writes, and where the nodes run. */
  active: z.enum(regionRoles).default("primary"),
  /** A name that leads to the active region. Default: none. */
  record: z
    .strictObject({
      /** The name. */
      host: hostName,
      /** The zone that it is in. */
      zone: z.discriminatedUnion("type", [
        z.strictObject({
          type: z.literal("route53"),
          zoneId: z.string().regex(/^Z[A-Z0-9]+$/, "expected the id of a hosted zone"),
        }),
        z.strictObject({ type: z.literal("azure-dns"), resourceGroup: z.string().min(1), zoneName: hostName }),
        z.strictObject({ type: z.literal("cloud-dns"), project: z.string().min(1), managedZone: z.string().min(1) }),
      ]),
      /** Address or host name of each region's ingress: the output `ingress` of the stack that runs nodes there. */
      endpoints: z.strictObject({ primary: z.string().min(1), standby: z.string().min(1).optional() }),
      /** For how long others may remember where it leads, in seconds. */
      ttlSeconds: z.int().min(5).max(3600).default(30),
    })
    .optional(),
});

/** The configuration of the multi-region template, checked and complete. */
export type MultiRegionConfig = z.output<typeof multiRegionConfigSchema>;

/**
 * Checks the configuration of the multi-region template.
 *
 * @throws ConfigError with every problem: its key, its value, and what is accepted
 */
export function checkMultiRegionConfig(given: Readonly<Record<string, unknown>>): MultiRegionConfig {
  const config = checkConfig(multiRegionConfigSchema, given);
  const { regions, active, record } = config;
  const problems: string[] = [];
  if (regions.standby === regions.primary) {
    problems.push(`regions.standby: got "${regions.standby}", which is the primary region; expected another stack`);
  }
  if (active === "standby" && regions.standby === undefined) {
    problems.push(
      'active: got "standby", and there is no regions.standby; expected "primary", or a stack that stands by',
    );
  }
  if (record !== undefined) {
    if (regions.standby !== undefined && record.endpoints.standby === undefined) {
      problems.push("record.endpoints.standby: missing; expected where the ingress of regions.standby is");
    }
    const { zone, host } = record;
    if (zone.type === "azure-dns" && host !== zone.zoneName && !host.endsWith(`.${zone.zoneName}`)) {
      problems.push(`record.host: got "${host}"; expected a name in the zone ${zone.zoneName}`);
    }
  }
  refuseProblems(problems);
  return config;
}
