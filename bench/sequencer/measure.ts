/**
 * Measures the sequencers in a process of its own, which can be interrupted at any instant: `node measure.ts FOLDER
 * MILLISECONDS`. Starts a PostgreSQL in the folder, with the durability that the local stack has, and prints the rows as JSON.
 */
import { createServer } from "node:net";
import { join } from "node:path";
import { loopback, startPostgres } from "@pulumi-canton/components/platform/local/embedded-postgres.ts";
import { sequencerThroughput } from "@pulumi-canton/sequencer/bench/throughput.ts";

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
