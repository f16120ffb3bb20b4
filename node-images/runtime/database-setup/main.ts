/** Makes a node's database and ends: a job, with the administrator's login, that nodes never see. */
import { parseArgs } from "node:util";
import { retry } from "../backoff.ts";
import { ConfigError, loadConfig } from "../config.ts";
import { databaseErrorKind } from "../database.ts";
import { createLogger, standardOutput } from "../logger.ts";
import { ExitCode } from "../node.ts";
import { databaseSetupSchema } from "./config.ts";
import { setUpDatabase } from "./database-setup.ts";

const { values } = parseArgs({ options: { config: { type: "string" } } });
if (values.config === undefined) {
  process.stderr.write("--config FILE is required\n");
  process.exit(ExitCode.usage);
}
try {
  const config = loadConfig(databaseSetupSchema, values.config);
  const logger = createLogger({
    node: config.login.database,
    role: "database-setup",
    level: "info",
    destination: standardOutput(),
  });
  // A server that is starting is waited for.
  await retry(() => setUpDatabase(config, logger), {
    maxDelayMs: 2_000,
    deadlineMs: 120_000,
    retryIf: (error) => databaseErrorKind(error) === "connection",
    onRetry: ({ error, attempt }) => {
      if (attempt % 10 === 1)
        logger.warn({ error: (error as Error).message }, "The database server cannot be reached yet");
    },
  });
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(error instanceof ConfigError ? ExitCode.config : ExitCode.failure);
}
