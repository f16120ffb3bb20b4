import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { exposeTopologyQueue, type QueueLengths } from "./topology-queue-metric.ts";

test("tells the lengths, and nothing when they cannot be had: the other metrics still come", async () => {
  const registry = new Registry();
  let read: () => Promise<QueueLengths> = async () => ({ dispatcher: 3, clients: 1 });
  exposeTopologyQueue(registry, () => read());
  const told = async () => (await registry.metrics()).split("\n").filter((line) => line.startsWith("canton_"));

  expect(await told()).toEqual([
    'canton_topology_queue{queue="dispatcher"} 3',
    'canton_topology_queue{queue="clients"} 1',
  ]);
  read = () => Promise.reject(new Error("the database is away"));
  expect(await told()).toEqual([]);
  read = () => new Promise(() => undefined);
  expect(await told()).toEqual([]);
});
