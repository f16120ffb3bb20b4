import { Instance } from "@pulumi/aws/ec2/instance.js";
import { LaunchTemplate } from "@pulumi/aws/ec2/launchTemplate.js";
import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { InstanceProfile } from "@pulumi/aws/iam/instanceProfile.js";
import { Policy } from "@pulumi/aws/iam/policy.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { type AwsPlace, arnOf, managedPolicy, policyOf, trustOfService } from "../identity/aws-policy.ts";

/** Arguments of an `AwsBastion`. */
export interface AwsBastionArgs {
  readonly deployment: Deployment;
  readonly place: AwsPlace;
  readonly vpcId: Input<string>;
  /** Subnet that it is in; it reaches Session Manager by the endpoints `ssm` and `ssmmessages` of its network. */
  readonly subnetId: Input<string>;
  /** Addresses that it may reach, on the ports of HTTPS and PostgreSQL: those of the network. */
  readonly range: string;
  /** Who may open a session, in CIDR notation. Empty: from anywhere, with a permission. */
  readonly allowedRanges: readonly string[];
  /** ARN of the key that encrypts its disk. */
  readonly key: Input<string>;
}

/**
 * The only way for people into a network: a machine without a public address, an open port or a key, which Session Manager
 * forwards connections over. It has no rights of its own. Who may open a session is said by `accessPolicy`, to be attached to people or
 * their group; every session is in CloudTrail.
 *
 * Resources: 8.
 *
 * Cost: about 7 USD a month, besides two endpoints.
 */
export class AwsBastion extends ComponentResource {
  declare readonly instanceId: Output<string>;
  /** Its security group, which others let in. */
  declare readonly securityGroupId: Output<string>;
  /** ARN of the policy that lets people forward connections over it. */
  declare readonly accessPolicy: Output<string>;

  constructor(name: string, args: AwsBastionArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AwsBastion", name, {}, options);
    const parent = { parent: this };
    const { place } = args;
    const tags = { ...tagsOf(args.deployment), Name: name };
    const role = new Role(name, { assumeRolePolicy: trustOfService("ec2.amazonaws.com"), tags }, parent);
    const attached = new RolePolicyAttachment(
      name,
      { role: role.name, policyArn: managedPolicy(place.region, "AmazonSSMManagedInstanceCore") },
      parent,
    );
    const profile = new InstanceProfile(name, { role: role.name, tags }, { ...parent, dependsOn: [attached] });
    const egress = [443, 5432].map((port) => ({
      description: port === 443 ? "Kubernetes API and endpoints" : "PostgreSQL",
      protocol: "tcp",
      fromPort: port,
      toPort: port,
      cidrBlocks: [args.range],
    }));
    const group = new SecurityGroup(
      name,
      { vpcId: args.vpcId, description: `Bastion ${name}: nothing in`, ingress: [], egress, tags },
      parent,
    );
    const template = new LaunchTemplate(
      name,
      {
        imageId: "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
        instanceType: "t4g.nano",
        iamInstanceProfile: { arn: profile.arn },
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        blockDeviceMappings: [
          {
            deviceName: "/dev/xvda",
            ebs: {
              encrypted: "true",
              kmsKeyId: args.key,
              volumeType: "gp3",
              volumeSize: 8,
              deleteOnTermination: "true",
            },
          },
        ],
        tagSpecifications: [{ resourceType: "volume", tags }],
        tags,
      },
      parent,
    );
    const instance = new Instance(
      name,
      {
        launchTemplate: { id: template.id, version: template.latestVersion.apply(String) },
        subnetId: args.subnetId,
        associatePublicIpAddress: false,
        // Not in the template: EC2 refuses it there for who says anything of the address here.
        vpcSecurityGroupIds: [group.id],
        // Said here too, for those who look at the instance.
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        tags,
      },
      parent,
    );
    const access = new Policy(
      name,
      {
        description: `Forwarding connections over ${name}`,
        policy: instance.id.apply((id) => accessPolicy(place, id, args.allowedRanges)),
        tags,
      },
      parent,
    );
    this.instanceId = instance.id;
    this.securityGroupId = group.id;
    this.accessPolicy = access.arn;
    this.registerOutputs({ instanceId: this.instanceId, accessPolicy: this.accessPolicy });
  }
}

/** What lets somebody forward connections over a bastion, and end their own sessions, but not run commands on it. Pure. */
export function accessPolicy(place: AwsPlace, instanceId: string, allowedRanges: readonly string[]): string {
  const document = "AWS-StartPortForwardingSessionToRemoteHost";
  const from = allowedRanges.length > 0 ? { IpAddress: { "aws:SourceIp": allowedRanges } } : {};
  return policyOf(
    {
      Sid: "Forward",
      Effect: "Allow",
      Action: "ssm:StartSession",
      Resource: [
        arnOf(place, "ec2", `instance/${instanceId}`),
        arnOf({ ...place, account: "" }, "ssm", `document/${document}`),
      ],
      // Without this, a session needs no document, and is a shell.
      Condition: { ...from, BoolIfExists: { "ssm:SessionDocumentAccessCheck": "true" } },
    },
    {
      Sid: "OwnSessions",
      Effect: "Allow",
      Action: ["ssm:ResumeSession", "ssm:TerminateSession"],
      Resource: arnOf(place, "ssm", "session/$" + "{aws:userid}-*"),
    },
  );
}
