export { AwsInfrastructure } from "./aws-infrastructure.ts";
