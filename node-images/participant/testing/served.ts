import type { Client } from "@grpc/grpc-js";
import { CantonError } from "@pulumi-canton/runtime/errors.ts";
import { type ClientConstructor, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { type GrpcService, startGrpcServer } from "@pulumi-canton/runtime/grpc-server.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";

/** Serves services on a free port, so that a test sees them as a caller does: over the wire. */
export async function served(services: readonly GrpcService[]) {
  const server = await startGrpcServer({
    name: "test",
    server: { address: "127.0.0.1", port: 0 },
    services,
    logger: silentLogger,
  });
  const clients: Client[] = [];
  return {
    client<C extends Client>(constructor: ClientConstructor<C>): C {
      const client = connect(constructor, { address: "127.0.0.1", port: server.port });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await server.close(0);
    },
  };
}

/** The CantonError that a call is refused with; fails when it is not refused. */
export async function refusalOf(answer: Promise<unknown>): Promise<CantonError> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof CantonError) return error;
    throw error;
  }
  throw new Error("the call was not refused");
}
