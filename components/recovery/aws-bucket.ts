import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import { BucketObjectLockConfiguration } from "@pulumi/aws/s3/bucketObjectLockConfiguration.js";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";
import { type AwsPlace, policyOf } from "../identity/aws-policy.ts";

/**
 * Who may shorten the time for which an object is locked: `governance`, those with a special permission; `compliance`, nobody, not
 * even the account's owner.
 */
export const lockModes = ["governance", "compliance"] as const;
/** One of {@link lockModes}. */
export type LockMode = (typeof lockModes)[number];

/** Arguments of an `AwsBucket`. */
export interface AwsBucketArgs {
  readonly deployment: Deployment;
  readonly place: AwsPlace;
  /** ARN of the key that encrypts it. */
  readonly key: Input<string>;
  /** Days after which objects expire. Default: never. */
  readonly expireDays?: number;
  /** Days for which a version that was overwritten or deleted is still there. */
  readonly oldVersionDays: number;
  /** Keeps every version from being deleted or overwritten for a time; decided when the bucket is made. Default: none. */
  readonly lock?: { readonly mode: LockMode; readonly days: number };
  /** Keeps it when the stack is destroyed; without it, it is deleted with all that is in it. */
  readonly protect: boolean;
}

/**
 * A bucket for backups or for logs kept for audit: encrypted, with versions, never public, TLS only, old versions expire;
 * locked when it is to prove something. Its name ends with a hash of account and region: names are unique among everybody's.
 *
 * Resources: 7, with a lock 8.
 *
 * Cost: about 0.024 USD a GB and month, more where versions are many.
 */
export class AwsBucket extends ComponentResource {
  declare readonly arn: Output<string>;
  /** `s3://…`. */
  declare readonly url: Output<string>;

  constructor(name: string, args: AwsBucketArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:recovery:AwsBucket", name, {}, options);
    const { place, lock, protect, oldVersionDays, expireDays } = args;
    if (lock !== undefined && expireDays !== undefined && expireDays < lock.days) {
      throw new Error(`expireDays: got ${expireDays}; expected at least the ${lock.days} days of the lock`);
    }
    const parent = { parent: this };
    const bucket = new Bucket(
      name,
      {
        bucket: nameWithin({ length: 63, scope: `${place.account} ${place.region}` }, name),
        forceDestroy: !protect,
        ...(lock && { objectLockEnabled: true }),
        tags: { ...tagsOf(args.deployment), Name: name },
      },
      { ...parent, protect, retainOnDelete: protect },
    );
    const of = { bucket: bucket.bucket };
    const closed = new BucketPublicAccessBlock(
      name,
      { ...of, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
      parent,
    );
    new BucketPolicy(
      name,
      { ...of, policy: bucket.arn.apply(tlsOnly) },
      // Changing both at once is refused.
      { ...parent, dependsOn: [closed] },
    );
    const versioning = new BucketVersioning(name, { ...of, versioningConfiguration: { status: "Enabled" } }, parent);
    new BucketServerSideEncryptionConfiguration(
      name,
      {
        ...of,
        rules: [
          {
            applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: args.key },
            // One request to the key for many objects.
            bucketKeyEnabled: true,
          },
        ],
      },
      parent,
    );
    new BucketLifecycleConfiguration(
      name,
      {
        ...of,
        rules: [
          {
            id: "expire",
            status: "Enabled",
            filter: {},
            ...(expireDays !== undefined && { expiration: { days: expireDays } }),
            noncurrentVersionExpiration: { noncurrentDays: oldVersionDays },
            abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
          },
        ],
      },
      { ...parent, dependsOn: [versioning] },
    );
    if (lock !== undefined) {
      new BucketObjectLockConfiguration(
        name,
        {
          ...of,
          objectLockEnabled: "Enabled",
          rule: { defaultRetention: { mode: lock.mode.toUpperCase(), days: lock.days } },
        },
        { ...parent, dependsOn: [versioning] },
      );
    }
    this.arn = bucket.arn;
    this.url = bucket.bucket.apply((its) => `s3://${its}`);
    this.registerOutputs({ arn: this.arn, url: this.url });
  }
}

/** Refuses whoever comes without TLS, or with an old one. Pure. */
export function tlsOnly(bucketArn: string): string {
  const refuse = (Sid: string, Condition: Record<string, Record<string, string>>) =>
    ({
      Sid,
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: [bucketArn, `${bucketArn}/*`],
      Condition,
    }) as const;
  return policyOf(
    refuse("TlsOnly", { Bool: { "aws:SecureTransport": "false" } }),
    refuse("TlsNew", { NumericLessThan: { "s3:TlsVersion": "1.2" } }),
  );
}
