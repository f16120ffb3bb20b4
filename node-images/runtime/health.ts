/**
 * Health: which parts of a node work. Parts report; HTTP probes (`/health/live`, `/health/ready`, `/health/reachable`,
 * `/health/startup`) and grpc.health.v1.Health tell.
 *
 * - Live: the process is not beyond repair. A database that is away does not make it dead: a restart would not help.
 * - Ready: start-up is complete and no part has failed. A degraded part serves, so the node stays ready.
 * - Reachable: ready, or waiting for what comes through its APIs. A replica that stands by for another is not.
 * - Started: start-up is complete; stays so.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { HttpConfig } from "./config.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { PortInUseError } from "./port-in-use.ts";

/** How a part of a node is. */
export type ComponentState =
  | "ok"
  | { degraded: string }
  | { failed: string }
  /** It does nothing until somebody has set it to work, such as a node without an identity. */
  | { waiting: string };

/** A part of a node and how it is. */
export interface Component {
  name: string;
  state: "ok" | "degraded" | "failed" | "waiting" | "starting";
  /** Why it is not ok; empty when it is. */
  why: string;
  /** Since when. */
  since: Date;
}

/** The health of a node: a registry of its parts. */
export class Health {
  readonly #components = new Map<string, Component>();
  readonly #listeners = new Set<() => void>();
  readonly #logger: Logger | undefined;
  #started = false;
  #stopping = false;
  #fatal: string | undefined;

  /** @param logger gets a line for every change of state */
  constructor(logger?: Logger) {
    this.#logger = logger;
  }

  /** Names a part that will report; until it does the node is not ready. A part that has reported stays as it is. */
  register(name: string): void {
    if (!this.#components.has(name))
      this.#update({ name, state: "starting", why: "has not reported yet", since: new Date() });
  }

  /**
   * Reports how a part is. Reporting the same again changes nothing.
   *
   * @param name for example `storage` or `sequencer-client`
   */
  set(name: string, state: ComponentState): void {
    const [kind, why] = stateAndWhy(state);
    const before = this.#components.get(name);
    if (before?.state === kind && before.why === why) return;
    if (this.#logger !== undefined) {
      const line = { component: name, state: kind, ...(why === "" ? {} : { why }) };
      if (kind === "ok") this.#logger.info(line, "Component is ok");
      else this.#logger.warn(line, `Component is ${kind}`);
    }
    this.#update({ name, state: kind, why, since: before?.state === kind ? before.since : new Date() });
  }

  /** Forgets a part, for example a domain connection that was closed. */
  remove(name: string): void {
    if (this.#components.delete(name)) this.#changed();
  }

  /** Start-up is complete. */
  markStarted(): void {
    if (this.#started) return;
    this.#started = true;
    this.#changed();
  }

  /** The node is closing: not ready any more, still live. */
  markStopping(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#changed();
  }

  /** The process is beyond repair: not live any more. */
  markFatal(why: string): void {
    if (this.#fatal !== undefined) return;
    this.#fatal = why;
    this.#changed();
  }

  /** All parts, by name. */
  components(): Component[] {
    return [...this.#components.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** One part, or `undefined` when there is none of that name. */
  component(name: string): Component | undefined {
    return this.#components.get(name);
  }

  get live(): boolean {
    return this.#fatal === undefined;
  }

  get started(): boolean {
    return this.#started;
  }

  get ready(): boolean {
    return this.whyNotReady() === undefined;
  }

  /** Why the node is not ready, for people, or `undefined` when it is. */
  whyNotReady(): string | undefined {
    return this.#why(["failed", "starting", "waiting"]);
  }

  /** Why nobody is to call the node, or `undefined` when it is ready, or waits for such a call. */
  whyNotReachable(): string | undefined {
    return this.#why(["failed", "starting"]);
  }

  #why(states: readonly Component["state"][]): string | undefined {
    if (this.#fatal !== undefined) return this.#fatal;
    if (this.#stopping) return "the node is stopping";
    if (!this.#started) return "the node is starting";
    const failing = this.components().filter(({ state }) => states.includes(state));
    if (failing.length === 0) return undefined;
    return failing.map(({ name, why }) => `${name}: ${why}`).join("; ");
  }

  /** Calls back after every change; gives back the function that ends this. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #update(component: Component): void {
    this.#components.set(component.name, component);
    this.#changed();
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function stateAndWhy(state: ComponentState): [Component["state"], string] {
  if (state === "ok") return ["ok", ""];
  if ("degraded" in state) return ["degraded", state.degraded];
  return "failed" in state ? ["failed", state.failed] : ["waiting", state.waiting];
}

/** HTTP listeners that run. */
export interface RunningHttp {
  /** Port of the health probes; differs from the configured one when that is 0. */
  readonly healthPort: number;
  /** Port of `/metrics`; the same as `healthPort` when they share a listener. */
  readonly metricsPort: number | undefined;
  close(): Promise<void>;
}

type Route = (response: ServerResponse) => void | Promise<void>;

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}

function healthRoutes(health: Health): Record<string, Route> {
  const probe = (answer: () => string | undefined) => (response: ServerResponse) => {
    const why = answer();
    json(response, why === undefined ? 200 : 503, {
      status: why === undefined ? "ok" : "unavailable",
      ...(why === undefined ? {} : { why }),
      components: health.components(),
    });
  };
  return {
    "/health/live": probe(() => (health.live ? undefined : health.whyNotReady())),
    "/health/ready": probe(() => health.whyNotReady()),
    "/health/reachable": probe(() => health.whyNotReachable()),
    "/health/startup": probe(() => (health.started ? undefined : "the node is starting")),
  };
}

function metricsRoutes(metrics: Metrics): Record<string, Route> {
  return {
    "/metrics": async (response) => {
      const text = await metrics.registry.metrics();
      response.writeHead(200, { "content-type": metrics.registry.contentType });
      response.end(text);
    },
  };
}

function handle(routes: Record<string, Route>, logger: Logger) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) {
      json(response, 404, { error: `no such path; there are ${Object.keys(routes).join(", ")}` });
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      json(response, 405, { error: "only GET and HEAD are answered" });
      return;
    }
    (async () => await route(response))().catch((error: unknown) => {
      logger.error({ error, path }, "HTTP request failed");
      if (!response.headersSent) json(response, 500, { error: "internal error; the log has more" });
      else response.destroy();
    });
  };
}

function listen(server: Server, configKey: string, { address, port }: HttpConfig): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? new PortInUseError(`${configKey}.port`, address, port) : error);
    });
    server.listen({ host: address, port }, () => {
      server.removeAllListeners("error");
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/**
 * Serves the probes and the metrics.
 *
 * @param options.health.config where the probes are served
 * @param options.metrics where `/metrics` is served: the same listener when address and port are the same
 * @throws PortInUseError
 */
export async function startHttp(options: {
  health: Health;
  healthConfig: HttpConfig;
  metrics: Metrics;
  metricsConfig?: HttpConfig | undefined;
  logger: Logger;
}): Promise<RunningHttp> {
  const { health, healthConfig, metrics, metricsConfig, logger } = options;
  const shared =
    metricsConfig !== undefined &&
    metricsConfig.address === healthConfig.address &&
    metricsConfig.port === healthConfig.port;
  const servers: Server[] = [];
  const start = async (key: string, config: HttpConfig, routes: Record<string, Route>): Promise<number> => {
    const server = createServer({ requestTimeout: 10_000, maxHeaderSize: 8_192 }, handle(routes, logger));
    servers.push(server);
    return await listen(server, key, config);
  };
  const close = async (): Promise<void> => {
    await Promise.all(
      servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      ),
    );
  };
  try {
    const healthPort = await start("health", healthConfig, {
      ...healthRoutes(health),
      ...(shared ? metricsRoutes(metrics) : {}),
    });
    const metricsPort =
      metricsConfig === undefined
        ? undefined
        : shared
          ? healthPort
          : await start("metrics", metricsConfig, metricsRoutes(metrics));
    return { healthPort, metricsPort, close };
  } catch (error) {
    await close();
    throw error;
  }
}
