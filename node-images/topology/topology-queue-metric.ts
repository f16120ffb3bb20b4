import { Gauge, type Registry } from "prom-client";

/** Topology transactions on their way. */
export interface QueueLengths {
  /** Authorised here, and not yet sent. */
  readonly dispatcher: number;
  /** Sent, and not yet seen in the topology of the domain. */
  readonly clients: number;
}

/** Longest wait for the database, in milliseconds: what takes longer is left out, so that the other metrics come in time. */
const readWithinMs = 1_000;

/** Registers `canton_topology_queue`, which says how many transactions are on their way. */
export function exposeTopologyQueue(registry: Registry, read: () => Promise<QueueLengths>): void {
  new Gauge({
    name: "canton_topology_queue",
    help: "Topology transactions on their way: in the dispatcher those to be sent, in the clients those to come back",
    labelNames: ["queue"],
    registers: [registry],
    async collect() {
      this.reset();
      const lengths = await within(readWithinMs, read()).catch(() => undefined);
      if (lengths === undefined) return;
      this.set({ queue: "dispatcher" }, lengths.dispatcher);
      this.set({ queue: "clients" }, lengths.clients);
    },
  });
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
