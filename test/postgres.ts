/**
 * One PostgreSQL for a whole test run: vitest's global set-up. Tests get its superuser's URL from
 * `inject("postgresUrl")` and each makes a database of its own in it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "@pulumi-canton/components/platform/local/embedded-postgres.ts";
import type { TestProject } from "vitest/node";
import { freePort } from "./free-port.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Connection URL of the superuser of this run's PostgreSQL. */
    postgresUrl: string;
  }
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
