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
 * @param domains those that are to be connected
 * @param active whether this replica is the active one
 */
export function participantMetrics(
  { registry }: Metrics,
  domains: () => readonly { readonly alias: string; readonly healthy: boolean }[],
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
    help: "For every domain that is to be connected: 1 when it is and a sequencer answers, otherwise 0",
    labelNames: ["domain_alias"],
    registers,
    collect() {
      this.reset();
      for (const { alias, healthy } of domains()) this.set({ domain_alias: alias }, healthy ? 1 : 0);
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
