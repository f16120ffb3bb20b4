/** Where things are inside a node's pod, and on which ports it listens. Pure. */
import type { PortName } from "../platform.ts";

/** Port numbers, the same in every pod. */
export const portNumbers: Readonly<Record<PortName, number>> = {
  publicApi: 5001,
  adminApi: 5002,
  ledgerApi: 5011,
  health: 8080,
};

/** Names of the ports in pods and Services: at most 15 characters, no capitals. */
export const portNames: Readonly<Record<PortName, string>> = {
  publicApi: "public-api",
  adminApi: "admin-api",
  ledgerApi: "ledger-api",
  health: "health",
};

/** Folder of what may be known: the ConfigMap of the node. */
export const configFolder = "/etc/canton/config";
/** Folder of what may not be known: the Secret of the node. */
export const secretFolder = "/etc/canton/secrets";
/** Folder of the server's certificate: part of the Secret, or the Secret that cert-manager makes. */
export const certificateFolder = "/etc/canton/certificate";

/** Keys of the ConfigMap. */
export const configKeys = {
  /** Authorities of the nodes' servers. */
  servers: "servers.crt",
  /** The authority whose certificates are let in at admin APIs. */
  administrators: "administrators.crt",
  /** Authorities of a database server. */
  database: (name: string) => `database-${name}.crt`,
} as const;

/** Keys of the Secret. */
export const secretKeys = {
  database: (name: string) => `database-${name}`,
  passphrase: "key-passphrase",
  administratorCertificate: "administrator.crt",
  administratorKey: "administrator.key",
} as const;

/** Keys of the certificate, as cert-manager names them. */
export const certificateKeys = { certificate: "tls.crt", privateKey: "tls.key" } as const;

/** The user and group that the images run as. */
export const user = 1000;

/** Path of a file of the ConfigMap. */
export function configPath(key: string): string {
  return `${configFolder}/${key}`;
}

/** Path of a file of the Secret. */
export function secretPath(key: string): string {
  return `${secretFolder}/${key}`;
}
