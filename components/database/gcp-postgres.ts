import { RecordSet } from "@pulumi/gcp/dns/recordSet.js";
import { Secret } from "@pulumi/gcp/secretmanager/secret.js";
import { SecretVersion } from "@pulumi/gcp/secretmanager/secretVersion.js";
import { DatabaseInstance, type DatabaseInstanceArgs } from "@pulumi/gcp/sql/databaseInstance.js";
import { User } from "@pulumi/gcp/sql/user.js";
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
import { nameWithin } from "../deployment/names.ts";
import type { GcpSharedNetwork } from "../network/gcp-network.ts";
import type { DatabaseLogin, DatabaseServer, DatabaseServerState, PostgresVersion } from "./database-server.ts";
import { type GcpPostgresSize, momentProblems, sizeProblems } from "./gcp-postgres-plan.ts";

/** A server that another replicates, as a stack hands it to another. */
export interface GcpPostgresPrimary {
  /** Name of the instance. */
  readonly instance: string;
  readonly server: DatabaseServerState;
}

/** Arguments of a `GcpPostgres`. */
export interface GcpPostgresArgs {
  readonly deployment: Deployment;
  /** What it keeps: part of its name. Example: `"nodes"`. */
  readonly purpose: string;
  /** Example: `"europe-west3"`. */
  readonly region: string;
  /** The network that it is reached in. */
  readonly network: Input<GcpSharedNetwork>;
  /** Resource names of the keys that encrypt it, and its passwords in Secret Manager. */
  readonly keys: { readonly database: Input<string>; readonly secrets: Input<string> };
  /** Major version. Default: 17. */
  readonly version?: PostgresVersion;
  readonly size: GcpPostgresSize;
  /** First size of the disk, in GiB; it grows by itself. Default: 20. */
  readonly diskGiB?: number;
  /** A second machine in another zone with a synchronous copy, which takes over by itself. Default: true. */
  readonly highAvailability?: boolean;
  /** Names of the nodes that get a login and a database, both of that name. */
  readonly logins: readonly string[];
  /** Refuses to be deleted, and stays when the stack goes. Default: true. */
  readonly retain?: boolean;
  /** Server of another region of which this is a copy that can only be read. Default: a server of its own. */
  readonly replicaOf?: Input<GcpPostgresPrimary>;
  /** Makes a copy a server of its own, for good: the region that it was copied from is lost. Default: false. */
  readonly promoted?: boolean;
  /**
   * Moments that were brought back, in the order of time. Each makes a new server, which starts from what the one before held
   * then, and takes its place; the one before stays, to be looked at. Default: none. Example: `["2026-03-01T10:15:00Z"]`.
   */
  readonly restoredTo?: readonly string[];
}

/** Written down for audits and for finding what is slow. */
const flags: Record<string, string> = {
  log_checkpoints: "on",
  log_connections: "on",
  log_disconnections: "on",
  log_lock_waits: "on",
  log_temp_files: "0",
};

/** Who makes databases and logins. */
const administrator = "administrator";

/**
 * PostgreSQL by Cloud SQL: reached by a private address only, TLS required, encrypted with a key of the deployment's own, a
 * synchronous copy in a second zone, daily backups and point-in-time recovery. Passwords are generated and kept in Secret
 * Manager. Databases and logins of nodes are made by whoever runs the nodes: those that Cloud SQL's API makes are members of
 * `cloudsqlsuperuser` and could read each other's.
 *
 * Its certificate comes from Google's shared authority and names the server's DNS name, which is what `host` gives.
 *
 * Resources: 7 + 3 for every login; a copy 4 + 2 for every login; 1 for every moment that was brought back.
 *
 * Cost: the machine, twice with high availability, from some 50 USD a month (1 CPU, one zone) to 900 (4 CPUs, Enterprise Plus,
 * two zones); a disk of 100 GiB 20 USD, twice again; backups 0.08 USD a GiB and month.
 */
export class GcpPostgres extends ComponentResource implements DatabaseServer {
  declare readonly server: Output<DatabaseServerState>;
  /** What a copy in another region is made of. Secret. */
  declare readonly primary: Output<GcpPostgresPrimary>;

  constructor(name: string, args: GcpPostgresArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:database:GcpPostgres", name, {}, options);
    const { deployment, purpose, logins } = args;
    const problems = sizeProblems(args.size);
    if (problems.length > 0) throw new Error(`size: ${problems.join("; ")}`);
    const { restoredTo = [] } = args;
    const moments = momentProblems(restoredTo);
    if (moments.length > 0) throw new Error(`restoredTo${moments[0]}`);
    if (logins.includes(administrator)) throw new Error(`logins: got "${administrator}"; expected the names of nodes`);
    const called = (...parts: string[]) => nameWithin({ length: 63 }, deployment.name, purpose, ...parts);

    const first = this.#makeInstance(called(), args);
    const instance = restoredTo.reduce((before, pointInTime) => {
      const moment = pointInTime.toLowerCase().replace(/[:.]/g, "-");
      return this.#makeInstance(called("at", moment), args, { sourceInstanceName: before.name, pointInTime });
    }, first);
    const passwords = this.#passwords(called, args);
    for (const [user, password] of Object.entries(passwords)) this.#keep(called(user), args, password);
    const host = this.#name(called(), args, instance);

    // A copy, and a server that starts from another, has the administrator of the other.
    const user =
      args.replicaOf === undefined ? this.#makeAdministrator(called(administrator), first, passwords) : undefined;

    this.server = secret(
      all([host, all(passwords), instance.serverCaCerts, output(user?.id)]).apply(([hostName, known, authorities]) => ({
        host: hostName,
        port: 5432,
        administrator: { user: administrator, password: known[administrator] ?? "" },
        caPem: authorities.map(({ cert }) => cert).join("\n"),
        logins: Object.fromEntries(logins.map((login) => [login, loginOf(login, known[login] ?? "")])),
      })),
    );
    this.primary = all([instance.name, this.server]).apply(([instanceName, server]) => ({
      instance: instanceName,
      server,
    }));
    this.registerOutputs({ server: this.server });
  }

  #makeAdministrator(name: string, instance: DatabaseInstance, passwords: Record<string, Output<string>>): User {
    return new User(
      name,
      {
        name: administrator,
        instance: instance.name,
        password: passwords[administrator] as Output<string>,
        type: "BUILT_IN",
        // It owns databases, so that PostgreSQL would not let it go before the server does.
        deletionPolicy: "ABANDON",
      },
      { parent: this },
    );
  }

  #makeInstance(name: string, args: GcpPostgresArgs, clone?: DatabaseInstanceArgs["clone"]): DatabaseInstance {
    const { deployment, region, keys, version = "17", size, diskGiB = 20, replicaOf, promoted = false } = args;
    const { highAvailability = true, retain = true } = args;
    const { network, databaseRangeName } = output(args.network);
    const copies = replicaOf !== undefined && !promoted;
    return new DatabaseInstance(
      name,
      {
        // No name: one that was given cannot be used again for a week after the server is gone.
        region,
        databaseVersion: `POSTGRES_${version}`,
        encryptionKeyName: keys.database,
        ...(clone && { clone }),
        deletionProtection: retain,
        ...(replicaOf !== undefined && { instanceType: copies ? "READ_REPLICA_INSTANCE" : "CLOUD_SQL_INSTANCE" }),
        ...(copies && { masterInstanceName: output(replicaOf).apply(({ instance }) => instance) }),
        settings: {
          edition: size.edition,
          tier: size.tier,
          availabilityType: highAvailability ? "REGIONAL" : "ZONAL",
          diskType: "PD_SSD",
          diskSize: diskGiB,
          diskAutoresize: true,
          deletionProtectionEnabled: retain,
          retainBackupsOnDelete: retain,
          ipConfiguration: {
            ipv4Enabled: false,
            privateNetwork: network,
            allocatedIpRange: databaseRangeName,
            sslMode: "ENCRYPTED_ONLY",
            serverCaMode: "GOOGLE_MANAGED_CAS_CA",
          },
          // A copy is backed up where it is copied from.
          backupConfiguration: copies
            ? { enabled: false }
            : {
                enabled: true,
                startTime: "02:00",
                location: region,
                pointInTimeRecoveryEnabled: true,
                transactionLogRetentionDays: size.recoveryDays,
                backupRetentionSettings: { retainedBackups: size.backups, retentionUnit: "COUNT" },
              },
          ...(!copies && { maintenanceWindow: { day: 7, hour: 3, updateTrack: "stable" } }),
          insightsConfig: { queryInsightsEnabled: true, recordClientAddress: true },
          databaseFlags: Object.entries(flags).map(([flag, value]) => ({ name: flag, value })),
          userLabels: tagsOf(deployment),
        },
      },
      // The disk has grown by itself since.
      { parent: this, protect: retain, retainOnDelete: retain, ignoreChanges: ["settings.diskSize"] },
    );
  }

  /** By login and for the administrator: generated, or those of the server that this is a copy of. */
  #passwords(called: Called, { logins, replicaOf }: GcpPostgresArgs): Record<string, Output<string>> {
    const passwordOf = (user: string): Output<string> => {
      if (replicaOf !== undefined) {
        return secret(
          output(replicaOf).apply(({ server }) => {
            const known = user === administrator ? server.administrator : server.logins[user];
            if (known === undefined) throw new Error(`logins: "${user}" has no login on the server that is replicated`);
            return known.password;
          }),
        );
      }
      return new RandomPassword(called(user), { length: 40, special: false }, { parent: this }).result;
    };
    return Object.fromEntries([administrator, ...logins].map((user) => [user, passwordOf(user)]));
  }

  /** Keeps a password in Secret Manager, in the server's region and under the deployment's key. */
  #keep(
    secretId: string,
    { deployment, region, keys, retain = true }: GcpPostgresArgs,
    password: Output<string>,
  ): void {
    const parent = { parent: this };
    const kept = new Secret(
      secretId,
      {
        secretId,
        replication: {
          userManaged: { replicas: [{ location: region, customerManagedEncryption: { kmsKeyName: keys.secrets } }] },
        },
        labels: tagsOf(deployment),
        deletionProtection: retain,
      },
      { ...parent, protect: retain, retainOnDelete: retain },
    );
    new SecretVersion(secretId, { secret: kept.id, secretData: password }, { ...parent, retainOnDelete: retain });
  }

  /** Puts the name that the certificate carries into the network's DNS. */
  #name(name: string, args: GcpPostgresArgs, instance: DatabaseInstance): Output<string> {
    const dnsName = instance.dnsNames.apply((names) => {
      const found = names.find(
        // Not the name that follows the primary server from region to region: the certificate has both.
        ({ connectionType, dnsScope }) => connectionType === "PRIVATE_SERVICES_ACCESS" && dnsScope === "INSTANCE",
      );
      if (found === undefined)
        throw new Error(`${name}: Cloud SQL gave the server no DNS name of its own in the network`);
      return found.name.replace(/\.?$/, ".");
    });
    const record = new RecordSet(
      name,
      {
        managedZone: output(args.network).databaseZone,
        name: dnsName,
        type: "A",
        ttl: 60,
        rrdatas: [instance.privateIpAddress],
      },
      { parent: this },
    );
    return record.name.apply((text) => text.replace(/\.$/, ""));
  }
}

type Called = (...parts: string[]) => string;

/** A login that owns a database of its own name. */
function loginOf(name: string, password: string): DatabaseLogin {
  return { database: name, user: name, password };
}
