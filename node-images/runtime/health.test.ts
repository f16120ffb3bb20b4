import { createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { Health, type RunningHttp, startHttp } from "./health.ts";
import { silentLogger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { PortInUseError } from "./port-in-use.ts";

const open: RunningHttp[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((http) => http.close()));
});

async function serve(health: Health, shared = true): Promise<RunningHttp> {
  const config = { address: "127.0.0.1", port: 0 };
  const http = await startHttp({
    health,
    healthConfig: config,
    metrics: createMetrics({ node: "n1" }, { processMetrics: false }),
    metricsConfig: shared ? config : { address: "localhost", port: 0 },
    logger: silentLogger,
  });
  open.push(http);
  return http;
}

async function ask(port: number, name: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}/health/${name}`)).status;
}

async function probes(port: number): Promise<number[]> {
  return [await ask(port, "live"), await ask(port, "ready"), await ask(port, "startup")];
}

test("live, ready and startup through the life of a node", async () => {
  const health = new Health();
  const { healthPort } = await serve(health);
  health.register("storage");
  expect(await probes(healthPort)).toEqual([200, 503, 503]);
  health.markStarted();
  expect(await probes(healthPort)).toEqual([200, 503, 200]);
  health.set("storage", "ok");
  expect(await probes(healthPort)).toEqual([200, 200, 200]);
  health.set("storage", { degraded: "slow" });
  expect(await probes(healthPort)).toEqual([200, 200, 200]);
  health.set("storage", { failed: "away" });
  expect(await probes(healthPort)).toEqual([200, 503, 200]);
  expect(await ask(healthPort, "reachable")).toBe(503);
  health.set("storage", { waiting: "for its identity" });
  expect(await probes(healthPort)).toEqual([200, 503, 200]);
  expect(await ask(healthPort, "reachable")).toBe(200);
  health.set("storage", "ok");
  health.markStopping();
  expect(await probes(healthPort)).toEqual([200, 503, 200]);
  health.markFatal("out of order");
  expect(await probes(healthPort)).toEqual([503, 503, 200]);
});

test("a probe tells which component fails and why", async () => {
  const health = new Health();
  health.markStarted();
  health.set("storage", { failed: "no connection" });
  health.set("sequencer", "ok");
  const { healthPort } = await serve(health);
  const answer = await fetch(`http://127.0.0.1:${healthPort}/health/ready`);
  expect(await answer.json()).toMatchObject({
    why: "storage: no connection",
    components: [
      { name: "sequencer", state: "ok" },
      { name: "storage", state: "failed", why: "no connection" },
    ],
  });
});

test("listeners hear changes, not repetitions, and a removed component no longer counts", () => {
  const health = new Health();
  health.markStarted();
  let heard = 0;
  const stop = health.onChange(() => heard++);
  health.set("a", { failed: "x" });
  health.set("a", { failed: "x" });
  expect(heard).toBe(1);
  expect(health.ready).toBe(false);
  health.remove("a");
  expect(health.ready).toBe(true);
  expect(heard).toBe(2);
  stop();
  health.set("a", "ok");
  expect(heard).toBe(2);
});

test("the time of a state is kept while the state is", () => {
  const health = new Health();
  health.set("a", { failed: "x" });
  const since = health.component("a")?.since;
  health.set("a", { failed: "y" });
  expect(health.component("a")).toMatchObject({ since, why: "y" });
});

test("registering again does not forget what was reported", () => {
  const health = new Health();
  health.set("a", "ok");
  health.register("a");
  expect(health.component("a")?.state).toBe("ok");
});

test("metrics are on the same listener, or on their own", async () => {
  const shared = await serve(new Health());
  expect(shared.metricsPort).toBe(shared.healthPort);
  const text = await (await fetch(`http://127.0.0.1:${shared.metricsPort}/metrics`)).text();
  expect(text).toContain("grpc_server_requests_total");
  const apart = await serve(new Health(), false);
  expect(apart.metricsPort).not.toBe(apart.healthPort);
  expect((await fetch(`http://127.0.0.1:${apart.healthPort}/metrics`)).status).toBe(404);
  expect((await fetch(`http://localhost:${apart.metricsPort}/metrics`)).status).toBe(200);
});

test("other paths and methods are refused", async () => {
  const { healthPort } = await serve(new Health());
  const url = `http://127.0.0.1:${healthPort}`;
  expect((await fetch(`${url}/constructor`)).status).toBe(404);
  expect((await fetch(`${url}/health/live`, { method: "POST", body: "x" })).status).toBe(405);
});

test("a taken port is told with the key of the configuration", async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
  const { port } = blocker.address() as { port: number };
  try {
    const starting = startHttp({
      health: new Health(),
      healthConfig: { address: "127.0.0.1", port: 0 },
      metrics: createMetrics({}, { processMetrics: false }),
      metricsConfig: { address: "127.0.0.1", port },
      logger: silentLogger,
    });
    await expect(starting).rejects.toThrow(PortInUseError);
    await expect(starting).rejects.toThrow(`metrics.port: port ${port} on 127.0.0.1 is taken`);
  } finally {
    await new Promise((resolve) => blocker.close(resolve));
  }
});
