/** One of our nodes in a pod: its configuration file, and how it is run. */
import { stringify } from "yaml";
import type { DatabaseConnection, PortName, Role } from "../platform.ts";
import {
  certificateFolder,
  certificateKeys,
  configKeys,
  configPath,
  portNames,
  portNumbers,
  secretKeys,
  secretPath,
} from "./layout.ts";
import type { Probe, Program } from "./pod-plan.ts";

/** A node whose configuration is written. */
export interface ConfiguredNode {
  readonly name: string;
  readonly role: Role;
  /** What its component configures. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly databases: Readonly<Record<string, DatabaseConnection>>;
  readonly ports: readonly PortName[];
  /** Admin APIs let in those with an administrator's certificate only. */
  readonly mutualTls: boolean;
  /** The section `crypto.keyEncryption`; absent: a passphrase of the node's Secret. */
  readonly keyEncryption?: Readonly<Record<string, unknown>> | undefined;
}

/** Paths of the certificate of a node's servers. */
export const serverCertificate = {
  certChainFile: `${certificateFolder}/${certificateKeys.certificate}`,
  privateKeyFile: `${certificateFolder}/${certificateKeys.privateKey}`,
} as const;

/** What a node that administers others shows them. */
export const administratorCertificate = {
  certChainFile: secretPath(secretKeys.administratorCertificate),
  privateKeyFile: secretPath(secretKeys.administratorKey),
} as const;

/** The configuration as it is written. */
export function configurationOf(node: ConfiguredNode): Record<string, unknown> {
  const servers = Object.fromEntries(
    node.ports.map((port) => {
      const address = { address: "0.0.0.0", port: portNumbers[port] };
      if (port === "health") return [port, address];
      const clientCa = node.mutualTls && port === "adminApi" && { clientCaFile: configPath(configKeys.administrators) };
      const own = node.config[port] as object | undefined;
      return [port, { ...own, ...address, tls: { ...serverCertificate, ...clientCa } }];
    }),
  );
  const passphrase = {
    type: "passphrase",
    passphraseFile: secretPath(secretKeys.passphrase),
    // The lowest cost: what makes guessing hard is that the passphrase is long and random.
    scryptCost: 14,
  };
  return {
    name: node.name,
    metrics: servers["health"],
    ...node.databases,
    crypto: { keyEncryption: node.keyEncryption ?? passphrase },
    ...node.config,
    ...servers,
  };
}

/**
 * Checks a configuration against the schema of its role.
 *
 * @throws ConfigError with every problem
 */
export async function checkConfiguration(role: Role, config: unknown): Promise<void> {
  const { checkConfig } = await import("@pulumi-canton/runtime/config.ts");
  checkConfig(await schemaOf(role), config);
}

async function schemaOf(role: Role) {
  switch (role) {
    case "domain-manager":
      return (await import("@pulumi-canton/domain-manager/config.ts")).domainManagerSchema;
    case "sequencer":
      return (await import("@pulumi-canton/sequencer/config.ts")).sequencerSchema;
    case "mediator":
      return (await import("@pulumi-canton/mediator/config.ts")).mediatorSchema;
    case "participant":
      return (await import("@pulumi-canton/participant/config.ts")).participantSchema;
  }
}

const configFile = "node.yaml";
const probe = (path: string): Probe => ({ httpGet: { path, port: portNames.health } });

/**
 * How one of our nodes is run, with this much memory for its heap.
 *
 * @param calledWhileWaiting a node that is set to work by calls counts as ready for its Service before it works. Default: false
 */
export function nodeProgram(heapMiB: number, calledWhileWaiting = false): Program {
  const ready = probe(calledWhileWaiting ? "/health/reachable" : "/health/ready");
  return {
    args: ["--config", configPath(configFile)],
    env: { NODE_OPTIONS: `--max-old-space-size=${heapMiB}` },
    secretEnv: {},
    probes: { startup: probe("/health/startup"), live: probe("/health/live"), ready },
  };
}

/**
 * The files of one of our nodes, by name.
 *
 * @throws ConfigError with every problem of its configuration
 */
export async function nodeFiles(node: ConfiguredNode): Promise<Record<string, string>> {
  const config = configurationOf(node);
  await checkConfiguration(node.role, config);
  return { [configFile]: stringify(config, { aliasDuplicateObjects: false }) };
}
