import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestAuthority } from "@pulumi-canton/runtime/testing/certificates.ts";
import { createTestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { expect, test } from "vitest";
import { freePort } from "../../../test/free-port.ts";
import { certificateKeys, configKeys, portNumbers, secretKeys } from "./layout.ts";
import { nodeFiles, nodeProgram } from "./node-config.ts";
import { waitForNode } from "./node-readiness.ts";

const program = join(import.meta.dirname, "..", "..", "..", "node-images", "participant", "main.ts");

test("a participant runs from the files that its pod would have, and answers who shows the program's certificate", async () => {
  const folder = mkdtempSync(join(tmpdir(), "running-node-"));
  await using database = await createTestDatabase();
  using authority = await createTestAuthority();
  const own = await authority.issue("server");
  const client = await authority.issue("program");
  const { host, port, user, passwordFile } = database.storage;
  const [adminPort, ledgerPort, healthPort] = [await freePort(), await freePort(), await freePort()];

  const files = await nodeFiles({
    name: "alice",
    role: "participant",
    config: { ledgerApi: { auth: [{ type: "jwks", url: "https://idp.example.com/jwks" }] } },
    databases: {
      storage: {
        host,
        port,
        database: database.storage.database,
        user,
        passwordFile: `/etc/canton/secrets/${secretKeys.database("alice")}`,
      },
    },
    ports: ["adminApi", "ledgerApi", "health"],
    mutualTls: true,
  });
  // The pod's folders are in the test's, and its ports are free ones.
  const text = Object.entries({ adminApi: adminPort, ledgerApi: ledgerPort, health: healthPort }).reduce(
    (config, [name, free]) => config.replaceAll(`port: ${portNumbers[name as "health"]}\n`, `port: ${free}\n`),
    (files["node.yaml"] ?? "").replaceAll("/etc/canton", folder).replaceAll("0.0.0.0", "127.0.0.1"),
  );
  for (const each of ["config", "secrets", "certificate"]) mkdirSync(join(folder, each));
  const secret = (name: string, content: string) =>
    writeFileSync(join(folder, "secrets", name), content, { mode: 0o440 });
  writeFileSync(join(folder, "config", "node.yaml"), text);
  copyFileSync(authority.caFile, join(folder, "config", configKeys.administrators));
  copyFileSync(own.certChainFile, join(folder, "certificate", certificateKeys.certificate));
  copyFileSync(own.privateKeyFile, join(folder, "certificate", certificateKeys.privateKey));
  secret(secretKeys.database("alice"), readFileSync(passwordFile, "utf8"));
  secret(secretKeys.passphrase, "a passphrase that nobody guesses, made for this test");

  const args = nodeProgram(512).args.map((arg) => arg.replace("/etc/canton", folder));
  const env = { ...process.env, ...nodeProgram(512).env, NODE_REVISION: "r1" };
  const node = spawn(process.execPath, [program, ...args], { env, stdio: "ignore" });
  try {
    const pem = (file: string) => readFileSync(file, "utf8");
    const tls = {
      ca: pem(authority.caFile),
      certChain: pem(client.certChainFile),
      privateKey: pem(client.privateKeyFile),
    };
    const adminApi = { address: "127.0.0.1", port: adminPort, url: `https://127.0.0.1:${adminPort}`, tls };
    const awaited = { node: "alice", adminApi, waitFor: "ready" } as const;
    expect(await waitForNode({ ...awaited, revision: "r1" }, "canton", 60_000)).toMatch(/^alice::1220/);
    await expect(waitForNode({ ...awaited, revision: "r2" }, "canton", 0)).rejects.toThrow(
      /another revision of it answers/,
    );
    const stranger = { ...adminApi, tls: { ca: tls.ca } };
    await expect(waitForNode({ ...awaited, adminApi: stranger }, "canton", 0)).rejects.toThrow(/does not answer/);
    for (const probe of ["startup", "live", "ready"]) {
      const answer = await fetch(`http://127.0.0.1:${healthPort}/health/${probe}`);
      expect(answer.status, probe).toBe(200);
    }
  } finally {
    node.kill("SIGTERM");
    if (node.exitCode === null) await once(node, "exit");
    rmSync(folder, { recursive: true, force: true });
  }
  expect(node.exitCode).toBe(0);
}, 90_000);
