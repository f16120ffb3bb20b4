/** A PostgreSQL server as those see it that keep databases in it: managed by a cloud, in the cluster, or somebody's own. */
import type { Output } from "@pulumi/pulumi";

/** Major versions of PostgreSQL that can be had; the first is the default. */
export const postgresVersions = ["17", "18", "16"] as const;
/** One of {@link postgresVersions}. */
export type PostgresVersion = (typeof postgresVersions)[number];

/** A database of one node with its own login: the login owns the database and can reach no other. */
export interface DatabaseLogin {
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

/** How a server is reached, and what it keeps. Secret as a whole: it holds passwords. */
export interface DatabaseServerState {
  /** Host name, resolved inside the deployment's network. */
  readonly host: string;
  readonly port: number;
  /** Who makes databases and logins; used by the job that makes them, never by a node. */
  readonly administrator: { readonly user: string; readonly password: string };
  /** PEM of the authorities of its certificate. Absent: those that every machine knows. */
  readonly caPem?: string;
  /** False: it speaks without TLS, as only a server for trying things out does. Default: true. */
  readonly tls?: boolean;
  /** Logins by node name. The job in the cluster makes them where they are not there yet. */
  readonly logins: Readonly<Record<string, DatabaseLogin>>;
}

/** A component that provides a PostgreSQL server. */
export interface DatabaseServer {
  /** Secret. */
  readonly server: Output<DatabaseServerState>;
}
