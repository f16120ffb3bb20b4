/** A node for the tests of `runNode`: what it does is said by the configuration. */
import { z } from "zod";
import { baseNodeSchema } from "../config.ts";
import { startGrpcServer } from "../grpc-server.ts";
import { runNode } from "../node.ts";

const schema = baseNodeSchema.extend({
  behaviour: z.enum(["serve", "throw", "reject-later", "fail-later", "never-start", "never-close"]).default("serve"),
});

await runNode({
  role: "example",
  schema,
  start: async (config, { logger, metrics, health, signal, fail }) => {
    const { behaviour } = config;
    if (behaviour === "throw") throw new Error("cannot start");
    if (behaviour === "never-start") {
      logger.info("Waiting");
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }
    const server = await startGrpcServer({
      name: "adminApi",
      server: config.adminApi,
      services: [],
      logger,
      metrics,
      health,
    });
    if (behaviour === "reject-later") setImmediate(() => void Promise.reject(new Error("nobody handles this")));
    if (behaviour === "fail-later") setImmediate(() => fail(new Error("beyond repair")));
    return {
      close: async () => {
        if (behaviour === "never-close") await new Promise(() => undefined);
        await server.close();
      },
    };
  },
});
