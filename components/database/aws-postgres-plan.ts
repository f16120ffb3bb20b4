/** Names, parameters and logins of a PostgreSQL server of RDS. Pure. */
import type { PostgresVersion } from "./database-server.ts";

/** Who makes databases and logins. RDS keeps `admin` and `rdsadmin` for itself. */
export const administrator = "canton_admin";

/** Names that the server already has. */
const taken = ["postgres", "template0", "template1", "rdsadmin", administrator];

/** The database of a node, and its login. */
export function databaseOf(node: string): string {
  return node.replaceAll("-", "_");
}

/** Why nodes cannot have databases named after them; empty when they can. */
export function nodeProblems(nodes: readonly string[]): string[] {
  return nodes.flatMap((node, index) => {
    if (taken.includes(databaseOf(node)))
      return [`nodes[${index}]: got "${node}", a name that PostgreSQL has; choose another`];
    const first = nodes.findIndex((other) => databaseOf(other) === databaseOf(node));
    return first < index ? [`nodes[${index}]: got "${node}" a second time; expected each once`] : [];
  });
}

/** A parameter of the server. */
export interface Parameter {
  readonly name: string;
  readonly value: string;
  /** Static ones are taken up when the server starts. */
  readonly applyMethod: "immediate" | "pending-reboot";
}

/** What the server insists on: TLS and salted passwords. */
export const parameters: readonly Parameter[] = [
  { name: "rds.force_ssl", value: "1", applyMethod: "immediate" },
  { name: "ssl_min_protocol_version", value: "TLSv1.2", applyMethod: "immediate" },
  { name: "password_encryption", value: "scram-sha-256", applyMethod: "immediate" },
  { name: "rds.accepted_password_auth_method", value: "scram", applyMethod: "immediate" },
  { name: "log_connections", value: "1", applyMethod: "immediate" },
  { name: "log_disconnections", value: "1", applyMethod: "immediate" },
  { name: "log_min_duration_statement", value: "1000", applyMethod: "immediate" },
];

/** Group of parameters that belongs to a version. */
export function familyOf(version: PostgresVersion): string {
  return `postgres${version}`;
}

/** The part of a name that tells a point in time. Example: `r20261101t100000z`. */
export function stampOf(time: string): string {
  return `r${time.replaceAll(/[-:]/g, "").toLowerCase()}`;
}

/** What is wrong with moments to bring a server back to, each with its place: the next one is taken from the server of the one before. */
export function momentProblems(moments: readonly string[]): string[] {
  return moments.flatMap((moment, index) => {
    const before = moments[index - 1];
    if (before === undefined || before < moment) return [];
    return [`[${index}]: got "${moment}"; expected one after ${before}, when the server began that it is taken from`];
  });
}
