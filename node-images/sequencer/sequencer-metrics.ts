/** The metrics of a sequencer. */
import type { Metrics } from "@pulumi-canton/runtime/metrics.ts";
import { Counter, Gauge, Histogram } from "prom-client";

/** Registers the metrics; gives back what the writer tells of its batches to. */
export function sequencerMetrics(
  metrics: Metrics,
  state: { queued: () => number; connected: () => number },
): (batch: { messages: number; milliseconds: number }) => void {
  const registers = [metrics.registry];
  const sequenced = new Counter({
    name: "sequencer_messages_total",
    help: "Messages that this sequencer has written, refused ones included",
    registers,
  });
  const seconds = new Histogram({
    name: "sequencer_batch_seconds",
    help: "Seconds to write a batch",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  });
  new Gauge({
    name: "sequencer_queued_messages",
    help: "Messages that wait to be written",
    registers,
    collect() {
      this.set(state.queued());
    },
  });
  new Gauge({
    name: "sequencer_connected_members",
    help: "Members with an open subscription",
    registers,
    collect() {
      this.set(state.connected());
    },
  });
  return ({ messages, milliseconds }) => {
    sequenced.inc(messages);
    seconds.observe(milliseconds / 1000);
  };
}
