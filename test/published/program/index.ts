/** Somebody's own program that uses the package through the SDK that `pulumi package add` generated. */
import { readFileSync } from "node:fs";
import { Config } from "@pulumi/pulumi";

// Not there before it is generated, so that types cannot be checked.
const sdk = "@pulumi/pulumi-canton";
const { AwsInfrastructure } = await import(sdk);

const config = new Config();
export const { infrastructure } = new AwsInfrastructure("ledger", {
  name: "ledger",
  environment: config.require("environment"),
  region: "eu-central-1",
  account: "123456789012",
  caPem: readFileSync(config.require("caFile"), "utf8"),
  settings: { tags: { team: "ledger" } },
});
