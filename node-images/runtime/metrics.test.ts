import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { startGrpcServer } from "./grpc-server.ts";
import { silentLogger } from "./logger.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createTestAuthority } from "./testing/certificates.ts";
import { createTestDatabase } from "./testing/database.ts";

/** The samples whose names begin so. */
async function samples({ registry }: Metrics, prefix: string): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).split("\n").filter((line) => line.startsWith(prefix));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("a server tells when the certificate that it shows expires", async () => {
  using authority = await createTestAuthority();
  const files = await authority.issue("server");
  const metrics = createMetrics({}, { processMetrics: false });
  const server = await startGrpcServer({
    name: "publicApi",
    server: { address: "127.0.0.1", port: 0, tls: files },
    services: [],
    logger: silentLogger,
    metrics,
  });
  await server.close(0);
  const { validTo } = new X509Certificate(readFileSync(files.certChainFile));
  expect(await samples(metrics, "grpc_server_certificate_expiry")).toEqual({
    'grpc_server_certificate_expiry_timestamp_seconds{server="publicApi"}': Date.parse(validTo) / 1000,
  });
});

test("a pool of connections tells how many are open and idle, and how many wait for one", async () => {
  await using testDatabase = await createTestDatabase();
  const metrics = createMetrics({}, { processMetrics: false });
  const none = mkdtempSync(join(tmpdir(), "migrations-"));
  const database = await openDatabase({
    storage: { ...testDatabase.storage, maxConnections: 2 },
    migrations: pathToFileURL(`${none}/`),
    logger: silentLogger,
    metrics,
  });
  rmSync(none, { recursive: true });
  const clients = [await database.pool.connect(), await database.pool.connect()];
  const third = database.pool.connect();
  expect(await samples(metrics, "database_pool")).toEqual({
    'database_pool_connections{pool="storage"}': 2,
    'database_pool_idle_connections{pool="storage"}': 0,
    'database_pool_connections_max{pool="storage"}': 2,
    'database_pool_waiting{pool="storage"}': 1,
  });
  for (const client of clients) client.release();
  (await third).release();
  expect(await samples(metrics, "database_pool_idle")).toEqual({ 'database_pool_idle_connections{pool="storage"}': 2 });
  await database.close();
});

test("a process tells how much heap it may take", async () => {
  const metrics = createMetrics();
  const { nodejs_heap_size_limit_bytes: limit = 0, nodejs_heap_size_used_bytes: used = 0 } = await samples(
    metrics,
    "nodejs_heap_size",
  );
  expect(limit).toBeGreaterThan(used);
  expect(used).toBeGreaterThan(0);
});
