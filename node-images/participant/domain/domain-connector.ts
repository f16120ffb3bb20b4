import { abortableSleep, backoffDelays } from "@pulumi-canton/runtime/backoff.ts";
import { describeError } from "@pulumi-canton/runtime/errors.ts";
import type { Logger } from "@pulumi-canton/runtime/logger.ts";
import { ensureTrace } from "@pulumi-canton/runtime/trace.ts";
import type { ConnectionStore, RegisteredDomain } from "./connection-store.ts";
import { cancelled, describeRefusal, refusalError, unknownDomain } from "./domain-errors.ts";
import type { DomainAttempt, DomainSession } from "./domain-session.ts";
import type { Abilities, Refusal, State } from "./onboarding.ts";
import { retryable } from "./onboarding.ts";
import { runOnboarding } from "./onboarding-run.ts";
import { Serial } from "./serial.ts";

/** How a domain connection is doing, for status and logs. */
export type LinkState =
  | { readonly state: "idle" }
  | { readonly state: "connecting"; readonly phase: State["phase"] }
  | { readonly state: "connected"; readonly session: DomainSession }
  | { readonly state: "disconnected"; readonly reason: string };

interface Link {
  readonly alias: string;
  /** Connecting and disconnecting of one alias happen one after the other. */
  readonly serial: Serial;
  state: LinkState;
  session: DomainSession | undefined;
  /** Whether the operator wants it connected: then a connection that is lost is sought again. */
  wanted: boolean;
  /** The attempts that run by themselves, if any. */
  background: AbortController | undefined;
  /** The attempt that is running, if any. */
  attempt: AbortController | undefined;
}

export interface DomainConnectorOptions {
  /** Name of the node, for the metadata of errors. */
  readonly participant: string;
  readonly store: Pick<ConnectionStore, "find" | "list">;
  readonly abilities: Abilities;
  /** Makes what does the effects of one attempt. */
  readonly startAttempt: (registered: RegisteredDomain) => DomainAttempt;
  readonly logger: Logger;
}

/**
 * Connects this participant to its domains and keeps it connected. Each alias is independent of the others.
 *
 * A connection that was wanted and is lost for a reason that may pass (the domain is down, the participant was disabled)
 * is sought again with the delays of its configuration, until it is back or the operator disconnects.
 */
export class DomainConnector {
  readonly #options: DomainConnectorOptions;
  readonly #links = new Map<string, Link>();
  #stopped = false;

  constructor(options: DomainConnectorOptions) {
    this.#options = options;
  }

  /**
   * Connects; does nothing when connected and a sequencer answers.
   *
   * @param options.retry when the domain cannot be reached, keep trying in the background instead of failing
   * @returns true when connected, false when trying goes on in the background
   * @throws CantonError when the domain is unknown or the attempt was refused
   */
  async connect(alias: string, options: { readonly retry: boolean; readonly signal: AbortSignal }): Promise<boolean> {
    await this.#registered(alias);
    const link = this.#link(alias);
    link.background?.abort();
    return link.serial.run(async () => {
      if (link.session?.healthy()) return true;
      // One that hangs may be an outage or a refusal on its way: a new attempt gives the caller a definite answer.
      await this.#release(link);
      const refusal = await this.#attempt(link, options.signal);
      if (refusal === undefined) return true;
      const inBackground = options.retry && refusal.kind === "unreachable";
      if (inBackground) link.wanted = true;
      if (link.wanted && retryable(refusal)) this.#seek(link);
      if (inBackground) return false;
      throw refusalError(this.#options.participant, alias, refusal);
    });
  }

  /** Disconnects and stays disconnected; does nothing when not connected. Throws CantonError when the alias is unknown. */
  async disconnect(alias: string): Promise<void> {
    await this.#registered(alias);
    const link = this.#link(alias);
    link.wanted = false;
    link.background?.abort();
    link.attempt?.abort();
    await link.serial.run(async () => {
      if (link.session === undefined) return;
      link.state = { state: "disconnected", reason: "Disconnected from domain" };
      await this.#release(link);
      this.#options.logger.info({ domain: alias }, "Disconnected from the domain");
    });
  }

  /**
   * Connects every domain that is not to be connected by hand, those of higher priority first.
   *
   * @param options.ignoreFailures true: one that fails does not stop the others and is not reported
   * @throws CantonError of the first that fails
   */
  async reconnectAll(options: { readonly ignoreFailures: boolean; readonly signal: AbortSignal }): Promise<void> {
    for (const { connection } of await this.#automatic()) {
      try {
        await this.connect(connection.alias, { retry: options.ignoreFailures, signal: options.signal });
      } catch (error) {
        if (!options.ignoreFailures) throw error;
        this.#options.logger.warn({ domain: connection.alias, error: describeError(error) }, "Could not reconnect");
      }
    }
  }

  /** Starts connecting, in the background, every domain that is not to be connected by hand. */
  async startAutomatic(): Promise<void> {
    this.#stopped = false;
    for (const { connection } of await this.#automatic()) {
      const link = this.#link(connection.alias);
      link.wanted = true;
      if (link.session === undefined) this.#seek(link);
    }
  }

  /** Ends all connections and all attempts; for a node that shuts down or becomes passive. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const link of this.#links.values()) {
      link.background?.abort();
      link.attempt?.abort();
    }
    await Promise.all(
      [...this.#links.values()].map((link) =>
        link.serial.run(async () => {
          link.state = { state: "idle" };
          await this.#release(link);
        }),
      ),
    );
  }

  /** How the connection of an alias is doing. */
  state(alias: string): LinkState {
    return this.#links.get(alias)?.state ?? { state: "idle" };
  }

  /** How every connection that was ever tried is doing. */
  states(): ReadonlyMap<string, LinkState> {
    return new Map([...this.#links.values()].map((link) => [link.alias, link.state]));
  }

  /** The live connections, in the order in which they were first tried. */
  sessions(): { readonly alias: string; readonly session: DomainSession }[] {
    return [...this.#links.values()].flatMap(({ alias, session }) =>
      session === undefined ? [] : [{ alias, session }],
    );
  }

  /** The domains that are to be connected, and whether they are and a sequencer answers. */
  wanted(): { readonly alias: string; readonly healthy: boolean }[] {
    return [...this.#links.values()]
      .filter(({ wanted }) => wanted)
      .map(({ alias, session }) => ({ alias, healthy: session?.healthy() ?? false }));
  }

  #link(alias: string): Link {
    const present = this.#links.get(alias);
    if (present !== undefined) return present;
    const link: Link = {
      alias,
      serial: new Serial(),
      state: { state: "idle" },
      session: undefined,
      wanted: false,
      background: undefined,
      attempt: undefined,
    };
    this.#links.set(alias, link);
    return link;
  }

  async #registered(alias: string): Promise<RegisteredDomain> {
    const registered = await this.#options.store.find(alias);
    if (registered === undefined) throw unknownDomain(this.#options.participant, alias);
    return registered;
  }

  async #automatic(): Promise<RegisteredDomain[]> {
    const domains = await this.#options.store.list();
    return domains
      .filter(({ connection }) => !connection.manualConnect)
      .sort((a, b) => b.connection.priority - a.connection.priority);
  }

  /** Ends the link's session, if it has one. Runs inside the link's serial. */
  async #release(link: Link): Promise<void> {
    const session = link.session;
    link.session = undefined;
    await session?.close();
  }

  /** One attempt; undefined when it ended connected. Runs inside the link's serial. */
  async #attempt(link: Link, outer: AbortSignal): Promise<Refusal | undefined> {
    const { alias } = link;
    link.attempt = new AbortController();
    const signal = AbortSignal.any([outer, link.attempt.signal]);
    const registered = await this.#registered(alias);
    const attempt = this.#options.startAttempt(registered);
    const logger = this.#options.logger.child({ domain: alias });
    try {
      const remembered = {
        pinnedDomainId: registered.connection.pinnedDomainId,
        domainId: registered.domainId,
        acceptedAgreements: registered.acceptedAgreements,
        abilities: this.#options.abilities,
      };
      const onState = (state: State) => {
        link.state = { state: "connecting", phase: state.phase };
        logger.debug({ phase: state.phase }, "Onboarding");
      };
      const end = await runOnboarding(remembered, attempt.perform, { signal, onState });
      if (end.phase === "refused") {
        link.state = { state: "disconnected", reason: describeRefusal(end.refusal) };
        logger.warn({ phase: end.at, refusal: end.refusal }, "The domain was not connected");
        await attempt.abandon();
        return end.refusal;
      }
    } catch (error) {
      link.state = { state: "disconnected", reason: signal.aborted ? "Cancelled" : describeError(error) };
      await attempt.abandon();
      throw signal.aborted ? cancelled("Connecting to the domain was cancelled.") : error;
    } finally {
      link.attempt = undefined;
    }
    this.#connected(link, attempt.session());
    return undefined;
  }

  #connected(link: Link, session: DomainSession): void {
    const logger = this.#options.logger.child({ domain: link.alias, domainId: session.domainId });
    link.session = session;
    link.state = { state: "connected", session };
    link.wanted = true;
    logger.info("Connected to the domain");
    void session.ended.then(async (refusal) => {
      if (refusal === undefined || link.session !== session) return;
      link.session = undefined;
      link.state = { state: "disconnected", reason: describeRefusal(refusal) };
      logger.warn({ refusal }, "The connection to the domain was lost");
      await session.close();
      if (link.wanted && retryable(refusal)) this.#seek(link);
    });
  }

  /** Attempts in the background until one succeeds, is refused for good, or somebody else takes over. */
  #seek(link: Link): void {
    if (this.#stopped) return;
    link.background?.abort();
    const background = new AbortController();
    link.background = background;
    const { signal } = background;
    void ensureTrace(async () => {
      try {
        const registered = await this.#registered(link.alias);
        const { initialRetryDelayMs, maxRetryDelayMs } = registered.connection;
        const delays = backoffDelays({ initialDelayMs: initialRetryDelayMs, maxDelayMs: maxRetryDelayMs });
        for (;;) {
          const refusal = await link.serial.run(async () => {
            signal.throwIfAborted();
            return link.session === undefined ? this.#attempt(link, signal) : undefined;
          });
          if (refusal === undefined) return;
          if (!retryable(refusal)) {
            this.#options.logger.error(
              { domain: link.alias, refusal },
              "The domain cannot be connected until its registration or the domain is changed",
            );
            return;
          }
          await abortableSleep(delays.next().value, signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#options.logger.error({ domain: link.alias, error }, "Connecting to the domain in the background failed");
        // A fault of ours, or our database away: the reason may pass, so the search goes on after the longest delay.
        await abortableSleep(30_000, signal).then(
          () => this.#seek(link),
          () => undefined,
        );
      } finally {
        if (link.background === background) link.background = undefined;
      }
    });
  }
}
