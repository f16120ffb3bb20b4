import { RegionSecurityPolicy } from "@pulumi/gcp/compute/regionSecurityPolicy.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import type { Deployment } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";
import { type ArmorPlan, planArmor } from "./gcp-armor-plan.ts";

/** Arguments of a `GcpArmor`. */
export interface GcpArmorArgs extends ArmorPlan {
  readonly deployment: Deployment;
  /** Example: `"europe-west3"`. */
  readonly region: string;
}

/**
 * Cloud Armor in front of a regional load balancer: refuses what looks like an attack, lets in those on the allow-list as often
 * as the rate says, and refuses everybody else.
 *
 * Resources: 2.
 *
 * Cost: 5 USD a month, 1 for every rule, 0.75 for a million requests.
 */
export class GcpArmor extends ComponentResource {
  /** What a backend service takes. */
  declare readonly policy: Output<string>;

  constructor(name: string, args: GcpArmorArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:GcpArmor", name, {}, options);
    const policyName = nameWithin({ length: 63 }, args.deployment.name, "armor");
    const policy = new RegionSecurityPolicy(
      policyName,
      { name: policyName, region: args.region, type: "CLOUD_ARMOR", rules: planArmor(args) },
      { parent: this },
    );
    this.policy = policy.selfLink;
    this.registerOutputs({ policy: this.policy });
  }
}
