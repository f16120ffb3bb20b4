/**
 * Logs: one JSON object a line on stdout, with the node's name and role and the trace id of the request, and without secrets.
 */
import pino from "pino";
import { currentTrace } from "./trace.ts";

/** A pino logger. Fields first, text second: `logger.info({ domain }, "Connected")`. */
export type Logger = pino.Logger;

/** Levels that `logging.level` accepts, from little to much. */
export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number];

const secretKey =
  /pass(word|phrase|wd)|secret|(auth|access|refresh|bearer)-?_?token|^token$|private-?_?key|authorization|cookie|credential/i;
/** Keys that match {@link secretKey} and yet hold names of things, not the things. */
const harmlessKey = /(file|id|name|fingerprint)$/i;
// Callers send much of what is searched: each takes time in proportion to the text, so none may begin anywhere within a word.
const secretText = [
  [/(\b\w+:\/\/[^\s/:@]*:)[^\s/@]+@/g, "$1[redacted]@"],
  [/-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g, "[redacted private key]"],
  [/\b(Bearer )[\w\-.~+/]+=*/gi, "$1[redacted]"],
  [/\b(password\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;"'}]+)/gi, "$1[redacted]"],
] as const;
const maxDepth = 8;

/** Takes out of a text what looks like a password in a URL, a private key, or a token. */
export function redactText(text: string): string {
  return secretText.reduce((kept, [pattern, replacement]) => kept.replace(pattern, replacement), text);
}

/**
 * A copy of a value that is fit for a log: fields named like secrets are replaced, bytes become their length, big integers
 * become text.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (depth >= maxDepth) return "[too deep]";
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return value;
  if (value instanceof Error) return describe(value, depth);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (value instanceof Map || value instanceof Set) return redact([...value], depth);
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const secret = secretKey.test(key) && !harmlessKey.test(key) && item !== undefined && item !== null;
    copy[key] = secret ? "[redacted]" : redact(item, depth + 1);
  }
  return copy;
}

function describe(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack, cause, ...own } = error as Error & Record<string, unknown>;
  return {
    type: error.constructor?.name ?? name,
    message: redactText(error.message),
    ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
    ...(redact(own, depth + 1) as Record<string, unknown>),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
  };
}

/** Where log lines go; each is a line with its newline. */
export interface LogDestination {
  write(line: string): void;
}

/** Standard output, written synchronously so that the last lines before a crash are there. */
export function standardOutput(): LogDestination {
  return pino.destination({ fd: 1, sync: true });
}

/**
 * Makes the logger of a process.
 *
 * @param options.node the node's name, on every line
 * @param options.role for example `sequencer`, on every line
 * @param options.level default `info`
 * @param options.destination default {@link standardOutput}
 */
export function createLogger(options: {
  node: string;
  role: string;
  level?: LogLevel;
  destination?: LogDestination;
}): Logger {
  const logger = pino(
    {
      level: options.level ?? "info",
      base: { node: options.node, role: options.role, pid: process.pid },
      messageKey: "message",
      errorKey: "error",
      timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
      mixin: () => {
        const trace = currentTrace();
        return trace === undefined ? {} : { "trace-id": trace.traceId, "span-id": trace.spanId };
      },
      // `formatters.log` sees every field; errors become objects there, so pino's own serialiser has nothing to do.
      serializers: { err: (error) => error, error: (error) => error },
      formatters: {
        level: (level) => ({ level }),
        log: (fields) => redact(fields) as Record<string, unknown>,
      },
      hooks: {
        logMethod(args, method) {
          const [given, ...rest] = args as unknown[];
          const first = given instanceof Error ? { error: given } : given;
          if (given instanceof Error && rest.length === 0) rest.push(given.message);
          const clean = (value: unknown) => (typeof value === "string" ? redactText(value) : value);
          method.apply(this, [clean(first), ...rest.map(clean)] as Parameters<typeof method>);
        },
      },
    },
    options.destination ?? standardOutput(),
  );
  // What a child has on every line goes past the formatters above. Children inherit this from the logger.
  const { child } = logger;
  logger.child = function (this: Logger, bindings: pino.Bindings, ...rest: never[]) {
    return child.call(this, redact(bindings) as pino.Bindings, ...rest);
  } as typeof child;
  return logger;
}

/** A logger that says nothing: for tests and for libraries used outside of a node. */
export const silentLogger: Logger = pino({ level: "silent" });
