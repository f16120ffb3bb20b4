/** The configuration of the template for ways into a region of AWS: what is accepted, and what does not go together. */
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { awsConfigSchema, gatewayProblems, wafProblems } from "../aws/config.ts";
import type { AwsInsideIds } from "../aws/infrastructure.ts";
import { refuseProblems } from "../config/nodes.ts";
import { referenceKeys } from "../infrastructure/reference.ts";

const { allowedRanges, gateway, waf } = awsConfigSchema.shape;

/** All keys of the stack's configuration. */
export const awsWaysInConfigSchema = z.strictObject({
  /** Stack of the template `aws` that the ways lead into. Example: `organization/pulumi-canton/aws-production`. */
  infrastructure: referenceKeys.infrastructure.unwrap(),
  /** How strictly the policies judge the stack, as in that of the region. Default: as in production. */
  environment: referenceKeys.environment,
  tags: referenceKeys.tags,
  allowedRanges,
  gateway,
  waf,
});

/** The configuration of the template, checked by itself. */
export type AwsWaysInConfig = z.output<typeof awsWaysInConfigSchema>;

/**
 * Checks the configuration of the template, as far as it can be without the region.
 *
 * @throws ConfigError with every problem: its key, its value, and what is accepted
 */
export function checkAwsWaysInConfig(given: Readonly<Record<string, unknown>>): AwsWaysInConfig {
  const config = checkConfig(awsWaysInConfigSchema, given);
  if (config.gateway === undefined && config.waf === undefined) {
    refuseProblems(["gateway: missing, and so is waf; expected one of both, or both"]);
  }
  return config;
}

/** What is wrong with a way into a region. Pure. */
export function waysInProblems(config: AwsWaysInConfig, region: string, inside: AwsInsideIds): string[] {
  const { domain, ingress, network, has } = inside;
  const twice = (["gateway", "waf"] as const).flatMap((key) =>
    has[key] && config[key] !== undefined
      ? [`${key}: got a section, and ${config.infrastructure} has one; expected it in one of both`]
      : [],
  );
  return [
    ...twice,
    ...gatewayProblems({ gateway: config.gateway, domain, ingress, network }),
    ...wafProblems({ ...config, region }),
  ];
}
