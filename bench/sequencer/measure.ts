/**
 * Measures the sequencers in a process of its own, which can be interrupted at any instant: `node measure.ts FOLDER
 * MILLISECONDS`. Starts a PostgreSQL in the folder, with the durability that the local stack has, and prints the rows as JSON.
 */
import { join } from "node:path";
import { startPostgres } from "@pulumi-canton/components/platform/local/embedded-postgres.ts";
import { sequencerThroughput } from "@pulumi-canton/sequencer/bench/throughput.ts";
import { freePort } from "../../test/free-port.ts";

const [folder = ".", milliseconds] = process.argv.slice(2);
const postgres = await startPostgres({
  directory: join(folder, "postgres"),
  port: await freePort(),
  logFile: join(folder, "postgres.log"),
  deadlineMs: 60_000,
});
try {
  const rows = await sequencerThroughput({ postgresUrl: postgres.url, durationMs: Number(milliseconds) });
  process.stdout.write(JSON.stringify(rows));
} finally {
  await postgres.stop();
}
