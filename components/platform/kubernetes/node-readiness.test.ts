import { readFileSync } from "node:fs";
import { InitializationServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { implement, type RunningServer, startGrpcServer } from "@pulumi-canton/runtime/grpc-server.ts";
import { Health } from "@pulumi-canton/runtime/health.ts";
import { createLogger } from "@pulumi-canton/runtime/logger.ts";
import { revisionComponent } from "@pulumi-canton/runtime/node.ts";
import { createTestAuthority } from "@pulumi-canton/runtime/testing/certificates.ts";
import { afterEach, expect, test } from "vitest";
import type { Endpoint, EndpointTls } from "../platform.ts";
import { lookAtNode, waitForNode } from "./node-readiness.ts";
import { provider } from "./node-readiness-provider.ts";

const logger = createLogger({ node: "test", role: "test", level: "fatal" });
const servers: RunningServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
});

/** A node of which nothing but its admin API is there. */
async function adminApi(health: Health, identity: () => string, tls?: object): Promise<number> {
  const services = [
    implement(InitializationServiceService, {
      getId: async () => ({ initialized: identity() !== "", uniqueIdentifier: identity(), instance: "alice" }),
      currentTime: async () => timestampToProto(0n),
    }),
  ];
  const server = { address: "127.0.0.1", port: 0, ...(tls && { tls }) };
  const running = await startGrpcServer({ name: "adminApi", server: server as never, services, logger, health });
  servers.push(running);
  return running.port;
}

function endpoint(port: number, tls?: EndpointTls): Endpoint {
  const url = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  return { address: "127.0.0.1", port, url, ...(tls && { tls }) };
}

test("a node is another, live, then ready with its identity", async () => {
  const health = new Health();
  let identity = "";
  const node = {
    node: "alice",
    adminApi: endpoint(await adminApi(health, () => identity)),
    revision: "r2",
    waitFor: "ready",
  } as const;
  health.set(revisionComponent("r1"), "ok");
  expect(await lookAtNode(node)).toEqual({ is: "another" });
  health.set(revisionComponent("r2"), "ok");
  expect(await lookAtNode(node)).toEqual({ is: "live" });
  expect(await waitForNode({ ...node, waitFor: "live" }, "canton", 0)).toBe("");
  health.markStarted();
  expect(await lookAtNode(node)).toEqual({ is: "live" });
  await expect(waitForNode(node, "canton", 0)).rejects.toThrow(
    /alice is not ready after 0 s: it answers, and is not ready/,
  );
  identity = "alice::1220aa";
  expect(await waitForNode(node, "canton", 0)).toBe("alice::1220aa");
});

test("a node that is not there is told as such, with where to look", async () => {
  const port = await adminApi(new Health(), () => "");
  await servers.pop()?.close(0);
  const node = { node: "alice", adminApi: endpoint(port), waitFor: "live" } as const;
  await expect(waitForNode(node, "canton", 0)).rejects.toThrow(/does not answer[\s\S]*kubectl -n canton logs/);
});

test("through a tunnel the server is known by its own name, and knows the program by its certificate", async () => {
  using authority = await createTestAuthority();
  const own = await authority.issue("server");
  const client = await authority.issue("client");
  const health = new Health();
  health.markStarted();
  const port = await adminApi(health, () => "alice::1220aa", { ...own, clientCaFile: authority.caFile });
  const text = (file: string) => readFileSync(file, "utf8");
  const ca = text(authority.caFile);
  const shown = { certChain: text(client.certChainFile), privateKey: text(client.privateKeyFile) };
  const look = (tls: EndpointTls) => lookAtNode({ node: "alice", adminApi: endpoint(port, tls), waitFor: "ready" });
  expect(await look({ ca, ...shown, serverName: "localhost" })).toEqual({
    is: "ready",
    uniqueIdentifier: "alice::1220aa",
  });
  expect(await look({ ca, ...shown, serverName: "alice.canton.svc.cluster.local" })).toMatchObject({
    is: "unreachable",
  });
  expect(await look({ ca, serverName: "localhost" })).toMatchObject({ is: "unreachable" });
});

test("the resource shows what differs as drift, and once a node has worked waits until it works again", async () => {
  const health = new Health();
  const inputs = {
    node: "sequencer1",
    namespace: "canton",
    adminApi: endpoint(await adminApi(health, () => "mydomain::1220aa")),
    revision: "r1",
    waitFor: "live",
    deadlineMs: 0,
  };
  health.set(revisionComponent("r1"), "ok");
  const { id, outs } = await provider.create(inputs);
  expect(id).toBe("canton/sequencer1");
  expect(outs).toMatchObject({ uniqueIdentifier: "", worked: false });
  health.markStarted();
  const seen = await provider.read(id, outs);
  expect(seen.props).toMatchObject({ worked: true });
  expect(seen.inputs).not.toHaveProperty("drift");
  health.set("backend", { failed: "is away" });
  await expect(provider.update(id, seen.props ?? {}, inputs)).rejects.toThrow(/sequencer1 is not ready/);
  health.set("backend", "ok");
  expect((await provider.update(id, seen.props ?? {}, inputs)).outs).toMatchObject({
    worked: true,
    uniqueIdentifier: "",
  });
  expect(await provider.read(id, { ...outs, revision: "r2" })).toMatchObject({
    props: { drift: "another revision of it answers" },
  });
});
