/** From when on something counts as wrong. */

/** Limits of the alerts; the defaults are {@link defaultThresholds}. */
export interface AlertThresholds {
  /** Seconds that 99 of 100 calls have to be answered within. Default: 1. */
  readonly latencySeconds: number;
  /** Share of the calls to a sequencer that may fail by the sequencer's fault, 0 to 1. Default: 0.05. */
  readonly sequencerErrors: number;
  /** Seconds that 99 of 100 batches of a sequencer have to be written within. Default: 0.5. */
  readonly batchSeconds: number;
  /** Messages that may wait in a sequencer; it refuses more than 20000. Default: 2000. */
  readonly queuedMessages: number;
  /** Seconds within which 95 of 100 topology transactions have to take effect at a member. Default: 10. */
  readonly topologySeconds: number;
  /** Seconds that a node's event loop may be late, at the 99th percentile. Default: 0.5. */
  readonly eventLoopSeconds: number;
  /** Share of the heap, of file descriptors, and of a database server's connections that may be in use, 0 to 1. Default: 0.85. */
  readonly usedShare: number;
  /** Share of a volume that may be used before there is a warning, 0 to 1; at half of what is then left it is critical. Default: 0.85. */
  readonly volumeShare: number;
  /** Seconds that a replica of a database may be behind before there is a warning; ten times as much is critical. Default: 30. */
  readonly replicationLagSeconds: number;
  /** Days before a certificate expires when there is a warning; a third of them is critical. Default: 21. */
  readonly certificateDays: number;
}

/** Limits that suit most deployments. */
export const defaultThresholds: AlertThresholds = {
  latencySeconds: 1,
  sequencerErrors: 0.05,
  batchSeconds: 0.5,
  queuedMessages: 2_000,
  topologySeconds: 10,
  eventLoopSeconds: 0.5,
  usedShare: 0.85,
  volumeShare: 0.85,
  replicationLagSeconds: 30,
  certificateDays: 21,
};

const shares = new Set<keyof AlertThresholds>(["sequencerErrors", "usedShare", "volumeShare"]);

/** The defaults with some limits changed. @throws Error naming one that is no limit, or is out of range */
export function thresholdsWith(changes: Partial<AlertThresholds> = {}): AlertThresholds {
  for (const [key, value] of Object.entries(changes)) {
    if (!Object.hasOwn(defaultThresholds, key)) {
      throw new Error(
        `thresholds.${key}: there is no such limit; there are ${Object.keys(defaultThresholds).join(", ")}`,
      );
    }
    const share = shares.has(key as keyof AlertThresholds);
    if (!(value > 0 && Number.isFinite(value) && (!share || value < 1))) {
      throw new Error(`thresholds.${key}: got ${value}; expected a number above 0${share ? " and below 1" : ""}`);
    }
  }
  return { ...defaultThresholds, ...changes };
}
