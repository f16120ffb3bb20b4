import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import { Instance } from "@pulumi/aws/rds/instance.js";
import { ParameterGroup } from "@pulumi/aws/rds/parameterGroup.js";
import { Secret } from "@pulumi/aws/secretsmanager/secret.js";
import { SecretVersion } from "@pulumi/aws/secretsmanager/secretVersion.js";
import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  output,
  secret,
} from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { type AwsPlace, managedPolicy, trustOfService } from "../identity/aws-policy.ts";
import { administrator, databaseOf, familyOf, momentProblems, parameters, stampOf } from "./aws-postgres-plan.ts";
import type { DatabaseServer, DatabaseServerState, PostgresVersion } from "./database-server.ts";

/** A server of another region that one follows. */
export interface AwsReplicaSource {
  readonly instanceArn: Input<string>;
  /** What it keeps: the same administrator and logins, for they are in its data. Secret. */
  readonly server: Input<DatabaseServerState>;
  /**
   * Makes the replica a server of its own, which cannot be taken back: it follows no more, and can be written. The switch-over to
   * a standby region. Default: `false`.
   */
  readonly promoted?: boolean;
}

/** How large a server is. */
export interface AwsPostgresSize {
  /** Example: `"db.r7g.large"`. */
  readonly instanceClass: string;
  /** GiB; at least 20. */
  readonly storage: number;
  /** GiB up to which the disk grows by itself. */
  readonly maxStorage: number;
}

/** Arguments of an `AwsPostgres`. */
export interface AwsPostgresArgs extends AwsPostgresSize {
  readonly deployment: Deployment;
  readonly place: AwsPlace;
  readonly version: PostgresVersion;
  readonly vpcId: Input<string>;
  /** Group of the subnets that it is in: none with a route to the internet. */
  readonly subnetGroup: Input<string>;
  /** Security groups of those who may connect, by who it is. Example: `{ nodes: cluster.securityGroupId }`. */
  readonly clients: Readonly<Record<string, Input<string>>>;
  /** Whether a second server in another zone has all that the first has acknowledged, and takes over by itself. */
  readonly highAvailability: boolean;
  /** Days back to which any moment can be brought back; 1 to 35. */
  readonly backupDays: number;
  /** Whether the operating system is measured too, every minute. */
  readonly monitoring: boolean;
  /** ARN of the key that encrypts disk, backups and secrets. */
  readonly key: Input<string>;
  /** PEM of the authorities of RDS in this region: AWS publishes them as a file, no API gives them out. */
  readonly caPem: string;
  /** Names of those who get a database and a login. Example: `["mediator", "participant1"]`. */
  readonly logins: readonly string[];
  /** A server of another region that it follows. Default: it is a server of its own. */
  readonly replicaOf?: AwsReplicaSource;
  /**
   * Moments in UTC to which it was brought back, in their order: each makes a server beside the one before, which takes its place
   * with what that held at the moment. Append, and take none away. Default: none. Example: `["2026-11-01T10:00:00Z"]`.
   */
  readonly restoredTo?: readonly string[] | undefined;
  /** Refuses deletion, keeps a last snapshot, and keeps it when the stack is destroyed. */
  readonly protect: boolean;
}

/**
 * A PostgreSQL server of RDS: no public address, TLS only, everything encrypted with a key of the account, any moment of
 * the last days can be brought back. Databases and logins are made by a job in the cluster, where it is reached; their
 * passwords are made here and kept in Secrets Manager, the administrator's apart from those of nodes.
 *
 * Resources: 9 and 1 for every login; monitoring 2 more; every moment restored to 1 more. A replica: 8, and no logins of its own.
 *
 * Cost: `db.r7g.large` with a standby about 380 USD a month, `db.t4g.medium` without 50; disk 0.12 USD a GiB, twice with a
 * standby. A cross-region replica costs a server and what is sent to it, 0.02 USD a GB.
 */
export class AwsPostgres extends ComponentResource implements DatabaseServer {
  declare readonly server: Output<DatabaseServerState>;
  /** ARN of the server that is in use: what a replica follows and a backup plan selects. */
  declare readonly instanceArn: Output<string>;

  constructor(name: string, args: AwsPostgresArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:database:AwsPostgres", name, {}, options);
    const { replicaOf, restoredTo = [] } = args;
    if (replicaOf !== undefined && !replicaOf.promoted && restoredTo.length > 0) {
      throw new Error(`restoredTo: got "${restoredTo[0]}" for a replica; expected it where the replica follows`);
    }
    const [problem] = momentProblems(restoredTo);
    if (problem !== undefined) throw new Error(`restoredTo${problem}`);
    const credentials = replicaOf ? secret(replicaOf.server) : this.#newCredentials(name, args.logins);
    const instance = this.#instance(name, args, credentials);
    this.instanceArn = instance.arn;
    this.server = secret(
      all([credentials, instance.address, instance.port]).apply(([{ administrator: by, logins }, host, port]) => ({
        host,
        port,
        administrator: by,
        caPem: args.caPem,
        logins,
      })),
    );
    this.#keepSecrets(name, args);
    this.registerOutputs({ instanceArn: this.instanceArn });
  }

  #newCredentials(name: string, logins: readonly string[]): Output<Credentials> {
    const password = (of: string) =>
      // Letters and digits only: it goes into URLs.
      new RandomPassword(`${name}-${of}`, { length: 32, special: false }, { parent: this }).result;
    const passwords = Object.fromEntries(logins.map((login) => [login, password(login)]));
    return all([password("administrator"), output(passwords)]).apply(([own, others]) => ({
      administrator: { user: administrator, password: own },
      logins: Object.fromEntries(
        logins.map((login) => [
          login,
          { database: databaseOf(login), user: databaseOf(login), password: others[login] as string },
        ]),
      ),
    }));
  }

  #instance(name: string, args: AwsPostgresArgs, credentials: Output<Credentials>): Instance {
    const { protect, replicaOf, restoredTo = [], key } = args;
    // Without its source, a replica becomes a server of its own. One that follows has nothing of its own to keep: RDS refuses a
    // last snapshot of it.
    const follows = replicaOf !== undefined && !replicaOf.promoted;
    const keepsSnapshot = protect && !follows;
    const parent = { parent: this };
    const tags = (of: string) => ({ ...tagsOf(args.deployment), Name: of });
    const group = new SecurityGroup(
      name,
      {
        vpcId: args.vpcId,
        description: `PostgreSQL ${name}: nodes and bastion in, nothing out`,
        ingress: Object.entries(args.clients).map(([who, securityGroup]) => ({
          description: `PostgreSQL from ${who}`,
          protocol: "tcp",
          fromPort: 5432,
          toPort: 5432,
          securityGroups: [securityGroup],
        })),
        egress: [],
        tags: tags(name),
      },
      parent,
    );
    const parameterGroup = new ParameterGroup(
      name,
      { family: familyOf(args.version), parameters: [...parameters], tags: tags(name) },
      parent,
    );
    const monitoringRole = args.monitoring ? this.#monitoringRole(name, args) : undefined;
    const common = {
      instanceClass: args.instanceClass,
      storageType: "gp3",
      maxAllocatedStorage: args.maxStorage,
      storageEncrypted: true,
      kmsKeyId: key,
      multiAz: args.highAvailability,
      dbSubnetGroupName: args.subnetGroup,
      vpcSecurityGroupIds: [group.id],
      publiclyAccessible: false,
      parameterGroupName: parameterGroup.name,
      caCertIdentifier: "rds-ca-rsa2048-g1",
      backupRetentionPeriod: args.backupDays,
      backupWindow: "02:00-03:00",
      maintenanceWindow: "sun:03:30-sun:04:30",
      copyTagsToSnapshot: true,
      deleteAutomatedBackups: !protect,
      autoMinorVersionUpgrade: true,
      allowMajorVersionUpgrade: true,
      performanceInsightsEnabled: true,
      performanceInsightsKmsKeyId: key,
      performanceInsightsRetentionPeriod: 7,
      ...(monitoringRole ? { monitoringInterval: 60, monitoringRoleArn: monitoringRole } : { monitoringInterval: 0 }),
      deletionProtection: protect,
      skipFinalSnapshot: !keepsSnapshot,
    };
    const named = (identifier: string) => ({
      identifier,
      ...(keepsSnapshot && { finalSnapshotIdentifier: `${identifier}-final` }),
      tags: tags(identifier),
    });
    const kept = { ...parent, protect, retainOnDelete: protect };
    const own = { engine: "postgres", engineVersion: args.version, allocatedStorage: args.storage };
    const { password } = credentials.administrator;
    const first = new Instance(
      name,
      {
        ...common,
        ...named(name),
        ...(replicaOf
          ? follows && { replicateSourceDb: replicaOf.instanceArn }
          : { ...own, username: administrator, password }),
      },
      kept,
    );
    return restoredTo.reduce((before, restoreTime) => {
      const restored = `${name}-${stampOf(restoreTime)}`;
      const restoreToPointInTime = { sourceDbInstanceIdentifier: before.identifier, restoreTime };
      return new Instance(restored, { ...common, ...named(restored), ...own, password, restoreToPointInTime }, kept);
    }, first);
  }

  #monitoringRole(name: string, { deployment, place }: AwsPostgresArgs): Output<string> {
    const roleName = `${name}-metrics`;
    const role = new Role(
      roleName,
      {
        assumeRolePolicy: trustOfService("monitoring.rds.amazonaws.com", place.account),
        tags: { ...tagsOf(deployment), Name: roleName },
      },
      { parent: this },
    );
    const attached = new RolePolicyAttachment(
      roleName,
      {
        role: role.name,
        policyArn: managedPolicy(place.region, "service-role/AmazonRDSEnhancedMonitoringRole"),
      },
      { parent: this },
    );
    // Whoever uses the role finds it with its rights.
    return all([role.arn, attached.id]).apply(([arn]) => arn);
  }

  /** Two secrets: who runs nodes has no business with the administrator's password. */
  #keepSecrets(name: string, { deployment, key, protect }: AwsPostgresArgs): void {
    const keep = (part: "administrator" | "logins", content: (server: DatabaseServerState) => unknown) => {
      const secretName = `${name}-${part}`;
      const kept = new Secret(
        secretName,
        {
          name: `${name}/${part}`,
          description: `${part === "logins" ? "Logins of nodes" : "Administrator"} of the PostgreSQL server ${name}`,
          kmsKeyId: key,
          // Without protection, the name can be taken again at once.
          recoveryWindowInDays: protect ? 30 : 0,
          tags: { ...tagsOf(deployment), Name: secretName },
        },
        { parent: this },
      );
      new SecretVersion(
        secretName,
        { secretId: kept.id, secretString: this.server.apply((server) => JSON.stringify(content(server))) },
        { parent: this },
      );
    };
    keep("administrator", ({ host, port, administrator: by }) => ({ host, port, ...by }));
    keep("logins", ({ host, port, logins }) => ({ host, port, logins }));
  }
}

type Credentials = Pick<DatabaseServerState, "administrator" | "logins">;
