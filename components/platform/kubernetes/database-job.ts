/** The objects that make a node's database: a Job, and a Secret with the logins of administrator and node. Pure. */
import { createHash, scryptSync } from "node:crypto";
import type { Input } from "@pulumi/pulumi";
import { stringify } from "yaml";
import type { DatabaseLogin, DatabaseServerState } from "../../database/database-server.ts";
import type { DatabaseConnection } from "../platform.ts";
import { componentLabel, nodeLabel, revisionAnnotation } from "./labels.ts";
import { configKeys, configPath, secretKeys, secretPath } from "./layout.ts";
import { containerSecurity, podSecurity } from "./pod-plan.ts";

/** Where the job finds its Secret. */
const folder = "/etc/canton/setup";

/** A database that is to be made. */
export interface DatabasePlan {
  /** Name in the stack. */
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly imagePullSecrets: readonly string[];
}

/** Whose a database is. */
export interface DatabaseOwner {
  /** The stack that makes it, `project/stack`. Its job refuses a database that is marked with another. */
  readonly owner: string;
  /** A stack, `project/stack`, whose databases it takes over. Default: nobody's. */
  readonly takeOverFrom?: string | undefined;
}

/**
 * The login that a server keeps for a name.
 *
 * @throws Error naming the logins that there are
 */
export function loginOf(server: DatabaseServerState, name: string): DatabaseLogin {
  const login = server.logins[name];
  if (login !== undefined) return login;
  const known = Object.keys(server.logins).join(", ");
  throw new Error(
    `the database server has no login for "${name}"; expected one of ${known || "(none)"}: add it to the server's logins`,
  );
}

/** How a node reaches its database. */
export function connectionOf(
  server: Omit<DatabaseServerState, "logins" | "administrator">,
  login: DatabaseLogin,
  name: string,
): DatabaseConnection {
  return {
    host: server.host,
    port: server.port,
    database: login.database,
    user: login.user,
    passwordFile: secretPath(secretKeys.database(name)),
    ...(server.tls !== false && {
      tls: server.caPem === undefined ? {} : { caFile: configPath(configKeys.database(name)) },
    }),
  };
}

/** What is in the Secret of the job: the administrator's password, too, so no node's pod gets it. */
export function setupSecretData(
  name: string,
  server: DatabaseServerState,
  { owner, takeOverFrom }: DatabaseOwner,
): Record<string, string> {
  const login = loginOf(server, name);
  const config = {
    administrator: {
      host: server.host,
      port: server.port,
      user: server.administrator.user,
      passwordFile: `${folder}/administrator-password`,
      ...(server.tls !== false && { tls: server.caPem === undefined ? {} : { caFile: `${folder}/server.crt` } }),
    },
    login: { database: login.database, user: login.user, passwordFile: `${folder}/password` },
    owner,
    ...(takeOverFrom !== undefined && { takeOverFrom }),
  };
  return {
    "config.yaml": stringify(config),
    "administrator-password": server.administrator.password,
    password: login.password,
    ...(server.tls !== false && server.caPem !== undefined && { "server.crt": server.caPem }),
  };
}

/**
 * Changes with what the job does: another server, login or password calls for another run, and a stack to take over from, too. Does
 * not give the password away.
 */
export function setupRevision(server: DatabaseServerState, name: string, takeOverFrom?: string): string {
  const { database, user, password } = loginOf(server, name);
  const hidden = scryptSync(password, `${server.host}/${user}`, 16).toString("hex");
  return createHash("sha256")
    .update(JSON.stringify([server.host, server.port, database, user, hidden, ...(takeOverFrom ? [takeOverFrom] : [])]))
    .digest("hex")
    .slice(0, 16);
}

/** The Job. */
export function setupJobOf(plan: DatabasePlan, revision: Input<string>) {
  const metadata = setupMetadata(plan);
  return {
    // A run that failed is tried again by the next update.
    metadata: { ...metadata, annotations: { "pulumi.com/replaceUnready": "true" } },
    spec: {
      backoffLimit: 4,
      activeDeadlineSeconds: 600,
      template: {
        metadata: { labels: metadata.labels, annotations: { [revisionAnnotation]: revision } },
        spec: {
          restartPolicy: "Never",
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...(plan.imagePullSecrets.length > 0 && {
            imagePullSecrets: plan.imagePullSecrets.map((name) => ({ name })),
          }),
          securityContext: podSecurity,
          containers: [
            {
              name: "database-setup",
              image: plan.image,
              imagePullPolicy: "IfNotPresent",
              args: ["--config", `${folder}/config.yaml`],
              resources: { requests: { cpu: "50m", memory: "256Mi" }, limits: { cpu: "1000m", memory: "256Mi" } },
              securityContext: containerSecurity,
              volumeMounts: [{ name: "setup", mountPath: folder, readOnly: true }],
            },
          ],
          volumes: [{ name: "setup", secret: { secretName: metadata.name, defaultMode: 0o440 } }],
        },
      },
    },
  };
}

/** What is common to the metadata of job and Secret. */
export function setupMetadata(plan: DatabasePlan) {
  return {
    name: `${plan.name}-database`,
    namespace: plan.namespace,
    labels: { ...plan.labels, [nodeLabel]: plan.name, [componentLabel]: "database-setup" },
  };
}
