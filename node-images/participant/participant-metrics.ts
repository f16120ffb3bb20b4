import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import type { Metrics } from "@pulumi-canton/runtime/metrics.ts";
import { type RecordStep, stepRecorder } from "@pulumi-canton/topology/transaction-steps.ts";
import { Counter, Gauge } from "prom-client";

/** What a participant counts besides what every node does. */
export interface ParticipantMetrics {
  /** Own topology transactions that a domain has answered, by domain and outcome. */
  readonly dispatched: Counter<"domain" | "outcome">;
  /** Writes down the steps of topology transactions. */
  readonly record: RecordStep;
}

/**
 * Registers the participant's metrics.
 *
 * @param connected the domains that are connected now
 * @param active whether this replica is the active one
 */
export function participantMetrics(
  { registry }: Metrics,
  connected: () => readonly { readonly alias: string; readonly healthy: boolean }[],
  active: () => boolean,
  logger: Logger,
): ParticipantMetrics {
  const registers = [registry];
  new Gauge({
    name: "participant_active",
    help: "1 when this replica is the active one, 0 when it is passive",
    registers,
    collect() {
      this.set(active() ? 1 : 0);
    },
  });
  new Gauge({
    name: "participant_domain_connected",
    help: "1 for every connected domain of which a sequencer answers, 0 for one of which none does",
    labelNames: ["domain_alias"],
    registers,
    collect() {
      this.reset();
      for (const { alias, healthy } of connected()) this.set({ domain_alias: alias }, healthy ? 1 : 0);
    },
  });
  return {
    record: stepRecorder(logger, registry),
    dispatched: new Counter({
      name: "participant_topology_dispatched_total",
      help: "Own topology transactions that a domain has answered",
      labelNames: ["domain", "outcome"],
      registers,
    }),
  };
}
