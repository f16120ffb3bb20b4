import { expect, test } from "vitest";
import { Health } from "./health.ts";
import { exposeHealth } from "./health-metrics.ts";
import { createMetrics } from "./metrics.ts";

test("metrics tell what the probes tell, and forget a part that is gone", async () => {
  const health = new Health();
  const metrics = createMetrics({}, { processMetrics: false });
  exposeHealth(health, metrics);
  const told = async () =>
    (await metrics.registry.metrics())
      .split("\n")
      .filter((line) => /^canton_(node_ready|component_health)/.test(line))
      .sort();

  health.register("storage");
  health.set("sequencer-client", { degraded: "slow" });
  expect(await told()).toEqual([
    'canton_component_health{component="sequencer-client"} 0.5',
    'canton_component_health{component="storage"} 0',
    "canton_node_ready 0",
  ]);
  health.markStarted();
  health.set("storage", "ok");
  health.remove("sequencer-client");
  expect(await told()).toEqual(['canton_component_health{component="storage"} 1', "canton_node_ready 1"]);
});
