/** The components that other programs, in any language, use by `pulumi package add`. */
export { AwsInfrastructure } from "./aws-infrastructure.ts";
export { AzureInfrastructure } from "./azure-infrastructure.ts";
export { GcpInfrastructure } from "./gcp-infrastructure.ts";
