import { Alias } from "@pulumi/aws/kms/alias.js";
import { Key } from "@pulumi/aws/kms/key.js";
import { ReplicaKey } from "@pulumi/aws/kms/replicaKey.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";

/** Arguments of an `AwsKey`. */
export interface AwsKeyArgs {
  readonly deployment: Deployment;
  /** What it encrypts, for people. Example: `"disks, databases and buckets"`. */
  readonly purpose: string;
  /** Who may use it, as a policy's text; see `aws-key-policy.ts`. */
  readonly policy: Input<string>;
  /**
   * Whether it can be replicated to other regions, which cannot be changed later: what it encrypted can then be read there
   * too. Default: `false`.
   */
  readonly multiRegion?: boolean;
  /** ARN of the multi-region key of another region that this one is to be a replica of. Default: a key of its own. */
  readonly replicaOf?: Input<string>;
  /** Region that it is in. Default: that of the provider. */
  readonly region?: string;
  /** Keeps it when it is taken out of the program or the stack is destroyed: without it, all that it encrypted is lost. */
  readonly protect: boolean;
}

/**
 * A symmetric key of AWS KMS with an alias of its name, renewed every year. Deleting it takes effect after 30 days.
 *
 * Resources: 3.
 *
 * Cost: about 1 USD a month, and 1 more after each of the first two renewals; 0.03 USD for 10,000 requests.
 */
export class AwsKey extends ComponentResource {
  /** Its ARN. */
  declare readonly arn: Output<string>;

  constructor(name: string, args: AwsKeyArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:identity:AwsKey", name, {}, options);
    const kept = { parent: this, protect: args.protect, retainOnDelete: args.protect };
    const region = args.region === undefined ? {} : { region: args.region };
    const common = {
      ...region,
      description: args.purpose,
      policy: args.policy,
      deletionWindowInDays: 30,
      tags: { ...tagsOf(args.deployment), Name: name },
    };
    const key =
      args.replicaOf === undefined
        ? new Key(name, { ...common, enableKeyRotation: true, multiRegion: args.multiRegion ?? false }, kept)
        : new ReplicaKey(name, { ...common, primaryKeyArn: args.replicaOf }, kept);
    new Alias(name, { ...region, name: `alias/${name}`, targetKeyId: key.keyId }, { parent: this });
    this.arn = key.arn;
    this.registerOutputs({ arn: this.arn });
  }
}
