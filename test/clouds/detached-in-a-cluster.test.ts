/**
 * The template `kubernetes` as a domain's owner has it: client certificates at admin APIs, and root keys in files elsewhere. The
 * console reaches the nodes as the documentation says, by what is forwarded and with the certificate that the stack gives out.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { AdministratorFiles } from "@pulumi-canton/components/platform/kubernetes/kubernetes-platform.ts";
import { authorityFiles, ensureServerCertificate } from "@pulumi-canton/components/platform/local/certificates.ts";
import { localHome } from "@pulumi-canton/components/platform/local/home.ts";
import type { KeyView } from "@pulumi-canton/console/commands/keys.ts";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../../scripts/environment/paths.ts";
import { CloudStack, type Config } from "./cloud-stack.ts";
import { Cluster } from "./cluster.ts";

interface NodeDatabases {
  readonly host: string;
  readonly port: number;
  readonly administrator: { readonly user: string; readonly password: string };
}

const minutes = 60_000;
const names = ["domain-manager", "mediator", "sequencer1", "bank"];

let cluster: Cluster;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulumi-canton-detached-"));
  cluster = await Cluster.start("127.0.79", { canton: names });
}, 2 * minutes);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const at = (file: string) => join(folder, file);

/** Has the nodes' database server speak TLS, as it has to outside of development. @returns the configuration with its authority */
async function withTls({ nodes }: { readonly nodes: NodeDatabases }): Promise<Config> {
  const home = localHome(folder);
  const files = await ensureServerCertificate(home, "postgres");
  const { user, password } = nodes.administrator;
  const client = new pg.Client({ host: nodes.host, port: nodes.port, user, password, database: "postgres" });
  await client.connect();
  try {
    for (const [name, file] of [
      ["server.crt", files.certificate],
      ["server.key", files.privateKey],
    ] as const) {
      // By the server itself, whose own the key has to be.
      const lines = pg.escapeLiteral(readFileSync(file, "utf8").trimEnd());
      const write = `umask 077; cat > ${name}`;
      await client.query(`COPY (SELECT unnest(string_to_array(${lines}, E'\\n'))) TO PROGRAM '${write}'`);
    }
    await client.query("ALTER SYSTEM SET ssl = on");
    await client.query("SELECT pg_reload_conf()");
    await expect.poll(async () => (await client.query("SHOW ssl")).rows).toEqual([{ ssl: "on" }]);
  } finally {
    await client.end();
  }
  const caPem = readFileSync(authorityFiles(home).certificate, "utf8");
  return { nodes: { ...nodes, tls: true, caPem } };
}

/** Writes down what the console needs of the stack's outputs. */
async function prepareConsole(stack: CloudStack): Promise<void> {
  const outputs = Object.fromEntries(
    await Promise.all(["domain", "nodes", "parties"].map(async (name) => [name, await stack.output(name)])),
  );
  await writeFile(at("outputs.json"), JSON.stringify(outputs));
  const administrator = (await stack.output("administrator")) as AdministratorFiles;
  await writeFile(at("ca.crt"), administrator.ca);
  await writeFile(at("administrator.crt"), administrator.certificate);
  await writeFile(at("administrator.key"), administrator.privateKey, { mode: 0o600 });
  await writeFile(at("passphrase"), "three blind mice ran\n", { mode: 0o600 });
}

/** Runs a command of the console in the folder. */
async function console_(...command: string[]): Promise<string> {
  const reached = ["domain-manager", "bank"].flatMap((name) => {
    const { address, port } = cluster.adminApi(name, "canton");
    return ["--tunnel", `${name}=${address}:${port}`];
  });
  const files = ["--client-certificate", "administrator.crt", "--client-key", "administrator.key"];
  const main = join(root, "node-images", "console", "main.ts");
  const args = [main, "--outputs", "outputs.json", "--ca-file", "ca.crt", ...files, ...reached, ...command];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  return stdout;
}

test("root keys of a domain and a participant are kept out of the cluster, and the network comes up", {
  timeout: 8 * minutes,
}, async () => {
  const place = cluster.place("canton", names);
  const config: Config = {
    template: "kubernetes",
    ...place,
    databases: await withTls(place["databases"] as { nodes: NodeDatabases }),
    environment: "staging",
    domain: { alias: "mydomain", sequencers: 1, initialisation: "detached" },
    participants: [{ name: "bank", parties: ["Bank"], initialisation: "detached" }],
  };
  await using stack = await CloudStack.create(cluster.standIn, "detached", config);
  const first = await stack.up("--continue-on-error");
  expect(first.exitCode).not.toBe(0);
  expect(first.output).toContain("waiting for initialisation");
  const told = [...new Set(first.output.match(/console identity (request|sign|import) .*/g))];
  const commands = ["mydomain", "bank"].flatMap((name) => told.filter((command) => command.includes(` ${name}`)));
  expect(commands).toHaveLength(6);

  await prepareConsole(stack);
  const unattended = ["--passphrase-file", "passphrase"];
  await console_("identity", "create-key", "root.key", ...unattended);
  for (const command of commands) {
    const words = command.replace("ROOT-KEY-FILE", "root.key").split(" ").slice(1);
    await console_(...words, ...(words[1] === "sign" ? ["--yes", ...unattended] : []));
  }
  cluster.succeeded(await stack.up());
  const { id } = (await stack.output("domain")) as { id: string };
  const namespace = id.replace("mydomain::", "");
  expect(await stack.output("parties")).toEqual({ Bank: `Bank::${namespace}` });
  for (const node of ["domain-manager", "bank"]) {
    const held: KeyView[] = JSON.parse(await console_("keys", "list", "--node", node, "--json"));
    expect(held.map(({ fingerprint }) => fingerprint)).not.toContain(namespace);
    expect(held.length).toBeGreaterThan(0);
  }
  const again = cluster.succeeded(await stack.up("--refresh", "--expect-no-changes"));
  expect(again.drifted.filter((resource) => !resource.includes(":NodeReadiness "))).toEqual([]);
});
