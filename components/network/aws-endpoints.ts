import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { VpcEndpoint } from "@pulumi/aws/ec2/vpcEndpoint.js";
import { ComponentResource, type ComponentResourceOptions, type Input } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { type AwsPlace, partitionOf, policyOf, type Statement } from "../identity/aws-policy.ts";

/** Services that nodes use: images, keys, secrets, identities and logs. */
export const servicesOfNodes = ["ecr.api", "ecr.dkr", "kms", "logs", "secretsmanager", "sts"] as const;
/** What machines of the cluster need besides where they cannot reach the internet. */
export const servicesWithoutInternet = ["ec2", "eks", "elasticloadbalancing"] as const;
/** What the bastion needs. */
export const servicesOfBastion = ["ssm", "ssmmessages"] as const;

/** Arguments of `AwsEndpoints`. */
export interface AwsEndpointsArgs {
  readonly deployment: Deployment;
  readonly place: AwsPlace;
  readonly vpcId: Input<string>;
  /** Addresses that may use them: those of the network. */
  readonly range: string;
  /** Subnets that they get an address in. */
  readonly subnetIds: readonly Input<string>[];
  /** Route tables of those who use S3. */
  readonly routeTableIds: readonly Input<string>[];
  /** Services besides S3. Example: `["kms", "sts"]`. */
  readonly services: readonly string[];
}

/**
 * Ways from a network to services of AWS that do not lead over the internet. Only identities of this account may go them, so
 * that nobody carries data to an account of their own.
 *
 * Resources: 2, with services besides S3 3 and 1 for each.
 *
 * Cost: about 7.50 USD a month for every service and zone, and 0.01 USD a GB; S3 is free.
 */
export class AwsEndpoints extends ComponentResource {
  constructor(name: string, args: AwsEndpointsArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AwsEndpoints", name, {}, options);
    const parent = { parent: this };
    const { place, vpcId } = args;
    const tags = (of: string) => ({ ...tagsOf(args.deployment), Name: of });
    const serviceName = (service: string) => `com.amazonaws.${place.region}.${service}`;
    new VpcEndpoint(
      `${name}-s3`,
      {
        vpcId,
        serviceName: serviceName("s3"),
        vpcEndpointType: "Gateway",
        routeTableIds: [...args.routeTableIds],
        policy: endpointPolicy("s3", place),
        tags: tags(`${name}-s3`),
      },
      parent,
    );
    if (args.services.length > 0) {
      const group = new SecurityGroup(
        name,
        {
          vpcId,
          description: `Endpoints of ${name}: HTTPS from the network`,
          ingress: [
            {
              description: "HTTPS from the network",
              protocol: "tcp",
              fromPort: 443,
              toPort: 443,
              cidrBlocks: [args.range],
            },
          ],
          tags: tags(name),
        },
        parent,
      );
      for (const service of args.services) {
        const endpoint = `${name}-${service.replace(".", "-")}`;
        new VpcEndpoint(
          endpoint,
          {
            vpcId,
            serviceName: serviceName(service),
            vpcEndpointType: "Interface",
            privateDnsEnabled: true,
            subnetIds: [...args.subnetIds],
            securityGroupIds: [group.id],
            policy: endpointPolicy(service, place),
            tags: tags(endpoint),
          },
          parent,
        );
      }
    }
    this.registerOutputs();
  }
}

/** Who may do what over an endpoint. Pure. */
export function endpointPolicy(service: string, { account, region }: AwsPlace): string {
  const ours: Statement = {
    Sid: "ThisAccount",
    Effect: "Allow",
    Principal: "*",
    Action: "*",
    Resource: "*",
    Condition: { StringEquals: { "aws:PrincipalAccount": account } },
  };
  if (service === "s3") {
    // Layers of images come by links that ECR itself signed.
    const layers = `arn:${partitionOf(region)}:s3:::prod-${region}-starport-layer-bucket/*`;
    return policyOf(ours, { Sid: "Layers", Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: layers });
  }
  if (service === "sts") {
    // Who asks with the token of a service account is nobody's identity yet.
    const action = "sts:AssumeRoleWithWebIdentity";
    const roles = `arn:${partitionOf(region)}:iam::${account}:role/*`;
    return policyOf(ours, { Sid: "Workloads", Effect: "Allow", Principal: "*", Action: action, Resource: roles });
  }
  return policyOf(ours);
}
