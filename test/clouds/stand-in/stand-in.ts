/** The stand-in: a gRPC server for each package, and a port by which it is told what is to go wrong. Loopback only. */

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import grpc from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { packages, sdkOf } from "../schema/sdk.ts";
import { instruction } from "./faults.ts";
import { providerOf } from "./provider.ts";
import { StandInClouds } from "./stand-in-clouds.ts";

/** The clouds, being served. */
export class StandIn implements AsyncDisposable {
  readonly clouds: StandInClouds;
  /** Value of `PULUMI_DEBUG_PROVIDERS`, by which the engine finds it. */
  readonly attach: string;
  /** Instructions are posted to `/instructions`; `/resources` tells what there is. */
  readonly control: string;
  readonly #servers: readonly grpc.Server[];
  readonly #control: Server;
  readonly #own: string | undefined;

  private constructor(
    clouds: StandInClouds,
    servers: ReadonlyMap<string, { server: grpc.Server; port: number }>,
    control: Server,
    own: string | undefined,
  ) {
    this.clouds = clouds;
    this.attach = [...servers].map(([name, { port }]) => `${name}:${port}`).join(",");
    this.#servers = [...servers.values()].map(({ server }) => server);
    this.#control = control;
    this.#own = own;
    this.control = `http://127.0.0.1:${(control.address() as AddressInfo).port}`;
  }

  /** @param folder where its state is; it goes on from what is there. Default: one that goes with it */
  static async start(folder?: string): Promise<StandIn> {
    const own = folder === undefined ? await mkdtemp(join(tmpdir(), "pulumi-canton-stand-in-")) : undefined;
    const clouds = new StandInClouds((folder ?? own) as string);
    const servers = new Map<string, { server: grpc.Server; port: number }>();
    for (const name of packages) {
      // State and certificates are larger than what gRPC takes by itself.
      const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
      server.addService(
        ResourceProviderService,
        providerOf(clouds, sdkOf(name).version) as unknown as grpc.UntypedServiceImplementation,
      );
      const port = await new Promise<number>((resolve, reject) => {
        server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
          error ? reject(error) : resolve(bound),
        );
      });
      servers.set(name, { server, port });
    }
    const control = createServer((request, response) => {
      answer(clouds, request.method ?? "", request.url ?? "", request).then(
        ([status, body]) =>
          response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
        (error: Error) => response.writeHead(400).end(JSON.stringify({ error: error.message })),
      );
    });
    control.listen(0, "127.0.0.1");
    await once(control, "listening");
    return new StandIn(clouds, servers, control, own);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) server.forceShutdown();
    this.#control.close();
    this.#control.closeAllConnections();
    if (this.#own !== undefined) await rm(this.#own, { recursive: true, force: true });
  }
}

async function answer(
  clouds: StandInClouds,
  method: string,
  path: string,
  body: AsyncIterable<Buffer>,
): Promise<[number, unknown]> {
  if (method === "GET" && path === "/resources") return [200, clouds.resources];
  if (method === "GET" && path === "/warnings") return [200, clouds.warnings];
  if (method !== "POST" || path !== "/instructions")
    return [404, { error: "POST /instructions, GET /resources or GET /warnings" }];
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(part);
  clouds.instruct(instruction.parse(JSON.parse(Buffer.concat(parts).toString("utf8"))));
  return [200, {}];
}
