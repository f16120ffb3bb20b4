/**
 * One PostgreSQL for a whole test run: vitest's global set-up. Tests get its superuser's URL from
 * `inject("postgresUrl")` and each makes a database of its own in it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loopback, startPostgres } from "@pulumi-canton/components/platform/local/embedded-postgres.ts";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Connection URL of the superuser of this run's PostgreSQL. */
    postgresUrl: string;
  }
}

/** A port that nothing listens on at this moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, loopback, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no TCP port to be had on loopback");
  return address.port;
}

/** Starts the server, provides its URL, and gives back the tear-down that stops it and removes its files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "pulumi-canton-test-"));
  try {
    const postgres = await startPostgres({
      directory: join(folder, "postgres"),
      port: await freePort(),
      logFile: join(folder, "postgres.log"),
      deadlineMs: 60_000,
    });
    project.provide("postgresUrl", postgres.url);
    return async () => {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
