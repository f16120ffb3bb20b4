import { request as http2Request } from "node:http";
import { connect as openHttp2 } from "node:http2";
import { createServer } from "node:net";
import {
  type CallOptions,
  type Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import {
  DownloadRequest,
  ParticipantRepairServiceClient,
  ParticipantRepairServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/participant_repair_service.ts";
import { afterEach, describe, expect, test } from "vitest";
import { ConfigError } from "./config.ts";
import { type CantonError, failedPrecondition, internal } from "./errors.ts";
import { type ClientConstructor, call, connect, serverStream, upload } from "./grpc-client.ts";
import { type HealthCheckRequest, type HealthCheckResponse, HealthService, ServingStatus } from "./grpc-health.ts";
import {
  type CallContext,
  type GrpcServerOptions,
  type Handlers,
  implement,
  notBuilt,
  type RunningServer,
  startGrpcServer,
} from "./grpc-server.ts";
import { Health } from "./health.ts";
import { createLogger, silentLogger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { PortInUseError } from "./port-in-use.ts";
import { currentTrace, newTrace, withTrace } from "./trace.ts";

type RepairHandlers = Handlers<typeof ParticipantRepairServiceService>;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(handlers: RepairHandlers, options: Partial<GrpcServerOptions> = {}) {
  const server = await startGrpcServer({
    name: "adminApi",
    server: { address: "127.0.0.1", port: 0 },
    services: [implement(ParticipantRepairServiceService, handlers)],
    logger: silentLogger,
    ...options,
  });
  closing.push(() => server.close(0));
  return { server, client: clientOf(server) };
}

function clientOf(server: RunningServer) {
  const client = connect(ParticipantRepairServiceClient, { address: "127.0.0.1", port: server.port });
  closing.push(() => client.close());
  return client;
}

const purge = { domain: "mydomain", contractIds: ["c"], ignoreAlreadyPurged: false, offboardedParties: [] };
const download = DownloadRequest.create();
const deadlineMs = 10_000;

test("a unary call answers, and the handler gets the request", async () => {
  const seen: unknown[] = [];
  const { client } = await start({
    purgeContracts: async (request) => {
      seen.push(request);
      return {};
    },
  });
  await expect(call(client, "purgeContracts", purge, { deadlineMs })).resolves.toEqual({});
  expect(seen).toMatchObject([{ domain: "mydomain", contractIds: ["c"] }]);
});

test("a refusal reaches the client with code, reason, category and metadata", async () => {
  const { client } = await start({
    purgeContracts: async ({ domain }) => {
      throw failedPrecondition("CONTRACT_PURGE_ERROR", "Contract cannot be purged: grün\n", { metadata: { domain } });
    },
  });
  await expect(call(client, "purgeContracts", purge, { deadlineMs })).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
    reason: "CONTRACT_PURGE_ERROR",
    category: 9,
    message: "Contract cannot be purged: grün\n",
    metadata: { domain: "mydomain" },
  });
});

test.each([
  ["an exception", () => new TypeError("hunter2")],
  ["a redacted error", () => internal("BROKEN", "hunter2")],
])("of %s the caller learns a trace id only, and the log has all under that id", async (_, make) => {
  const lines: string[] = [];
  const logger = createLogger({ node: "n", role: "r", destination: { write: (line) => void lines.push(line) } });
  const fail = async () => {
    throw make();
  };
  const { client } = await start({ purgeContracts: fail }, { logger });
  const error = await call(client, "purgeContracts", purge, { deadlineMs }).catch((thrown: CantonError) => thrown);
  expect(error).toMatchObject({ code: status.INTERNAL, reason: "" });
  expect(JSON.stringify(error)).not.toContain("hunter2");
  const line = lines.find((each) => each.includes("hunter2"));
  expect(JSON.parse(line ?? "{}")["trace-id"]).toBe((error as CantonError).traceId);
});

test("an rpc that is not built says so; so does a service of which nothing is, and an unknown one", async () => {
  const { server, client } = await start({});
  const expected = {
    code: status.UNIMPLEMENTED,
    message: expect.stringContaining("ParticipantRepairService/PurgeContracts"),
  };
  await expect(call(client, "purgeContracts", purge, { deadlineMs })).rejects.toMatchObject(expected);
  const messages = serverStream(client, "download", download, {});
  await expect(messages.next()).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
  await server.close(0);
  const bare = await startGrpcServer({
    name: "adminApi",
    server: { address: "127.0.0.1", port: 0 },
    services: [],
    logger: silentLogger,
  });
  closing.push(() => bare.close(0));
  await expect(call(clientOf(bare), "purgeContracts", purge, { deadlineMs })).rejects.toMatchObject({
    code: status.UNIMPLEMENTED,
  });
  expect(notBuilt(ParticipantRepairServiceService).methods.length).toBeGreaterThan(5);
});

test("a message that is too large is refused with the sizes, and the next one is served", async () => {
  const { client } = await start({ purgeContracts: async () => ({}) }, { maxInboundMessageSize: 1_000 });
  const large = { ...purge, domain: "x".repeat(2_000) };
  await expect(call(client, "purgeContracts", large, { deadlineMs })).rejects.toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    message: expect.stringMatching(/larger than max.*1000/),
  });
  await expect(call(client, "purgeContracts", purge, { deadlineMs })).resolves.toEqual({});
});

test("a request that is not protobuf is the caller's error", async () => {
  const { server } = await start({ purgeContracts: async () => ({}) });
  const broken = {
    ...ParticipantRepairServiceService.purgeContracts,
    requestSerialize: () => Buffer.from([0x0a, 0xff]),
  };
  const BrokenClient = makeGenericClientConstructor({ purgeContracts: broken }, "broken") as never;
  const client = connect(BrokenClient as typeof ParticipantRepairServiceClient, {
    address: "127.0.0.1",
    port: server.port,
  });
  closing.push(() => client.close());
  await expect(call(client, "purgeContracts", purge, { deadlineMs })).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    reason: "PROTO_DESERIALIZATION_FAILURE",
    category: 8,
  });
});

test("bytes that are not gRPC do not stop the server", async () => {
  const { server, client } = await start({ purgeContracts: async () => ({}) });
  await new Promise<void>((resolve) => {
    const request = http2Request({ port: server.port, host: "127.0.0.1", path: "/" });
    request.on("error", () => resolve());
    request.on("response", () => resolve());
    request.end("GET nonsense");
  });
  const session = openHttp2(`http://127.0.0.1:${server.port}`);
  const stream = session.request({ ":method": "GET", ":path": "/" });
  const answer = await new Promise<number>((resolve) =>
    stream.on("response", (headers) => resolve(Number(headers[":status"]))),
  );
  expect(answer).toBe(415);
  session.destroy();
  await expect(call(client, "purgeContracts", purge, { deadlineMs })).resolves.toEqual({});
});

/** A handler that waits for its signal and tells what it heard. */
function waiting() {
  const started = Promise.withResolvers<CallContext>();
  const heard = Promise.withResolvers<unknown>();
  const handler = async (_: unknown, context: CallContext) => {
    started.resolve(context);
    await new Promise<void>((resolve) => context.signal.addEventListener("abort", () => resolve()));
    heard.resolve(context.signal.reason);
    return {};
  };
  return { handler, started: started.promise, heard: heard.promise };
}

describe("the end of a call reaches its handler", () => {
  test("deadline", async () => {
    const { handler, started, heard } = waiting();
    const { client } = await start({ purgeContracts: handler });
    const before = Date.now();
    await expect(call(client, "purgeContracts", purge, { deadlineMs: 200 })).rejects.toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    });
    const { deadline } = await started;
    expect(deadline?.getTime()).toBeGreaterThan(before);
    expect(deadline?.getTime()).toBeLessThan(before + 5_000);
    expect(await heard).toMatchObject({ code: expect.toSatisfy((code) => code === 4 || code === 1) });
  });

  test("cancellation", async () => {
    const { handler, started, heard } = waiting();
    const { client } = await start({ purgeContracts: handler });
    const controller = new AbortController();
    const running = call(client, "purgeContracts", purge, { deadlineMs, signal: controller.signal });
    await started;
    const reason = new Error("no longer wanted");
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(await heard).toMatchObject({ code: status.CANCELLED });
  });

  test("the caller's connection dies", async () => {
    const { handler, heard } = waiting();
    const { server } = await start({ purgeContracts: handler });
    const session = openHttp2(`http://127.0.0.1:${server.port}`);
    session.on("error", () => undefined);
    const stream = session.request({
      ":method": "POST",
      ":path": ParticipantRepairServiceService.purgeContracts.path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => undefined);
    // An empty message: not compressed, no bytes.
    stream.end(Buffer.alloc(5), () => session.socket?.destroy());
    expect(await heard).toMatchObject({ code: status.CANCELLED });
  });

  test("a handler that does not listen does not keep its caller", async () => {
    const release = Promise.withResolvers<void>();
    const { client } = await start({
      purgeContracts: async () => {
        await release.promise;
        return {};
      },
    });
    await expect(call(client, "purgeContracts", purge, { deadlineMs: 100 })).rejects.toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    });
    release.resolve();
  });

  test("an aborted signal sends nothing", async () => {
    const { client } = await start({ purgeContracts: async () => expect.fail("must not be called") });
    const reason = new Error("before");
    const signal = AbortSignal.abort(reason);
    await expect(call(client, "purgeContracts", purge, { deadlineMs, signal })).rejects.toBe(reason);
    await expect(serverStream(client, "download", download, { signal }).next()).rejects.toBe(reason);
  });
});

describe("server streams", () => {
  const chunkOf = (size: number) => ({ chunk: Buffer.alloc(size) });

  test("all messages arrive in order, then the end", async () => {
    const { client } = await start({
      download: async function* () {
        for (let i = 0; i < 500; i++) yield { chunk: Buffer.from(String(i)) };
      },
    });
    const got: string[] = [];
    for await (const { chunk } of serverStream(client, "download", download)) got.push(chunk.toString());
    expect(got).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
  });

  test("an error after some messages comes after them", async () => {
    const { client } = await start({
      download: async function* () {
        for (let i = 0; i < 50; i++) yield chunkOf(10);
        throw failedPrecondition("ENOUGH", "no more");
      },
    });
    let got = 0;
    const read = async () => {
      for await (const _ of serverStream(client, "download", download)) got++;
    };
    await expect(read()).rejects.toMatchObject({ reason: "ENOUGH", message: "no more" });
    expect(got).toBe(50);
  });

  test("a caller that does not read holds the handler back", async () => {
    let made = 0;
    const { client } = await start({
      download: async function* () {
        for (; made < 10_000; made++) yield chunkOf(100_000);
      },
    });
    const messages = serverStream(client, "download", download);
    await messages.next();
    // The handler comes to rest: the same count in two looks that lie several turns of the event loop apart.
    let before = -1;
    while (before !== made) {
      before = made;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(made).toBeLessThan(200);
    for (let i = 0; i < 400; i++) await messages.next();
    expect(made).toBeGreaterThanOrEqual(400);
    await messages.return(undefined);
  });

  test("leaving the loop ends the handler, with its finally", async () => {
    const ended = Promise.withResolvers<string>();
    const { client } = await start({
      download: async function* (_, { signal }) {
        try {
          while (true) {
            yield chunkOf(1);
            await new Promise((resolve) => setImmediate(resolve));
          }
        } finally {
          ended.resolve(signal.aborted ? "aborted" : "not aborted");
        }
      },
    });
    for await (const _ of serverStream(client, "download", download)) break;
    expect(await ended.promise).toBe("aborted");
  });

  test("an abort ends the iteration with its reason, and a handler that waits", async () => {
    const { handler, heard } = waiting();
    const { client } = await start({
      download: async function* (request, context) {
        yield chunkOf(1);
        await handler(request, context);
      },
    });
    const controller = new AbortController();
    const reason = new Error("enough");
    const messages = serverStream(client, "download", download, { signal: controller.signal });
    await messages.next();
    const next = messages.next();
    controller.abort(reason);
    await expect(next).rejects.toBe(reason);
    expect(await heard).toMatchObject({ code: status.CANCELLED });
  });

  test("a deadline ends the stream", async () => {
    const { handler } = waiting();
    const { client } = await start({
      download: async function* (request, context) {
        yield chunkOf(1);
        await handler(request, context);
      },
    });
    const messages = serverStream(client, "download", download, { deadlineMs: 200 });
    await messages.next();
    await expect(messages.next()).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
  });
});

describe("client streams", () => {
  test("the handler gets the requests in order", async () => {
    let size = 0;
    const { client } = await start({
      upload: async (requests) => {
        for await (const { acsSnapshot } of requests) size += acsSnapshot.length;
        return {};
      },
    });
    const requests = Array.from({ length: 100 }, () => ({ acsSnapshot: Buffer.alloc(50_000), gzipFormat: false }));
    await expect(upload(client, "upload", requests, { deadlineMs })).resolves.toEqual({});
    expect(size).toBe(5_000_000);
  });

  test("a refusal in the middle stops the sending", async () => {
    const { client } = await start({
      upload: async (requests) => {
        for await (const _ of requests) throw failedPrecondition("FULL", "no room");
        return {};
      },
    });
    let sent = 0;
    function* requests() {
      for (; sent < 100_000; sent++) yield { acsSnapshot: Buffer.alloc(50_000), gzipFormat: false };
    }
    await expect(upload(client, "upload", requests(), { deadlineMs })).rejects.toMatchObject({ reason: "FULL" });
    expect(sent).toBeLessThan(100_000);
  });
});

test("the trace of the caller is the trace of the handler", async () => {
  const { client } = await start({
    purgeContracts: async (_, { traceId }) => {
      await new Promise((resolve) => setImmediate(resolve));
      throw failedPrecondition("SEEN", "x", { metadata: { seen: currentTrace()?.traceId ?? "", context: traceId } });
    },
  });
  const trace = newTrace();
  const failing = withTrace(trace, () => call(client, "purgeContracts", purge, { deadlineMs }));
  await expect(failing).rejects.toMatchObject({
    traceId: trace.traceId,
    metadata: { seen: trace.traceId, context: trace.traceId },
  });
});

test("metadata reaches the handler, binary too", async () => {
  const { client } = await start({
    purgeContracts: async (_, { metadata, peer }) => {
      const token = metadata.get("authtoken-bin")[0] as Buffer;
      throw failedPrecondition("SEEN", `${metadata.get("memberid")[0]} ${token.toString("hex")} ${peer.split(":")[0]}`);
    },
  });
  const expected = { message: "PAR::p 0102 127.0.0.1" };
  const asObject = { memberid: "PAR::p", "authtoken-bin": Buffer.from([1, 2]) };
  await expect(call(client, "purgeContracts", purge, { deadlineMs, metadata: asObject })).rejects.toMatchObject(
    expected,
  );
  const metadata = Metadata.fromHttp2Headers({ memberid: "PAR::p" });
  metadata.set("authtoken-bin", Buffer.from([1, 2]));
  await expect(call(client, "purgeContracts", purge, { deadlineMs, metadata })).rejects.toMatchObject(expected);
});

test("metrics count calls by method and code", async () => {
  const metrics = createMetrics({}, { processMetrics: false });
  const { client } = await start(
    {
      purgeContracts: async ({ domain }) => {
        if (domain === "bad") throw failedPrecondition("BAD", "bad");
        return {};
      },
      download: async function* () {
        yield { chunk: Buffer.alloc(1) };
        yield { chunk: Buffer.alloc(1) };
      },
    },
    { metrics },
  );
  await call(client, "purgeContracts", purge, { deadlineMs });
  await call(client, "purgeContracts", { ...purge, domain: "bad" }, { deadlineMs }).catch(() => undefined);
  for await (const _ of serverStream(client, "download", download));
  const text = await metrics.registry.metrics();
  const method = "/com.digitalasset.canton.participant.admin.v0.ParticipantRepairService";
  expect(text).toContain(`grpc_server_requests_total{server="adminApi",method="${method}/PurgeContracts",code="OK"} 1`);
  expect(text).toContain(`method="${method}/PurgeContracts",code="FAILED_PRECONDITION"} 1`);
  expect(text).toContain(`grpc_server_stream_messages_sent_total{server="adminApi",method="${method}/Download"} 2`);
  expect(text).toContain(`grpc_server_active_requests{server="adminApi",method="${method}/Download"} 0`);
  const seconds = "grpc_server_request_seconds_count";
  expect(text).toContain(`${seconds}{server="adminApi",method="${method}/PurgeContracts",type="unary",code="OK"} 1`);
  expect(text).toContain(`${seconds}{server="adminApi",method="${method}/Download",type="stream",code="OK"} 1`);
});

describe("closing", () => {
  test("waits for calls in progress, ends streams with UNAVAILABLE, takes no new ones", async () => {
    const release = Promise.withResolvers<void>();
    const inProgress = Promise.withResolvers<void>();
    const { server, client } = await start({
      purgeContracts: async () => {
        inProgress.resolve();
        await release.promise;
        return {};
      },
      download: async function* (_, { signal }) {
        yield { chunk: Buffer.alloc(1) };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    });
    const messages = serverStream(client, "download", download);
    await messages.next();
    const unary = call(client, "purgeContracts", purge, { deadlineMs });
    await inProgress.promise;
    const closed = server.close(10_000);
    await expect(messages.next()).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      reason: "SERVER_IS_SHUTTING_DOWN",
    });
    await expect(call(clientOf(server), "purgeContracts", purge, { deadlineMs: 2_000 })).rejects.toMatchObject({
      code: status.UNAVAILABLE,
    });
    release.resolve();
    await expect(unary).resolves.toEqual({});
    await closed;
  });

  test("cuts off what outlasts the grace time, and tells the handler", async () => {
    const { handler, started, heard } = waiting();
    const { server, client } = await start({ purgeContracts: handler });
    const unary = call(client, "purgeContracts", purge, { deadlineMs });
    await started;
    const closed = server.close(50);
    await expect(unary).rejects.toMatchObject({ code: status.UNAVAILABLE });
    await expect(heard).resolves.toMatchObject({ reason: "SERVER_IS_SHUTTING_DOWN" });
    await closed;
  });
});

test("a client finds a server again that was away", async () => {
  const { server, client } = await start({ purgeContracts: async () => ({}) });
  await call(client, "purgeContracts", purge, { deadlineMs });
  await server.close(0);
  await expect(call(client, "purgeContracts", purge, { deadlineMs })).rejects.toMatchObject({
    code: status.UNAVAILABLE,
    retryable: true,
  });
  await start({ purgeContracts: async () => ({}) }, { server: { address: "127.0.0.1", port: server.port } });
  await expect(call(client, "purgeContracts", purge, { deadlineMs, waitForReady: true })).resolves.toEqual({});
});

test.each(["0.0.0.0", "::", "10.1.2.3"])("%s without TLS is refused, naming the key", async (address) => {
  const starting = startGrpcServer({
    name: "publicApi",
    server: { address, port: 0 },
    services: [],
    logger: silentLogger,
  });
  await expect(starting).rejects.toThrow(ConfigError);
  await expect(starting).rejects.toThrow(
    /publicApi\.tls is required because address ".*" is reachable from other machines/,
  );
});

test("a taken port and a strange address are told with the key", async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
  closing.push(() => new Promise((resolve) => blocker.close(resolve)));
  const { port } = blocker.address() as { port: number };
  const starting = start({}, { server: { address: "127.0.0.1", port } });
  await expect(starting).rejects.toThrow(PortInUseError);
  await expect(starting).rejects.toThrow(`adminApi.port: port ${port} on 127.0.0.1 is taken`);
});

describe("grpc.health.v1.Health", () => {
  /** What generated code would declare for this service. */
  interface HealthClient extends Client {
    check(
      request: HealthCheckRequest,
      metadata: Metadata,
      options: Partial<CallOptions>,
      callback: (error: ServiceError | null, response: HealthCheckResponse) => void,
    ): ClientUnaryCall;
    watch(
      request: HealthCheckRequest,
      metadata?: Metadata,
      options?: Partial<CallOptions>,
    ): ClientReadableStream<HealthCheckResponse>;
  }
  const HealthClient = makeGenericClientConstructor(
    HealthService,
    "grpc.health.v1.Health",
  ) as unknown as ClientConstructor<HealthClient>;

  async function serveHealth() {
    const health = new Health();
    const { server } = await start({}, { health });
    const client = connect(HealthClient, { address: "127.0.0.1", port: server.port });
    closing.push(() => client.close());
    const check = (service: string) => call(client, "check", { service }, { deadlineMs });
    const watch = (service: string) => serverStream(client, "watch", { service });
    return { health, check, watch };
  }

  test("tells the node and its components", async () => {
    const { health, check } = await serveHealth();
    expect(await check("")).toEqual({ status: ServingStatus.NOT_SERVING });
    health.markStarted();
    health.set("storage", "ok");
    health.set("sequencer", { failed: "away" });
    expect(await check("")).toEqual({ status: ServingStatus.NOT_SERVING });
    expect(await check("storage")).toEqual({ status: ServingStatus.SERVING });
    expect(await check("sequencer")).toEqual({ status: ServingStatus.NOT_SERVING });
    await expect(check("nonsense")).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  test("a watcher hears of each change", async () => {
    const { health, watch } = await serveHealth();
    const messages = watch("");
    expect((await messages.next()).value).toEqual({ status: ServingStatus.NOT_SERVING });
    health.markStarted();
    expect((await messages.next()).value).toEqual({ status: ServingStatus.SERVING });
    health.set("storage", { failed: "away" });
    expect((await messages.next()).value).toEqual({ status: ServingStatus.NOT_SERVING });
    await messages.return(undefined);
  });
});

test("a handler for an rpc that does not exist is a mistake that is told at once", () => {
  const handlers = { purgeContract: async () => ({}) } as unknown as RepairHandlers;
  expect(() => implement(ParticipantRepairServiceService, handlers)).toThrow("there is no rpc purgeContract");
});
