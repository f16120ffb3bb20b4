/** A real Kubernetes API server on loopback, for as long as a test needs it. */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { loopback } from "@pulumi-canton/components/platform/local/embedded-postgres.ts";
import { freePorts } from "../free-port.ts";
import { type ApiAccess, ApiClient } from "./api-client.ts";
import type { ControlPlanePrograms } from "./programs.ts";

/** Longest time until the server answers. */
const startMs = 120_000;

/** A running API server with its etcd. No controllers run: what is stored stays as it is. */
export class ApiServer extends ApiClient {
  readonly #stop: () => Promise<void>;

  private constructor(access: ApiAccess, stop: () => Promise<void>) {
    super(access);
    this.#stop = stop;
  }

  /** Starts both on free ports, with their data in a folder that goes with them. @throws Error with the end of the log */
  static async start(programs: ControlPlanePrograms): Promise<ApiServer> {
    const folder = mkdtempSync(join(tmpdir(), "pulumi-canton-kubernetes-"));
    const children: ChildProcess[] = [];
    const stop = async () => {
      // The API server first: without its etcd it would only complain.
      for (const child of children.toReversed()) await ended(child);
      rmSync(folder, { recursive: true, force: true });
    };
    try {
      const [clients, peers, port] = (await freePorts(3)) as [number, number, number];
      const start = (file: string, args: readonly string[], log: string) => {
        const child = startProgram(file, args, join(folder, log));
        children.push(child);
      };
      start(programs.etcd, etcdOptions(folder, clients, peers), "etcd.log");
      const token = randomBytes(24).toString("hex");
      start(programs.apiServer, apiServerOptions(folder, port, clients, token), "kube-apiserver.log");
      const certificate = await certificateOf(folder, children);
      const server = new ApiServer({ port, token, certificate }, stop);
      await server.#untilReady(folder, children);
      return server;
    } catch (error) {
      await stop();
      throw error;
    }
  }

  /** Ends both programs and removes their data. */
  async close(): Promise<void> {
    this.disconnect();
    await this.#stop();
  }

  async #untilReady(folder: string, children: readonly ChildProcess[]): Promise<void> {
    await until(folder, children, async () => {
      const answer = await this.ask("/readyz").catch(() => undefined);
      return answer?.status === 200 || undefined;
    });
  }
}

function etcdOptions(folder: string, clients: number, peers: number): string[] {
  const [clientUrl, peerUrl] = [`http://${loopback}:${clients}`, `http://${loopback}:${peers}`];
  return [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    "--unsafe-no-fsync",
  ];
}

function apiServerOptions(folder: string, port: number, etcdPort: number, token: string): string[] {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const write = (name: string, content: string) => {
    const file = join(folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  return [
    `--etcd-servers=http://${loopback}:${etcdPort}`,
    `--bind-address=${loopback}`,
    `--advertise-address=${loopback}`,
    `--secure-port=${port}`,
    // It signs a certificate for itself, and keeps it here.
    `--cert-dir=${folder}`,
    `--token-auth-file=${write("tokens.csv", `${token},tests,tests,system:masters\n`)}`,
    "--authorization-mode=RBAC",
    `--service-account-key-file=${write("service-accounts.pub", publicKey)}`,
    `--service-account-signing-key-file=${write("service-accounts.key", privateKey)}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--endpoint-reconciler-type=none",
  ];
}

function startProgram(file: string, args: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, "a");
  const child = spawn(file, args, { stdio: ["ignore", log, log] });
  closeSync(log);
  // It must not outlive a test run that ends early.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const patience = new AbortController();
  const last = setTimeout(10_000, undefined, { signal: patience.signal })
    .then(() => child.kill("SIGKILL"))
    .catch(() => undefined);
  await exit;
  patience.abort();
  await last;
}

/** The certificate that the server signed for itself, which it writes when it starts. */
function certificateOf(folder: string, children: readonly ChildProcess[]): Promise<string> {
  return until(folder, children, async () => {
    try {
      const pem = readFileSync(join(folder, "apiserver.crt"), "utf8");
      return pem.trimEnd().endsWith("-----END CERTIFICATE-----") ? pem : undefined;
    } catch {
      return undefined;
    }
  });
}

/** Waits for a value. @throws Error with the end of the logs when a program ends, or it takes too long */
async function until<T>(
  folder: string,
  children: readonly ChildProcess[],
  value: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + startMs;
  for (;;) {
    const found = await value();
    if (found !== undefined) return found;
    const gone = children.find((child) => child.exitCode !== null || child.signalCode !== null);
    if (gone !== undefined || Date.now() > deadline) {
      const logs = ["etcd.log", "kube-apiserver.log"].map((log) => `${log}:\n${lastLines(join(folder, log))}`);
      throw new Error(`the API server did not start${gone ? `: ${gone.spawnfile} ended` : ""}\n${logs.join("\n")}`);
    }
    await setTimeout(100);
  }
}

function lastLines(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-10).join("\n");
  } catch {
    return "(nothing)";
  }
}
