import { status } from "@grpc/grpc-js";
import type { DomainConnectionConfig } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { DomainConnectivityServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import {
  type ServiceAgreementVersion,
  sameAgreement,
  versionOfAgreement,
} from "@pulumi-canton/protocol/service-agreement.ts";
import { describeError, failedPrecondition, notFound, plainError } from "@pulumi-canton/runtime/errors.ts";
import { implement } from "@pulumi-canton/runtime/grpc-server.ts";
import type { DomainConnection } from "../domain/connection-config.ts";
import { InvalidConnection, parseConnection, sameConnection } from "../domain/connection-config.ts";
import type { ConnectionStore, RegisteredDomain } from "../domain/connection-store.ts";
import type { DomainConnector } from "../domain/domain-connector.ts";
import { aliasTaken, refusalError, unknownDomain } from "../domain/domain-errors.ts";
import type { DomainProbe } from "../domain/domain-probe.ts";

export interface DomainConnectivityOptions {
  /** Name of the node, for the metadata of errors. */
  readonly participant: string;
  readonly store: ConnectionStore;
  readonly connector: DomainConnector;
  readonly probe: Pick<DomainProbe, "agreement" | "handshake">;
  /** Throws when this replica may not change or use connections: passive, or without an identity. */
  readonly requireActive: () => void;
}

/** Registering domains and connecting to them, as published. */
export function domainConnectivityService(options: DomainConnectivityOptions) {
  const { participant, store, connector, probe, requireActive } = options;

  /** The terms that GetAgreement showed last: nobody accepts a text that has changed after it was read. */
  const shown = new Map<string, ServiceAgreementVersion>();

  const find = async (alias: string): Promise<RegisteredDomain> => {
    const registered = await store.find(alias);
    if (registered === undefined) throw unknownDomain(participant, alias);
    return registered;
  };

  /** What the domain says of itself and whether this participant fits it: everything before the participant speaks up. */
  const handshake = async (connection: DomainConnection, domainId: string | undefined, signal: AbortSignal) => {
    const answer = await probe.handshake(connection, domainId, signal);
    if ("refusal" in answer) throw refusalError(participant, connection.alias, answer.refusal);
    return answer;
  };

  return implement(DomainConnectivityServiceService, {
    registerDomain: async ({ add }, call) => {
      requireActive();
      const connection = parse(add);
      const present = await store.find(connection.alias);
      if (present !== undefined) {
        if (sameConnection(present.connection, connection)) return {};
        throw aliasTaken(participant, connection.alias);
      }
      // A connection that is to be made by itself must be one that can be made: it is shaken hands with before it is stored.
      const identity = connection.manualConnect ? undefined : await handshake(connection, undefined, call.signal);
      if (!(await store.add(connection))) {
        const raced = await find(connection.alias);
        if (!sameConnection(raced.connection, connection)) throw aliasTaken(participant, connection.alias);
      }
      if (identity !== undefined) await store.remember(connection.alias, identity.domainId, identity.parameters);
      return {};
    },

    modifyDomain: async ({ modify }) => {
      requireActive();
      const connection = parse(modify);
      if (!(await store.modify(connection))) throw unknownDomain(participant, connection.alias);
      return {};
    },

    listConfiguredDomains: async () => {
      const connected = new Set(connector.sessions().map(({ alias }) => alias));
      return {
        results: (await store.list()).map(({ connection }) => ({
          config: connection.wire,
          connected: connected.has(connection.alias),
        })),
      };
    },

    listConnectedDomains: async () => ({
      connectedDomains: connector.sessions().map(({ alias, session }) => ({
        domainAlias: alias,
        domainId: session.domainId,
        healthy: session.healthy(),
      })),
    }),

    connectDomain: async ({ domainAlias, retry }, call) => {
      requireActive();
      return { connectedSuccessfully: await connector.connect(domainAlias, { retry, signal: call.signal }) };
    },

    disconnectDomain: async ({ domainAlias }) => {
      requireActive();
      await connector.disconnect(domainAlias);
      return {};
    },

    reconnectDomains: async ({ ignoreFailures }, call) => {
      requireActive();
      await connector.reconnectAll({ ignoreFailures, signal: call.signal });
      return {};
    },

    getAgreement: async ({ domainAlias }, call) => {
      const { connection, acceptedAgreements } = await find(domainAlias);
      const answer = await probe.agreement(connection, call.signal);
      if ("refusal" in answer) throw refusalError(participant, domainAlias, answer.refusal);
      const { agreement, domainId } = answer;
      const version = agreement && versionOfAgreement(agreement);
      if (version !== undefined) shown.set(domainAlias, version);
      return {
        domainId,
        agreement: agreement === undefined ? undefined : { id: agreement.id, text: agreement.legalText },
        accepted: version !== undefined && acceptedAgreements.some((each) => sameAgreement(each, version)),
      };
    },

    acceptAgreement: async ({ domainAlias, agreementId }, call) => {
      requireActive();
      const { connection } = await find(domainAlias);
      const answer = await probe.agreement(connection, call.signal);
      if ("refusal" in answer) throw refusalError(participant, domainAlias, answer.refusal);
      if (answer.agreement?.id !== agreementId) {
        throw notFound(
          "SERVICE_AGREEMENT_UNKNOWN",
          `The domain Domain '${domainAlias}' has no service agreement '${agreementId}'; ${
            answer.agreement === undefined ? "it has none" : `its present one is '${answer.agreement.id}'`
          }.`,
          { metadata: { participant, domain: domainAlias } },
        );
      }
      const version = versionOfAgreement(answer.agreement);
      const read = shown.get(domainAlias);
      if (read !== undefined && !sameAgreement(read, version)) {
        throw failedPrecondition(
          "SERVICE_AGREEMENT_CHANGED",
          `The domain Domain '${domainAlias}' has changed its service agreement since it was read here: read it again with GetAgreement.`,
          { metadata: { participant, domain: domainAlias } },
        );
      }
      await store.acceptAgreement(domainAlias, version);
      return {};
    },

    getDomainId: async ({ domainAlias }, call) => {
      const { connection, domainId } = await find(domainAlias);
      if (domainId !== undefined) return { domainId };
      const answer = await probe.agreement(connection, call.signal);
      if ("refusal" in answer) throw refusalError(participant, domainAlias, answer.refusal);
      return { domainId: answer.domainId };
    },
  });
}

function parse(wire: DomainConnectionConfig | undefined): DomainConnection {
  if (wire === undefined) throw plainError(status.INVALID_ARGUMENT, "Empty request received");
  try {
    return parseConnection(wire);
  } catch (error) {
    if (error instanceof InvalidConnection) throw plainError(status.INVALID_ARGUMENT, describeError(error));
    throw error;
  }
}
