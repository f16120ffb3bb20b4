import { Configuration } from "@pulumi/azure-native/dbforpostgresql/configuration.js";
import { Server } from "@pulumi/azure-native/dbforpostgresql/server.js";
import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  output,
  type Resource,
  secret,
} from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import type { AzureKeyVault } from "../identity/azure-key-vault.ts";
import type { AzureNetwork } from "../network/azure-network.ts";
import { type AzurePlace, kept, placed, uniqueAzureName } from "../network/azure-place.ts";
import {
  type AzureDatabaseAvailability,
  type AzureDatabaseSize,
  creation,
  databaseName,
  highAvailability,
  namePart,
  parameters,
  type Restore,
  serverIdBeside,
  skuOf,
} from "./azure-database-plan.ts";
import type { DatabaseLogin, DatabaseServer, DatabaseServerState, PostgresVersion } from "./database-server.ts";

/** A key that encrypts a server's disks or copies, and who may use it. */
export interface DatabaseKey {
  /** Identifier of the key with its version. */
  readonly keyUri: Input<string>;
  /** Id of the identity. */
  readonly identityId: Input<string>;
}

/** A server that another is made from. */
export interface DatabaseSource {
  readonly serverId: Input<string>;
  /** What it keeps: a copy has the same logins. */
  readonly server: Input<DatabaseServerState>;
}

/** What a server has that a replica of it has too. */
type Keeps = Pick<DatabaseServerState, "administrator" | "logins">;

/** Arguments of an `AzureDatabaseServer`. */
export interface AzureDatabaseServerArgs {
  readonly place: AzurePlace;
  /** What it is for, in its name. Example: `"nodes"`. */
  readonly part: string;
  readonly network: AzureNetwork;
  /** Where passwords are kept for people. */
  readonly vault: AzureKeyVault;
  /** What its disks and backups are encrypted with. */
  readonly encryption: DatabaseKey;
  /** Names of the nodes that get a database and a login. With `replicaOf`, those of the other server are taken over. */
  readonly logins: readonly string[];
  /** Major version of PostgreSQL. Default: `17`. */
  readonly version?: PostgresVersion;
  /** Processors and memory. Example: `"Standard_D4ds_v5"`. */
  readonly size: AzureDatabaseSize;
  /** Disk in GiB; grows by itself. Default: 128. */
  readonly storageGb?: number;
  /** A second machine that takes over within two minutes, and where it is. Default: `none`. */
  readonly availability?: AzureDatabaseAvailability;
  /** Zones of the region; the first is the server's own, the second its standby's. Default: none. */
  readonly zones?: readonly string[];
  /** Days in which any second can be gone back to, 7 to 35. Default: 7. */
  readonly retentionDays?: number;
  /** Keeps a copy of the backups in the paired region, encrypted with a key that is there. Default: no copy. */
  readonly geoBackup?: DatabaseKey;
  /** A server in another region whose changes it follows. Default: it stands for itself. */
  readonly replicaOf?: DatabaseSource;
  /** Lets a replica go: it takes writes from then on, and does not follow any more. Default: no. */
  readonly promoted?: boolean;
  /** Starts from what this server held at a time, as a new server beside it. Default: no, it starts empty. */
  readonly restore?: Restore;
  /** Waits for these, such as the peering that a replica needs. */
  readonly after?: readonly Resource[];
}

/**
 * A PostgreSQL server of Azure (Flexible Server): in the network only, TLS required, encrypted with one's own key, with a login
 * per node whose password nobody chose.
 *
 * Databases and logins themselves are made by the job in the cluster: from outside of the network nobody reaches the server.
 *
 * Resources: 1 + 4, for the administrator and every login 2 more (of a replica, none).
 *
 * Cost: by size and hours: `Standard_B2s` about 55 a month, `Standard_D4ds_v5` about 300, twice that with a standby; storage
 * 0.12 per GiB, backups beyond the size of the disk 0.1 per GiB, twice that with a copy in the paired region.
 */
export class AzureDatabaseServer extends ComponentResource implements DatabaseServer {
  declare readonly server: Output<DatabaseServerState>;
  /** Id of the server, for replicas, backups and restores. */
  declare readonly serverId: Output<string>;

  constructor(name: string, args: AzureDatabaseServerArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:database:AzureDatabaseServer", name, {}, options);
    const { place, network, replicaOf, promoted = false } = args;
    const follows = replicaOf !== undefined && !promoted;
    // Azure copies the backups of a server that stood for itself from the start.
    const copy = replicaOf === undefined ? args.geoBackup : undefined;
    const nameOf = (restoredTo?: string) => uniqueAzureName(place, { length: 60 }, namePart(args.part, restoredTo));
    const idOf = (restoredTo?: string) =>
      all([network.networkId, nameOf(restoredTo)]).apply(([id, serverName]) => serverIdBeside(id, serverName));
    const own = replicaOf === undefined ? this.#logins(name, args) : undefined;
    const server = new Server(
      name,
      {
        ...placed(place),
        serverName: nameOf(args.restore?.to),
        version: args.version ?? "17",
        sku: skuOf(args.size),
        storage: { storageSizeGB: args.storageGb ?? 128, autoGrow: "Enabled" },
        network: {
          delegatedSubnetResourceId: network.subnet("database"),
          privateDnsZoneArmResourceId: network.zones.postgres.id,
        },
        authConfig: { passwordAuth: "Enabled", activeDirectoryAuth: "Disabled" },
        backup: {
          backupRetentionDays: args.retentionDays ?? 7,
          geoRedundantBackup: copy === undefined ? "Disabled" : "Enabled",
        },
        // What follows another has no standby of its own.
        ...highAvailability(follows ? "none" : (args.availability ?? "none"), args.zones ?? []),
        ...encrypted(args.encryption, copy),
        ...(own && {
          administratorLogin: own.administrator.user,
          administratorLoginPassword: own.administrator.password,
        }),
        ...creation(
          replicaOf?.serverId,
          promoted,
          args.restore && { ...args.restore, serverId: idOf(args.restore.of) },
        ),
        // Sunday, three o'clock: with a standby a window costs a few seconds.
        maintenanceWindow: { customWindow: "Enabled", dayOfWeek: 0, startHour: 3, startMinute: 0 },
      },
      {
        parent: this,
        dependsOn: [network.zoneLinks.postgres, ...(args.after ?? [])],
        // Azure exchanges the zones when the standby takes over; putting them back would be another interruption.
        ignoreChanges: ["availabilityZone", "highAvailability.standbyAvailabilityZone"],
        ...kept(place),
      },
    );
    this.serverId = server.id;
    this.#configure(name, args, server);
    const keeps: Output<Keeps> =
      own === undefined ? output(replicaOf?.server as Input<DatabaseServerState>) : output(own);
    this.server = secret(
      all([server.fullyQualifiedDomainName, keeps]).apply(([host, { administrator, logins }]) => ({
        host,
        port: 5432,
        administrator,
        logins,
      })),
    );
    this.registerOutputs({ serverId: this.serverId });
  }

  /** Passwords, each kept in the vault for people too. */
  #logins(name: string, { part, vault, logins }: AzureDatabaseServerArgs) {
    const generated = (login: string) => {
      // Letters and digits: good in every connection string without escapes.
      const password = new RandomPassword(
        `${name}-${login}`,
        { length: 40, special: false, minLower: 1, minUpper: 1, minNumeric: 1 },
        { parent: this },
      ).result;
      vault.keep(`${part}-${login}`, password, "password");
      return password;
    };
    return {
      administrator: { user: "canton_admin", password: generated("administrator") },
      logins: Object.fromEntries(
        logins.map((login): [string, { [Key in keyof DatabaseLogin]: Input<string> }] => [
          login,
          { database: databaseName(login), user: databaseName(login), password: generated(login) },
        ]),
      ),
    };
  }

  /** Parameters one after the other: the server refuses a change while another is being made. */
  #configure(name: string, { place }: AzureDatabaseServerArgs, server: Server): void {
    let before: Resource = server;
    for (const [configurationName, value] of Object.entries(parameters)) {
      before = new Configuration(
        `${name}-${configurationName.replaceAll("_", "-")}`,
        {
          resourceGroupName: place.resourceGroupName,
          serverName: server.name,
          configurationName,
          value,
          source: "user-override",
        },
        // A parameter cannot be deleted, only set; it ends with its server.
        { parent: this, dependsOn: [before], deletedWith: server },
      );
    }
  }
}

function encrypted(key: DatabaseKey, copy: DatabaseKey | undefined) {
  const identities = [key, ...(copy ? [copy] : [])].map(({ identityId }) => identityId);
  return {
    identity: {
      type: "UserAssigned",
      userAssignedIdentities: all(identities).apply((ids) => Object.fromEntries(ids.map((id) => [id, {}]))),
    },
    dataEncryption: {
      type: "AzureKeyVault",
      primaryKeyURI: key.keyUri,
      primaryUserAssignedIdentityId: key.identityId,
      ...(copy && { geoBackupKeyURI: copy.keyUri, geoBackupUserAssignedIdentityId: copy.identityId }),
    },
  };
}
