import type { StaticDomainParameters } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v1/sequencing.ts";
import { type ServiceAgreement, versionOfAgreement } from "@pulumi-canton/protocol/service-agreement.ts";
import { describeError, isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { SequencerConnect } from "@pulumi-canton/sequencer-client/sequencer-connect.ts";
import { abilities, staticParameters } from "./abilities.ts";
import type { DomainConnection } from "./connection-config.ts";
import type { ConnectionStore } from "./connection-store.ts";
import type { Effect, Event, Refusal } from "./onboarding.ts";
import { runHandshake } from "./onboarding-run.ts";

/** How long one sequencer has for one answer, in milliseconds. */
const ANSWER_DEADLINE_MS = 10_000;

/** The effects that only ask the sequencers what they say to everybody. */
export type PublicEffect = Extract<
  Effect,
  { do: "read-agreement" | "handshake" | "read-domain-id" | "read-parameters" | "verify-active" }
>;

type Answer<T> = T | { readonly refusal: Refusal };

/** Asks the sequencers of a domain what they tell everybody, before this participant is anybody there. */
export class DomainProbe {
  readonly #store: Pick<ConnectionStore, "aliasOf">;
  readonly #member: () => string;

  /** @param member this participant as a member, `PAR::…`; asked only once it is needed. */
  constructor(store: Pick<ConnectionStore, "aliasOf">, member: () => string) {
    this.#store = store;
    this.#member = member;
  }

  /** The id of the domain and its service agreement, if it has one. */
  async agreement(
    connection: DomainConnection,
    signal: AbortSignal,
  ): Promise<Answer<{ domainId: string; agreement: ServiceAgreement | undefined }>> {
    try {
      return await askAny(connection, signal, async (sequencer, options) => {
        const { domainId } = await sequencer.getDomainId(options);
        return { domainId, agreement: await sequencer.getServiceAgreement(options) };
      });
    } catch (error) {
      return { refusal: unreachable(error, signal) };
    }
  }

  /**
   * Everything that is checked about a domain before the participant makes itself known.
   *
   * @param storedDomainId the id that the domain had before, if it is known
   */
  async handshake(
    connection: DomainConnection,
    storedDomainId: string | undefined,
    signal: AbortSignal,
  ): Promise<Answer<{ domainId: string; parameters: StaticDomainParameters }>> {
    let parameters: StaticDomainParameters | undefined;
    const perform = async (effect: Effect): Promise<Event> => {
      // An agreement is accepted after the registration: it does not stand against registering.
      if (effect.do === "read-agreement") return { event: "agreement-read", agreement: undefined };
      return this.perform(connection, effect as PublicEffect, signal, (read) => {
        parameters = read;
      });
    };
    const remembered = {
      pinnedDomainId: connection.pinnedDomainId,
      domainId: storedDomainId,
      acceptedAgreements: [],
      abilities,
    };
    const end = await runHandshake(remembered, perform, signal);
    if (end.phase === "refused") return { refusal: end.refusal };
    if (parameters === undefined) throw new Error("the handshake ended without parameters");
    return { domainId: end.domainId, parameters };
  }

  /** Does one of the effects of an onboarding attempt. `onParameters` gets the parameters as they came, to store them. */
  async perform(
    connection: DomainConnection,
    effect: PublicEffect,
    signal: AbortSignal,
    onParameters: (parameters: StaticDomainParameters) => void,
  ): Promise<Event> {
    try {
      switch (effect.do) {
        case "read-agreement": {
          const agreement = await askAny(connection, signal, (sequencer, options) =>
            sequencer.getServiceAgreement(options),
          );
          return { event: "agreement-read", agreement: agreement && versionOfAgreement(agreement) };
        }
        case "handshake":
          try {
            await askAny(connection, signal, (sequencer, options) =>
              sequencer.handshake(effect.protocolVersions.map(String), options),
            );
            return { event: "handshake-answered", accepted: true, reason: "" };
          } catch (error) {
            if (!isCantonError(error) || error.reason !== "HANDSHAKE_FAILED") throw error;
            return { event: "handshake-answered", accepted: false, reason: error.message };
          }
        case "read-domain-id": {
          const domainId = await this.#domainId(connection, signal);
          const alias = await this.#store.aliasOf(domainId);
          return {
            event: "domain-id-read",
            domainId,
            otherAlias: alias === connection.alias ? undefined : alias,
          };
        }
        case "read-parameters": {
          const parameters = await askAny(connection, signal, (sequencer, options) =>
            sequencer.getDomainParameters(options),
          );
          onParameters(parameters);
          return { event: "parameters-read", parameters: staticParameters(parameters) };
        }
        case "verify-active": {
          const member = this.#member();
          const active = await askAny(connection, signal, (sequencer, options) =>
            sequencer.verifyActive(member, options),
          );
          return { event: "activity-verified", active };
        }
      }
    } catch (error) {
      if (error instanceof MixedDomains) return { event: "failed", refusal: error.refusal };
      return { event: "failed", refusal: unreachable(error, signal) };
    }
  }

  /** The domain id that all sequencers that answer agree on: a connection must not mix domains. */
  async #domainId(connection: DomainConnection, signal: AbortSignal): Promise<string> {
    const answers = await Promise.allSettled(
      connection.endpoints.map((_, index) =>
        askAny(
          { ...connection, endpoints: connection.endpoints.slice(index, index + 1) },
          signal,
          (sequencer, options) => sequencer.getDomainId(options),
        ),
      ),
    );
    const ids = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.domainId] : []));
    const first = ids[0];
    if (first === undefined) {
      throw new AggregateError(answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : [])));
    }
    const other = ids.find((id) => id !== first);
    if (other !== undefined) throw new MixedDomains(first, other);
    return first;
  }
}

/** The sequencers of one connection belong to different domains. */
class MixedDomains extends Error {
  readonly refusal: Refusal;

  constructor(first: string, other: string) {
    super(`the connections lead to different domains, ${first} and ${other}`);
    this.refusal = { kind: "domain-id-mismatch", expected: first, observed: other };
  }
}

/** Asks the endpoints in turn until one answers. A refusal that is an answer (not an outage) ends the search. */
async function askAny<T>(
  connection: Pick<DomainConnection, "endpoints">,
  signal: AbortSignal,
  ask: (sequencer: SequencerConnect, options: { deadlineMs: number; signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const failures: Error[] = [];
  for (const { url, trustCertificates } of connection.endpoints) {
    signal.throwIfAborted();
    const sequencer = new SequencerConnect(
      trustCertificates === undefined ? { url } : { url, tls: { ca: trustCertificates } },
    );
    try {
      return await ask(sequencer, { deadlineMs: ANSWER_DEADLINE_MS, signal });
    } catch (error) {
      if (isCantonError(error) && error.reason === "HANDSHAKE_FAILED") throw error;
      failures.push(new Error(`${url}: ${describeError(error)}`, { cause: error }));
    } finally {
      sequencer.close();
    }
  }
  throw new AggregateError(failures);
}

function unreachable(error: unknown, signal: AbortSignal): Refusal {
  signal.throwIfAborted();
  const tried = describeError(error);
  return {
    kind: "unreachable",
    reason: `${tried}. Is the sequencer running, is the address right, and does http or https fit?`,
  };
}
