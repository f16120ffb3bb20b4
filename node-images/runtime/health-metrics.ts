import { Gauge } from "prom-client";
import type { Component, Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";

const values: Readonly<Record<Component["state"], number>> = {
  ok: 1,
  degraded: 0.5,
  failed: 0,
  waiting: 0,
  starting: 0,
};

/** Tells in the metrics what the probes tell: whether the node is ready, and how each of its parts is. */
export function exposeHealth(health: Health, { registry }: Pick<Metrics, "registry">): void {
  const registers = [registry];
  new Gauge({
    name: "canton_node_ready",
    help: "1 when the node does its work, 0 when it does not; a passive replica does not",
    registers,
    collect() {
      this.set(health.ready ? 1 : 0);
    },
  });
  new Gauge({
    name: "canton_component_health",
    help: "1 for a part of the node that works, 0.5 for one that works less than it should, 0 for one that does not",
    labelNames: ["component"],
    registers,
    collect() {
      this.reset();
      for (const { name, state } of health.components()) this.set({ component: name }, values[state]);
    },
  });
}
