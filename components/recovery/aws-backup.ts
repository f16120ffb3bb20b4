import { Plan } from "@pulumi/aws/backup/plan.js";
import { Selection } from "@pulumi/aws/backup/selection.js";
import { Vault } from "@pulumi/aws/backup/vault.js";
import { VaultLockConfiguration } from "@pulumi/aws/backup/vaultLockConfiguration.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import { ComponentResource, type ComponentResourceOptions, type Input } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { AwsKey } from "../identity/aws-key.ts";
import { dataKeyStatements } from "../identity/aws-key-policy.ts";
import { type AwsPlace, managedPolicy, policyOf, trustOfService } from "../identity/aws-policy.ts";

/** Arguments of an `AwsBackup`. */
export interface AwsBackupArgs {
  readonly deployment: Deployment;
  readonly place: AwsPlace;
  /** ARNs of what is backed up: databases and buckets, by name. */
  readonly resources: readonly Input<string>[];
  /** ARN of the key that encrypts backups. */
  readonly key: Input<string>;
  /** Days for which a backup is kept. */
  readonly days: number;
  /** Region to which every backup is copied, encrypted there with a key of that region. Default: none. */
  readonly copyTo?: string | undefined;
  /** Refuses to delete backups before their time, and keeps vaults when the stack is destroyed. */
  readonly protect: boolean;
}

/**
 * A backup every night, apart from what databases keep of themselves: it is there when the database is not, and in another
 * region when this one is not.
 *
 * Resources: 7; with a copy 4 more, protected 1 more for each vault.
 *
 * Cost: about 0.095 USD a GB and month for databases and 0.05 for buckets; a copy the same, and 0.02 USD a GB to send it.
 */
export class AwsBackup extends ComponentResource {
  constructor(name: string, args: AwsBackupArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:recovery:AwsBackup", name, {}, options);
    const { place, days, copyTo } = args;
    const parent = { parent: this };
    const tags = { ...tagsOf(args.deployment), Name: name };
    const vault = this.#vault(name, args, args.key, {});
    const copy = copyTo === undefined ? undefined : this.#copyVault(name, args, copyTo);

    const role = new Role(
      name,
      { assumeRolePolicy: trustOfService("backup.amazonaws.com", place.account), tags },
      parent,
    );
    const rights = ["service-role/AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForS3Backup"].map(
      (policy, index) =>
        new RolePolicyAttachment(
          index === 0 ? `${name}-databases` : `${name}-buckets`,
          { role: role.name, policyArn: managedPolicy(place.region, policy) },
          parent,
        ),
    );
    const plan = new Plan(
      name,
      {
        name,
        rules: [
          {
            ruleName: "nightly",
            targetVaultName: vault.name,
            // After the databases' own.
            schedule: "cron(0 4 * * ? *)",
            startWindow: 60,
            completionWindow: 480,
            lifecycle: { deleteAfter: days },
            copyActions:
              copy === undefined ? [] : [{ destinationVaultArn: copy.arn, lifecycle: { deleteAfter: days } }],
          },
        ],
        tags,
      },
      parent,
    );
    new Selection(
      name,
      { name, planId: plan.id, iamRoleArn: role.arn, resources: [...args.resources] },
      { ...parent, dependsOn: rights },
    );
    this.registerOutputs();
  }

  #copyVault(name: string, args: AwsBackupArgs, region: string): Vault {
    const key = new AwsKey(
      `${name}-copy`,
      {
        deployment: args.deployment,
        purpose: `Copies of the backups of ${name}`,
        policy: policyOf(...dataKeyStatements({ ...args.place, region })),
        region,
        protect: args.protect,
      },
      { parent: this },
    );
    return this.#vault(`${name}-copy`, args, key.arn, { region });
  }

  #vault(
    name: string,
    { deployment, days, protect }: AwsBackupArgs,
    key: Input<string>,
    where: { readonly region?: string },
  ): Vault {
    const vault = new Vault(
      name,
      { ...where, name, kmsKeyArn: key, forceDestroy: !protect, tags: { ...tagsOf(deployment), Name: name } },
      { parent: this, protect, retainOnDelete: protect },
    );
    if (protect) {
      new VaultLockConfiguration(
        name,
        { ...where, backupVaultName: vault.name, minRetentionDays: Math.min(days, 7) },
        { parent: this },
      );
    }
    return vault;
  }
}
