/** What a node tells of itself to those who look into a fault: a dump, and its last errors. */
import { status } from "@grpc/grpc-js";
import type { StatusServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import { plainError } from "./errors.ts";
import type { Handlers } from "./grpc-service.ts";
import type { Health } from "./health.ts";
import { type LogDestination, redact } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { zip } from "./zip.ts";

/** Bytes of a dump in one message when the caller says nothing, and the most that it may ask for. */
const chunkBytes = 2 * 1024 * 1024;
/** How many errors are told. */
const lastErrors = 50;

/** The last lines of a log, which goes on to where it goes. */
export class LogTail implements LogDestination {
  readonly #next: LogDestination;
  readonly #keep: number;
  #lines: string[] = [];

  /** @param keep how many lines at least are kept; default 5000 */
  constructor(next: LogDestination, keep = 5_000) {
    this.#next = next;
    this.#keep = keep;
  }

  write(line: string): void {
    this.#next.write(line);
    this.#lines.push(line);
    // Now and then, for each line costs otherwise.
    if (this.#lines.length >= 2 * this.#keep) this.#lines = this.#lines.slice(-this.#keep);
  }

  /** The lines, oldest first, each with its newline. */
  lines(): readonly string[] {
    return this.#lines;
  }
}

/**
 * The rpcs of StatusService that look into a node, the same for every role. The dump is a ZIP file with the
 * configuration (which names secrets' files and holds none), the state of all parts, the metrics and the end of the log.
 */
export function diagnostics(of: {
  readonly config: object;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly log: LogTail;
}) {
  return {
    async *healthDump({ chunkSize = chunkBytes }) {
      const size = Math.min(chunkSize, chunkBytes);
      if (size < 1) throw plainError(status.INVALID_ARGUMENT, "chunkSize: expected 1 or more bytes");
      const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
      const dump = zip(
        {
          "config.json": json(redact(of.config)),
          "health.json": json({ ready: of.health.ready, components: of.health.components() }),
          "metrics.txt": await of.metrics.registry.metrics(),
          "log.jsonl": of.log.lines().join(""),
        },
        new Date(),
      );
      for (let at = 0; at < dump.length; at += size) yield { chunk: dump.subarray(at, at + size) };
    },
    getLastErrors: async () => {
      const errors = of.log
        .lines()
        .map(parsed)
        .filter(({ level }) => level === "warn" || level === "error" || level === "fatal");
      // Of each trace the last.
      const byTrace = new Map(errors.map((line) => [String(line["trace-id"] ?? ""), String(line["message"])]));
      byTrace.delete("");
      return { errors: [...byTrace].slice(-lastErrors).map(([traceId, message]) => ({ traceId, message })) };
    },
    getErrorTrace: async ({ traceId }) => {
      const messages = of.log.lines().filter((line) => traceId !== "" && parsed(line)["trace-id"] === traceId);
      if (messages.length === 0) {
        throw plainError(status.NOT_FOUND, `trace_id: the last lines of the log have none of trace ${traceId}`);
      }
      return { messages: messages.map((line) => line.trimEnd()) };
    },
  } satisfies Handlers<typeof StatusServiceService>;
}

/** Handlers that {@link diagnostics} makes. */
export type Diagnostics = ReturnType<typeof diagnostics>;

function parsed(line: string): Record<string, unknown> {
  return JSON.parse(line);
}
