/** A program that starts as nodes do, for tests of the platform: reads `--config FILE`, answers health probes, stops on SIGTERM. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parse } from "yaml";

const file = process.argv[process.argv.indexOf("--config") + 1] as string;
const config = parse(readFileSync(file, "utf8")) as { health: { port: number }; behaviour?: string };
if (config.behaviour === "misconfigured") {
  process.stderr.write("behaviour: got misconfigured; expected something better\n");
  process.exit(78);
}
const server = createServer((request, response) => {
  const ready = config.behaviour !== "never-ready" || request.url === "/health/live";
  response.writeHead(ready ? 200 : 503).end(ready ? "ok" : "storage: is away");
});
server.on("error", (error: NodeJS.ErrnoException) => {
  process.stderr.write(`health.port: ${error.message}\n`);
  process.exit(error.code === "EADDRINUSE" ? 75 : 1);
});
server.listen(config.health.port, "127.0.0.1", () => process.stdout.write(`{"level":"info","msg":"listens"}\n`));
process.on("SIGTERM", () => process.exit(0));
