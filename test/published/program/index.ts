/** Somebody's own program that uses the package through the SDK that `pulumi package add` generated. */
import { readFileSync } from "node:fs";
import { Vpc } from "@pulumi/aws/ec2/vpc.js";
import { Config } from "@pulumi/pulumi";

// Not there before it is generated, so that types cannot be checked.
const sdk = "@pulumi/pulumi-canton";
const { AwsInfrastructure } = await import(sdk);

const config = new Config();
export const { infrastructure, aws } = new AwsInfrastructure("ledger", {
  name: "ledger",
  environment: "dev",
  region: "eu-central-1",
  account: "123456789012",
  caPem: readFileSync(config.require("caFile"), "utf8"),
  tags: { team: "ledger" },
  network: { nat: "regional", flowLogDays: 30 },
  ...config.getObject<object>("more"),
  ...(config.get("hidden") && { namespace: config.requireSecret("hidden") }),
  // What no program has before another resource is made.
  ...(config.getBoolean("unknown") && { nodes: ["participant1", new Vpc("other", { cidrBlock: "10.9.0.0/16" }).id] }),
});
