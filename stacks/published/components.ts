/** The components that other programs, in any language, use by `pulumi package add`. */
export { AwsInfrastructure, type AwsInfrastructureArgs } from "./aws-infrastructure.ts";
export { AzureInfrastructure, type AzureInfrastructureArgs } from "./azure-infrastructure.ts";
export { GcpInfrastructure, type GcpInfrastructureArgs } from "./gcp-infrastructure.ts";
