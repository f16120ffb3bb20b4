/** A node as a supervised process: its ports, certificate and configuration file, its start, readiness and end. No Pulumi. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { stringify } from "yaml";
import type { DatabaseConnection, Endpoint } from "../platform.ts";
import { withPaths } from "../with-paths.ts";
import { authorityFiles, ensureServerCertificate, removeServerCertificate } from "./certificates.ts";
import { loopback } from "./embedded-postgres.ts";
import { type LocalHome, makePrivateFolder } from "./home.ts";
import { claimPorts, readPorts, releasePorts } from "./ports.ts";
import { ensureKeyPassphrase, removeIfEmpty } from "./secrets.ts";
import { endProcess, listProcesses, superviseProcess } from "./supervisor/client.ts";
import { tailOf } from "./supervisor/log-file.ts";
import { writeAtomically } from "./write-atomically.ts";

/** Exit code of a node that found a port taken (EX_TEMPFAIL). */
const portTaken = 75;

/** How often a node that is starting is looked at, in milliseconds: others wait for it, and a look costs next to nothing. */
const lookEveryMs = 40;

/** A node of the local platform. */
export interface NodeProcess {
  /** Name of the node in this home; lower-case letters, digits and hyphens. */
  readonly name: string;
  /** Module of the program, such as `@pulumi-canton/sequencer/main.ts`, or an absolute path. */
  readonly program: string;
  /** Changes when the program's code does: calls for a restart. */
  readonly revision: string;
  /** The node's configuration without name, ports and databases. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Databases by the key of the configuration that takes them. */
  readonly databases: Readonly<Record<string, DatabaseConnection>>;
  /** The ports that it needs, each a key of the configuration. `health` is HTTP and serves the metrics too; others are gRPC. */
  readonly ports: readonly string[];
  /** Numbers that the stack's configuration asks for; others are chosen. */
  readonly configuredPorts: Readonly<Record<string, number>>;
  /** Whether gRPC ports speak TLS with a certificate of the stack's authority. */
  readonly tls: boolean;
  /** When it counts as started: `live` as soon as it answers, `ready` when it does its work. */
  readonly waitFor: "live" | "ready";
  /** Longest time to get there, in milliseconds. */
  readonly deadlineMs: number;
  /** Limit of the program's heap in MiB; Node's default when absent. */
  readonly memoryMiB?: number | undefined;
  /** Texts of files that the configuration names by these names. */
  readonly texts?: Readonly<Record<string, string>> | undefined;
}

/**
 * The configuration file that `node` reads. Pure.
 *
 * @param passphraseFile what its private keys are encrypted under
 */
export function configurationOf(
  node: Pick<NodeProcess, "name" | "config" | "databases" | "ports">,
  ports: Readonly<Record<string, number>>,
  certificate: { readonly certificate: string; readonly privateKey: string } | undefined,
  passphraseFile: string | undefined,
): Record<string, unknown> {
  const servers = Object.fromEntries(
    node.ports.map((key) => {
      const server = { ...(node.config[key] as object | undefined), address: loopback, port: ports[key] };
      if (key === "health" || certificate === undefined) return [key, server];
      const tls = { certChainFile: certificate.certificate, privateKeyFile: certificate.privateKey };
      return [key, { ...server, tls }];
    }),
  );
  const metrics = servers["health"] === undefined ? {} : { metrics: servers["health"] };
  // The lowest cost: what makes guessing hard is that the passphrase is 32 random bytes.
  const keyEncryption = { type: "passphrase", passphraseFile, scryptCost: 14 };
  const crypto = passphraseFile === undefined ? {} : { crypto: { keyEncryption } };
  return { name: node.name, ...metrics, ...node.databases, ...crypto, ...node.config, ...servers };
}

/** Where a node's servers are, from the ports that it has. Pure. */
export function endpointsOf(
  node: Pick<NodeProcess, "ports" | "tls">,
  ports: Readonly<Record<string, number>>,
  caFile: string,
): Record<string, Endpoint> {
  return Object.fromEntries(
    node.ports.map((key) => {
      const secure = node.tls && key !== "health";
      const port = ports[key] as number;
      const url = `${secure ? "https" : "http"}://${loopback}:${port}`;
      return [key, { address: loopback, port, url, ...(secure && { tls: { caFile } }) }];
    }),
  );
}

/**
 * Makes sure that the node runs with this configuration; does not wait for it.
 *
 * @returns where its servers are
 * @throws Error naming the configuration key of a port that is taken
 */
export async function ensureNode(home: LocalHome, node: NodeProcess): Promise<Record<string, Endpoint>> {
  const claimed = await claimPorts(
    home,
    node.ports.map((key) => ({
      key: `${node.name}.${key}`,
      configured: node.configuredPorts[key],
      configKey: `ports.${node.name}.${key}`,
    })),
  );
  const ports = Object.fromEntries(node.ports.map((key) => [key, claimed[`${node.name}.${key}`] as number]));
  const certificate = node.tls ? await ensureServerCertificate(home, node.name) : undefined;
  const file = configFile(home, node.name);
  const storage = node.databases["storage"];
  const passphrase = storage === undefined ? undefined : ensureKeyPassphrase(home, storage.database);
  makePrivateFolder(home.config);
  const texts = node.texts ?? {};
  const paths = Object.fromEntries(Object.keys(texts).map((name) => [name, join(home.config, `${node.name}.${name}`)]));
  for (const [name, content] of Object.entries(texts)) writeAtomically(paths[name] as string, content, 0o600);
  const config = withPaths(configurationOf(node, ports, certificate, passphrase), paths);
  const text = stringify(config, { aliasDuplicateObjects: false });
  writeAtomically(file, text, 0o600);
  const contents = Object.values(texts).join("");
  const revision = createHash("sha256").update(text).update(contents).update(node.revision).digest("hex").slice(0, 16);
  const heap = node.memoryMiB === undefined ? [] : [`--max-old-space-size=${node.memoryMiB}`];
  await superviseProcess(home, {
    name: node.name,
    command: process.execPath,
    args: [...heap, programFile(node.program), "--config", file],
    cwd: home.directory,
    revision,
  });
  return endpointsOf(node, ports, authorityFiles(home).certificate);
}

/**
 * Waits until the node has started, in the sense of `waitFor`.
 *
 * @throws Error that says what is missing, with the end of the log and where it lies: when the deadline passes, or as soon
 *   as waiting is in vain
 */
export async function waitForNode(
  home: LocalHome,
  node: Pick<NodeProcess, "name" | "waitFor" | "deadlineMs">,
  health: Endpoint,
): Promise<void> {
  const deadline = Date.now() + node.deadlineMs;
  for (;;) {
    const why = await probe(health, node.waitFor);
    if (why === undefined) return;
    const process = listProcesses(home).find((each) => each.name === node.name);
    const exit = process?.lastExit?.reason ?? "";
    const log = process?.logFile ?? join(home.logs, `${node.name}.log`);
    if (process === undefined || process.status === "failed") {
      throw new Error(trouble(`${node.name} does not start: ${exit || "its process is gone"}`, log));
    }
    if (exit === `ended with code ${portTaken}` && process.restarts >= 2) {
      throw new Error(trouble(`${node.name} cannot start: a port that it was given is taken by another program`, log));
    }
    if (Date.now() > deadline) {
      const seconds = Math.round(node.deadlineMs / 1000);
      throw new Error(trouble(`${node.name} is not ${node.waitFor} after ${seconds} s: ${why}`, log, exit));
    }
    await delay(lookEveryMs);
  }
}

/**
 * The unique identifier that a node has: `identifier::fingerprint`.
 *
 * @throws Error when it has none before the deadline
 */
export async function uniqueIdentifierOf(adminApi: Endpoint, deadlineMs: number): Promise<string> {
  const client = connect(InitializationServiceClient, adminApi);
  const deadline = Date.now() + deadlineMs;
  try {
    for (;;) {
      const left = Math.max(1, deadline - Date.now());
      const id = await call(client, "getId", {}, { deadlineMs: left, waitForReady: true });
      if (id.initialized) return id.uniqueIdentifier;
      if (Date.now() > deadline) throw new Error(`the node at ${adminApi.url} has no identity yet`);
      await delay(lookEveryMs);
    }
  } finally {
    client.close();
  }
}

/** What is to be seen of a node. */
export type ObservedNode =
  | { readonly status: "absent" }
  | { readonly status: "down"; readonly why: string }
  | { readonly status: "running" };

/** Looks at a node without changing anything. */
export async function observeNode(
  home: LocalHome,
  node: Pick<NodeProcess, "name" | "waitFor">,
  health: Endpoint,
): Promise<ObservedNode> {
  const process = listProcesses(home).find((each) => each.name === node.name);
  if (process === undefined) return { status: "absent" };
  if (!existsSync(configFile(home, node.name))) return { status: "down", why: "its configuration file is gone" };
  if (process.pid === null) return { status: "down", why: process.lastExit?.reason ?? "its process is not running" };
  const why = await probe(health, node.waitFor);
  return why === undefined ? { status: "running" } : { status: "down", why };
}

/** Ends the node and removes its configuration, certificate and ports. Its log stays, and its database is another's to remove. */
export async function removeNode(home: LocalHome, node: Pick<NodeProcess, "name">): Promise<void> {
  await endProcess(home, node.name);
  // Names of nodes have no dot: these are its configuration, and the files that it names.
  const own = existsSync(home.config)
    ? readdirSync(home.config).filter((file) => file.startsWith(`${node.name}.`))
    : [];
  for (const file of own) rmSync(join(home.config, file), { force: true });
  removeIfEmpty(home.config);
  removeServerCertificate(home, node.name);
  await releasePorts(home, node.name);
}

/** Ports that are kept for a node, by their key. */
export function portsOf(home: LocalHome, node: Pick<NodeProcess, "name" | "ports">): Record<string, number> {
  const kept = readPorts(home);
  return Object.fromEntries(
    node.ports.flatMap((key) => {
      const port = kept[`${node.name}.${key}`];
      return port === undefined ? [] : [[key, port]];
    }),
  );
}

function configFile(home: LocalHome, name: string): string {
  return join(home.config, `${name}.yaml`);
}

function programFile(program: string): string {
  return program.startsWith("/") ? program : fileURLToPath(import.meta.resolve(program));
}

/** Asks a health probe once; gives back why it did not answer well, or undefined. */
async function probe(health: Endpoint, which: "live" | "ready"): Promise<string | undefined> {
  try {
    const response = await fetch(new URL(`/health/${which}`, health.url), { signal: AbortSignal.timeout(5_000) });
    if (response.ok) {
      await response.body?.cancel();
      return undefined;
    }
    return `${response.url} answers ${response.status}: ${(await response.text()).slice(0, 500)}`;
  } catch (error) {
    const cause = (error as Error).cause;
    return `${health.url} does not answer: ${(cause instanceof Error ? cause : (error as Error)).message}`;
  }
}

function trouble(what: string, log: string, exit = ""): string {
  const last = readableLog(tailOf(log));
  const ended = exit === "" ? "" : `\nIts process last ${exit}.`;
  return `${what}${ended}\nLog: ${log}\n${last === "" ? "It is empty." : `Its last lines:\n${last}`}`;
}

/** Log lines for people: of a JSON line its level and message, other lines as they are. Pure. */
export function readableLog(lines: string): string {
  return lines
    .split("\n")
    .map((line) => {
      if (!line.startsWith("{")) return `  ${line}`;
      try {
        const { level, msg, err } = JSON.parse(line) as { level?: unknown; msg?: unknown; err?: { message?: unknown } };
        if (typeof msg !== "string") return `  ${line}`;
        const cause = typeof err?.message === "string" && err.message !== msg ? `: ${err.message}` : "";
        return `  ${String(level ?? "")} ${msg}${cause}`;
      } catch {
        return `  ${line}`;
      }
    })
    .join("\n")
    .trimEnd();
}
