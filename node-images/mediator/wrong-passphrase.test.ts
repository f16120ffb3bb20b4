import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkConfig, cryptoSchema } from "@pulumi-canton/runtime/config.ts";
import { openDatabase } from "@pulumi-canton/runtime/database.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { createTestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import { topologyMigrations } from "@pulumi-canton/topology/testing/test-node.ts";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "wrong-passphrase-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a node whose keys another passphrase opens ends at once, as with any configuration that has to be corrected", async () => {
  const { storage, drop } = await createTestDatabase();
  try {
    const passphraseFile = join(folder, "passphrase");
    writeFileSync(passphraseFile, "the right one", { mode: 0o600 });
    const crypto = checkConfig(cryptoSchema, { keyEncryption: { type: "passphrase", passphraseFile, scryptCost: 14 } });
    const database = await openDatabase({ storage, migrations: topologyMigrations, logger: silentLogger });
    await (await KeyStore.open({ database, crypto, logger: silentLogger })).generateSigningKey();
    await database.close();

    writeFileSync(passphraseFile, "a guess of somebody");
    const server = { address: "127.0.0.1", port: 0 };
    const config = {
      name: "mediator",
      adminApi: server,
      health: server,
      storage,
      crypto: { keyEncryption: crypto.keyEncryption },
    };
    // JSON is YAML.
    writeFileSync(join(folder, "config.yaml"), JSON.stringify(config));
    const main = fileURLToPath(new URL("./main.ts", import.meta.url));
    const node = spawn(process.execPath, [main, "--config", join(folder, "config.yaml")], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [node.stdout, node.stderr]) stream.on("data", (text) => (output += String(text)));
    const [code] = await once(node, "close");
    expect(code).toBe(78);
    expect(output).toContain("crypto.keyEncryption.passphraseFile: the passphrase is not the one");
    expect(output).not.toContain("a guess of somebody");
  } finally {
    await drop();
  }
}, 30_000);
