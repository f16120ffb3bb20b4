/** The connection of a participant to a domain, through the participant's admin API. No Pulumi. */
import { readFileSync } from "node:fs";
import type { SequencerConnection } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connection.ts";
import {
  DomainConnectionConfig,
  DomainConnectivityServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { call, withClient } from "@pulumi-canton/runtime/grpc-client.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { callDeadlineMs, converge, tolerate } from "../convergence.ts";
import { question, termsOf } from "../terms-of-service/plan.ts";
import {
  type ConnectionState,
  type ConnectionStep,
  planConnection,
  planDisconnection,
  type SequencerAddress,
} from "./plan.ts";

export { messageOf } from "../convergence.ts";

/** How long connecting may take, in milliseconds: it includes the onboarding. */
const connectDeadlineMs = 60_000;

/** Which connection. */
export interface ConnectionTarget {
  /** Admin API of the participant. */
  readonly participant: Endpoint;
  /** The participant's own name for the domain. */
  readonly domainAlias: string;
}

/** A sequencer to connect to. */
export interface SequencerToDial {
  /** Name of the connection, unique among those of the domain. */
  readonly alias: string;
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  /** PEM file of the authorities to trust for `https`; the machine's own when absent. */
  readonly caFile?: string;
  /** The same as a text. */
  readonly ca?: string;
}

/** What to connect to. */
export interface ConnectionWanted {
  readonly sequencers: readonly SequencerToDial[];
  /** The domain's id that is insisted on. */
  readonly domainId: string;
}

/** The domain did not let the participant in: it is not on the allow-list, or barred. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** What the participant says of the domain. */
export async function observeConnection(target: ConnectionTarget): Promise<ConnectionState> {
  return withClient(DomainConnectivityServiceClient, target.participant, async (client) => {
    const { results } = await call(client, "listConfiguredDomains", {}, { deadlineMs: callDeadlineMs });
    const found = results.find(({ config }) => config?.domainAlias === target.domainAlias);
    if (found?.config === undefined) return { registration: undefined, connected: false };
    const { sequencerConnections, domainId, manualConnect } = found.config;
    const sequencers = sequencerConnections.flatMap(fromWire);
    return { registration: { sequencers, domainId, automatic: !manualConnect }, connected: found.connected };
  });
}

/**
 * Registers and connects, whatever the state is.
 *
 * @throws Refused when the domain does not let the participant in
 * @throws CantonError for another refusal, Error when it is not reached in time
 */
export async function convergeConnection(target: ConnectionTarget, wanted: ConnectionWanted): Promise<void> {
  const sequencers = addressesOf(wanted.sequencers);
  await converge({
    what: `the connection of the participant at ${target.participant.url} to ${target.domainAlias}`,
    observe: () => observeConnection(target),
    plan: (state) => planConnection({ sequencers, domainId: wanted.domainId }, state),
    apply: (step) => applyStep(target, { ...wanted, sequencers }, step),
  });
}

/** Tells the participant of the domain without connecting it: for what is to be settled before. */
export async function registerByHand(target: ConnectionTarget, wanted: ConnectionWanted): Promise<void> {
  await applyStep(target, { ...wanted, sequencers: addressesOf(wanted.sequencers) }, { do: "register" });
}

/** The authorities to trust, PEM; undefined for the machine's own. */
export function trustOf({ ca, caFile }: SequencerToDial): string | undefined {
  return ca ?? (caFile === undefined ? undefined : readFileSync(caFile, "utf8"));
}

function addressesOf(sequencers: readonly SequencerToDial[]): SequencerAddress[] {
  return sequencers.map((sequencer) => {
    const { alias, url } = sequencer;
    const trust = trustOf(sequencer);
    return { alias, url, ...(trust !== undefined && { trust }) };
  });
}

/** Disconnects, and sees to it that the participant does not connect again by itself. */
export async function convergeDisconnection(target: ConnectionTarget): Promise<void> {
  await converge({
    what: `the end of the connection of the participant at ${target.participant.url} to ${target.domainAlias}`,
    observe: () => observeConnection(target),
    plan: planDisconnection,
    apply: async (step) => {
      const { registration } = await observeConnection(target);
      if (registration) await applyStep(target, registration, step);
    },
  });
}

type Dialled = {
  readonly sequencers: readonly SequencerAddress[];
  readonly domainId: string;
};

async function applyStep(target: ConnectionTarget, wanted: Dialled, step: ConnectionStep): Promise<void> {
  const { domainAlias } = target;
  const deadline = { deadlineMs: callDeadlineMs };
  await withClient(DomainConnectivityServiceClient, target.participant, async (client) => {
    switch (step.do) {
      case "register":
        await call(client, "registerDomain", { add: configOf(domainAlias, wanted, false) }, deadline);
        return;
      case "modify":
        await call(client, "modifyDomain", { modify: configOf(domainAlias, wanted, step.automatic) }, deadline);
        return;
      case "disconnect":
        await tolerate(["SYNC_SERVICE_UNKNOWN_DOMAIN", "SYNC_SERVICE_DOMAIN_IS_NOT_CONNECTED"], () =>
          call(client, "disconnectDomain", { domainAlias }, deadline),
        );
        return;
      case "agree": {
        // The node itself waits up to half a minute for a domain that it cannot reach.
        const { agreement, accepted } = await call(
          client,
          "getAgreement",
          { domainAlias },
          { deadlineMs: connectDeadlineMs },
        );
        if (agreement === undefined || accepted) return;
        // A person confirms terms, by id and text: see TermsOfService.
        throw new Error(question(domainAlias, undefined, termsOf(agreement)));
      }
      case "connect":
        try {
          await call(client, "connectDomain", { domainAlias, retry: false }, { deadlineMs: connectDeadlineMs });
        } catch (error) {
          if (!isCantonError(error)) throw error;
          if (error.reason === "PARTICIPANT_IS_NOT_ACTIVE") throw new Refused(error.message);
          const [, known] = /^DomainIdAlreadyAdded\(.*,Domain '(.*)'\)$/.exec(error.metadata["reason"] ?? "") ?? [];
          if (known === undefined) throw error;
          throw new Error(
            `it joined ${wanted.domainId} as "${known}", which stays its name for it; expected "${known}"`,
          );
        }
    }
  });
}

function configOf(domainAlias: string, wanted: Dialled, automatic: boolean): DomainConnectionConfig {
  return DomainConnectionConfig.fromPartial({
    domainAlias,
    sequencerConnections: wanted.sequencers.map(toWire),
    manualConnect: !automatic,
    domainId: wanted.domainId,
    sequencerTrustThreshold: 1,
  });
}

function toWire({ alias, url, trust }: SequencerAddress): SequencerConnection {
  return {
    type: {
      $case: "grpc",
      value: {
        connections: url.split(","),
        transportSecurity: url.startsWith("https:"),
        customTrustCertificates: trust === undefined ? undefined : Buffer.from(trust),
      },
    },
    alias,
  };
}

function fromWire({ alias, type }: SequencerConnection): SequencerAddress[] {
  if (type === undefined) return [];
  const { connections, customTrustCertificates } = type.value;
  const trust = customTrustCertificates?.toString("utf8");
  return [{ alias, url: connections.join(","), ...(trust && { trust }) }];
}
