import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { type LocalHome, localHome } from "./home.ts";
import { readableLog } from "./node-process.ts";
import { type NodeInputs, provider } from "./node-provider.ts";
import { claimPorts, readPorts } from "./ports.ts";
import { removeKeyPassphrase } from "./secrets.ts";
import { listProcesses } from "./supervisor/client.ts";

let home: LocalHome;
beforeEach(() => {
  home = localHome(mkdtempSync(join(tmpdir(), "node-")));
});
afterEach(async () => {
  await provider.delete("tiny", { ...tiny() });
  rmSync(home.directory, { recursive: true, force: true });
});

function tiny(change: Partial<NodeInputs> = {}): NodeInputs {
  const passwordFile = join(home.secrets, "database-tiny.password");
  return {
    home: home.directory,
    name: "tiny",
    program: fileURLToPath(new URL("testing/tiny-node.ts", import.meta.url)),
    revision: "1",
    config: {},
    databases: { storage: { host: "127.0.0.1", port: 5432, database: "tiny", user: "tiny", passwordFile } },
    ports: ["adminApi", "health"],
    configuredPorts: {},
    tls: false,
    waitFor: "live",
    deadlineMs: 20_000,
    ...change,
  };
}

const create = (node: NodeInputs) => provider.create({ ...node });

function pid(): number | null | undefined {
  return listProcesses(home).find(({ name }) => name === "tiny")?.pid;
}

test("a node is configured, started, found again, left alone when nothing changed, and removed", async () => {
  const { id, outs } = await create(tiny());
  const ports = readPorts(home);
  const passphrase = join(home.secrets, "keys-tiny.password");
  expect(parse(readFileSync(join(home.config, "tiny.yaml"), "utf8"))).toEqual({
    name: "tiny",
    adminApi: { address: "127.0.0.1", port: ports["tiny.adminApi"] },
    health: { address: "127.0.0.1", port: ports["tiny.health"] },
    metrics: { address: "127.0.0.1", port: ports["tiny.health"] },
    storage: tiny().databases["storage"],
    crypto: { keyEncryption: { type: "passphrase", passphraseFile: passphrase, scryptCost: 14 } },
  });
  expect(statSync(passphrase).mode & 0o777).toBe(0o600);
  expect(outs).toMatchObject({ endpoints: { health: { url: `http://127.0.0.1:${ports["tiny.health"]}` } } });
  const first = pid();
  expect((await create(tiny())).outs).toEqual(outs);
  expect(pid()).toBe(first);
  const seen = await provider.read(id, outs);
  expect(seen.props).toEqual(outs);
  expect((await provider.diff(id, outs, { ...tiny() })).changes).toBe(false);
  await provider.update(id, outs, { ...tiny({ revision: "2" }) });
  expect(pid()).not.toBe(first);
  await provider.delete(id, outs);
  // The passphrase goes with the database: without it, the keys in there would be lost.
  expect(readdirSync(home.directory)).toEqual(["logs", "secrets"]);
  removeKeyPassphrase(home, "tiny");
  expect(await provider.read(id, outs)).toEqual({});
});

test("files that the configuration names are brought along, call for a restart when they change, and go with the node", async () => {
  const naming = (text: string) => tiny({ config: { trust: [{ caFile: "own.crt" }] }, texts: { "own.crt": text } });
  const { id, outs } = await create(naming("authorities"));
  const file = join(home.config, "tiny.own.crt");
  expect(parse(readFileSync(join(home.config, "tiny.yaml"), "utf8")).trust).toEqual([{ caFile: file }]);
  expect(readFileSync(file, "utf8")).toBe("authorities");
  const first = pid();
  await provider.update(id, outs, { ...naming("others") });
  expect(readFileSync(file, "utf8")).toBe("others");
  expect(pid()).not.toBe(first);
  await provider.delete(id, outs);
  expect(existsSync(home.config)).toBe(false);
});

test("with TLS every gRPC server gets a certificate, the probes stay plain", async () => {
  const { outs } = await create(tiny({ tls: true }));
  const config = parse(readFileSync(join(home.config, "tiny.yaml"), "utf8"));
  expect(config.adminApi.tls.certChainFile).toBe(join(home.tls, "server-tiny.crt"));
  expect(config.health.tls).toBeUndefined();
  const caFile = join(home.tls, "ca.crt");
  expect(outs).toMatchObject({ endpoints: { adminApi: { tls: { caFile } }, health: { url: /^http:/ } } });
  expect(existsSync(caFile)).toBe(true);
}, 30_000);

test("a node that does not become ready fails with why, its log and where that is, and stays known", async () => {
  const node = tiny({ config: { behaviour: "never-ready" }, waitFor: "ready", deadlineMs: 1_500 });
  const failure = (await create(node).catch((error: unknown) => error)) as Error & {
    properties: Record<string, unknown>;
  };
  expect(failure).toMatchObject({ id: "tiny" });
  expect(failure.message).toMatch(/tiny is not ready after 2 s: .*answers 503: storage: is away/);
  expect(failure.message).toContain(`Log: ${join(home.logs, "tiny.log")}`);
  expect(failure.message).toContain("info listens");
  expect((await provider.read("tiny", failure.properties)).props).toMatchObject({ drift: "did not start" });
  await provider.update("tiny", failure.properties, { ...tiny() });
});

test("a node whose configuration is wrong fails at once with what it said", async () => {
  const node = tiny({ config: { behaviour: "misconfigured" } });
  await expect(create(node)).rejects.toThrow(/tiny does not start: ended with code 78[\s\S]*expected something better/);
  expect((await create(tiny())).id).toBe("tiny");
});

test("a kept port that another program took meanwhile is named", async () => {
  const { "tiny.health": port } = await claimPorts(home, [{ key: "tiny.health", configKey: "ports.tiny.health" }]);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await expect(create(tiny())).rejects.toThrow(/a port that it was given is taken by another program[\s\S]*EADDRINUSE/);
  await new Promise((resolve) => server.close(resolve));
});

test("log lines are shown for people", () => {
  const lines = ['{"level":"error","msg":"no luck","err":{"message":"refused"}}', "plain text", "{broken", '{"a":1}'];
  expect(readableLog(lines.join("\n"))).toBe('  error no luck: refused\n  plain text\n  {broken\n  {"a":1}');
});
