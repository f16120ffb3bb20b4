import { DomainConnectionConfig as WireConfig } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import type { Duration } from "@pulumi-canton/protocol/gen/google/protobuf/duration.ts";
import { checkUniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";

/** Longest domain alias that is accepted, in characters (as published). */
export const MAX_ALIAS_LENGTH = 185;
/** First delay between two attempts to reach a domain, when the connection does not say, in milliseconds. */
export const DEFAULT_INITIAL_RETRY_DELAY_MS = 200;
/** Longest delay between two attempts to reach a domain, when the connection does not say, in milliseconds. */
export const DEFAULT_MAX_RETRY_DELAY_MS = 30_000;

/** One place where a sequencer of the domain can be reached. */
export interface SequencerEndpoint {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  /** PEM certificates trusted instead of the default roots; only with `https`. */
  readonly trustCertificates: Buffer | undefined;
}

/** What the operator said about a domain, checked. */
export interface DomainConnection {
  /** The name that this participant uses for the domain. */
  readonly alias: string;
  /** Every endpoint of every sequencer, in the order given: the order in which they are tried. Never empty. */
  readonly endpoints: readonly SequencerEndpoint[];
  /** true: connects only when asked; false: also connects by itself when the node starts. */
  readonly manualConnect: boolean;
  /** The domain id that the domain must report, when the operator pinned one. */
  readonly pinnedDomainId: string | undefined;
  /** Higher is preferred where a choice between domains is possible. */
  readonly priority: number;
  readonly initialRetryDelayMs: number;
  readonly maxRetryDelayMs: number;
  /** The message as received: answered by ListConfiguredDomains. */
  readonly wire: WireConfig;
}

/** A connection that cannot be used: `message` names the field and what is accepted. */
export class InvalidConnection extends Error {}

/** Checks a connection as it arrives in RegisterDomain and ModifyDomain. Throws {@link InvalidConnection}. */
export function parseConnection(wire: WireConfig): DomainConnection {
  if (wire.domainAlias.length > MAX_ALIAS_LENGTH) {
    throw new InvalidConnection(
      `ValueConversionError(domain_alias,The alias has ${wire.domainAlias.length} characters; at most ${MAX_ALIAS_LENGTH} are accepted.)`,
    );
  }
  if (wire.sequencerConnections.length === 0) {
    throw new InvalidConnection("FieldNotSet(Sequence sequencer_connections not set or empty)");
  }
  const endpoints = wire.sequencerConnections.flatMap((connection) => {
    if (connection.type === undefined) throw new InvalidConnection("FieldNotSet(SequencerConnection.type)");
    const { connections, customTrustCertificates } = connection.type.value;
    if (connections.length === 0) {
      throw new InvalidConnection("FieldNotSet(Sequence connections not set or empty)");
    }
    return connections.map((text) => endpoint(text, customTrustCertificates));
  });
  if (new Set(endpoints.map((each) => new URL(each.url).protocol)).size > 1) {
    throw new InvalidConnection(
      "ValueConversionError(connections,http and https cannot be mixed in the connections of one domain.)",
    );
  }
  if (wire.sequencerTrustThreshold > 1) {
    throw new InvalidConnection(
      `ValueConversionError(sequencerTrustThreshold,${wire.sequencerTrustThreshold} is not supported: this participant reads from one sequencer at a time. Accepted: 1.)`,
    );
  }
  const pinnedDomainId = wire.domainId === "" ? undefined : wire.domainId;
  if (pinnedDomainId !== undefined) checkDomainId(pinnedDomainId);
  const initialRetryDelayMs = durationMs("initialRetryDelay", wire.initialRetryDelay) ?? DEFAULT_INITIAL_RETRY_DELAY_MS;
  const maxRetryDelayMs =
    durationMs("maxRetryDelay", wire.maxRetryDelay) ?? Math.max(DEFAULT_MAX_RETRY_DELAY_MS, initialRetryDelayMs);
  if (maxRetryDelayMs < initialRetryDelayMs) {
    throw new InvalidConnection(
      `ValueConversionError(maxRetryDelay,${maxRetryDelayMs} ms is less than initialRetryDelay (${initialRetryDelayMs} ms).)`,
    );
  }
  return {
    alias: wire.domainAlias,
    endpoints,
    manualConnect: wire.manualConnect,
    pinnedDomainId,
    priority: wire.priority,
    initialRetryDelayMs,
    maxRetryDelayMs,
    wire,
  };
}

/** Two connections are the same when everything the operator can say is the same; registering one twice changes nothing. */
export function sameConnection(a: DomainConnection, b: DomainConnection): boolean {
  return encodeConnection(a).equals(encodeConnection(b));
}

/** The bytes kept in the database for a connection. */
export function encodeConnection(connection: DomainConnection): Buffer {
  return Buffer.from(WireConfig.encode(connection.wire).finish());
}

/** Reads back what {@link encodeConnection} wrote. */
export function decodeConnection(bytes: Buffer): DomainConnection {
  return parseConnection(WireConfig.decode(bytes));
}

function endpoint(text: string, trustCertificates: Buffer | undefined): SequencerEndpoint {
  const refuse = (why: string): never => {
    throw new InvalidConnection(
      `ValueConversionError(connections,${why} in \`${text}\`. Accepted: http://host:port or https://host:port.)`,
    );
  };
  if (!/^https?:\/\//.test(text)) refuse("Missing scheme");
  if (!URL.canParse(text)) refuse("Not a URL");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    refuse("Only host and port are allowed");
  }
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return {
    url: `${url.protocol}//${url.hostname}:${port}`,
    trustCertificates: url.protocol === "https:" ? trustCertificates : undefined,
  };
}

function checkDomainId(text: string): void {
  try {
    checkUniqueIdentifier(text, "domain_id");
  } catch (error) {
    if (error instanceof ProtocolError) throw new InvalidConnection(error.reason);
    throw error;
  }
}

function durationMs(field: string, duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const ms = Number(duration.seconds) * 1000 + duration.nanos / 1_000_000;
  if (!(ms > 0) || ms > 24 * 3600 * 1000) {
    throw new InvalidConnection(
      `ValueConversionError(${field},${ms} ms is not accepted: more than 0 and at most 24 hours.)`,
    );
  }
  return ms;
}
