/**
 * Two regions of one deployment, of which one is active: each region is a stack of its own (`aws`, `azure`, `gcp`), and this
 * one says which of them the nodes run in. Configured by `Pulumi.STACK.yaml`; see docs/multi-region.md.
 */
import { type Output, StackReference, unsecret } from "@pulumi/pulumi";
import { RegionRecord } from "@pulumi-canton/components/recovery/region-record.ts";
import { readConfig } from "./config/read-config.ts";
import type { InfrastructureState } from "./infrastructure/outputs.ts";
import { checkMultiRegionConfig } from "./multi-region/config.ts";

/** Gives out the active region, and has the name lead to it. */
export default function multiRegion(): Record<string, unknown> {
  const { regions, active, record } = readConfig(checkMultiRegionConfig);
  const stack = regions[active] ?? regions.primary;
  const infrastructure = new StackReference(stack).requireOutput("infrastructure") as Output<InfrastructureState>;
  if (record !== undefined) {
    const { endpoints, ...where } = record;
    new RegionRecord(record.host, { ...where, endpoint: endpoints[active] ?? endpoints.primary });
  }
  return {
    active,
    stack,
    region: unsecret(infrastructure.apply(({ region }) => region)),
    infrastructure,
    ...(record && { host: record.host }),
  };
}
