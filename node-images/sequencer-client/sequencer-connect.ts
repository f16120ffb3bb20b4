/** The questions that can be asked of a sequencer before being a member of its domain. */
import { status } from "@grpc/grpc-js";
import { SequencerConnectServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connect_service.ts";
import type { StaticDomainParameters } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v1/sequencing.ts";
import type { ServiceAgreement } from "@pulumi-canton/protocol/service-agreement.ts";
import { describeError, failedPrecondition, plainError, unavailable } from "@pulumi-canton/runtime/errors.ts";
import { type CallMetadata, call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import type { SequencerEndpoint } from "./sequencer-endpoint.ts";

/** Options of a single call. */
export interface ConnectCallOptions {
  /** Milliseconds, default 10000. */
  deadlineMs?: number;
  signal?: AbortSignal;
}

/** What a sequencer says of itself and its domain. */
export interface SequencerInfo {
  domainId: string;
  /** `SEQ::…` */
  sequencerId: string;
  protocolVersion: string;
  staticDomainParameters: StaticDomainParameters;
}

/** Client of one sequencer's connect service; needs no authentication. */
export class SequencerConnect {
  readonly #client: SequencerConnectServiceClient;

  /** @throws CantonError or ConfigError when the URL or a TLS file cannot be used. Nothing is sent yet. */
  constructor({ url, tls }: SequencerEndpoint) {
    this.#client = connect(SequencerConnectServiceClient, tls === undefined ? { url } : { url, tls });
  }

  /**
   * Agrees on a protocol version.
   *
   * @param clientProtocolVersions those that the caller speaks, for example `["5"]`
   * @returns the version to speak
   * @throws CantonError HANDSHAKE_FAILED with the sequencer's reason when there is none in common
   */
  async handshake(clientProtocolVersions: readonly string[], options: ConnectCallOptions = {}): Promise<string> {
    const request = { clientProtocolVersions: [...clientProtocolVersions], minimumProtocolVersion: undefined };
    const { serverProtocolVersion, value } = await call(this.#client, "handshake", request, withDeadline(options));
    if (value?.$case === "success") return serverProtocolVersion;
    throw failedPrecondition("HANDSHAKE_FAILED", value?.value.reason ?? "the sequencer gave no reason", {
      metadata: { serverProtocolVersion, clientProtocolVersions: clientProtocolVersions.join(", ") },
    });
  }

  /** The domain and the sequencer's own member id. */
  async getDomainId(options: ConnectCallOptions = {}): Promise<{ domainId: string; sequencerId: string }> {
    const { domainId, sequencerId } = await call(this.#client, "getDomainId", {}, withDeadline(options));
    return { domainId, sequencerId };
  }

  /** The domain's static parameters. */
  async getDomainParameters(options: ConnectCallOptions = {}): Promise<StaticDomainParameters> {
    const { parameters } = await call(this.#client, "getDomainParameters", {}, withDeadline(options));
    if (parameters?.$case === "parametersV1") return parameters.value;
    throw plainError(status.INTERNAL, "the sequencer did not answer its parameters in version 1 of their format");
  }

  /** True when the member is active on the domain, as this sequencer knows it now. */
  async verifyActive(member: string, options: ConnectCallOptions = {}): Promise<boolean> {
    const { value } = await call(this.#client, "verifyActive", {}, withDeadline(options, { memberid: member }));
    if (value?.$case === "success") return value.value.isActive;
    throw failedPrecondition("VERIFY_ACTIVE_FAILED", value?.value.reason ?? "the sequencer gave no reason");
  }

  /** The terms that must be accepted, if the domain has any. */
  async getServiceAgreement(options: ConnectCallOptions = {}): Promise<ServiceAgreement | undefined> {
    const { agreement } = await call(this.#client, "getServiceAgreement", {}, withDeadline(options));
    return agreement;
  }

  close(): void {
    this.#client.close();
  }
}

/**
 * Asks the sequencers in turn until one answers.
 *
 * @throws CantonError HANDSHAKE_FAILED when there is no protocol version in common; UNAVAILABLE with every endpoint's reason when none answers
 */
export async function describeDomain(
  endpoints: readonly SequencerEndpoint[],
  clientProtocolVersions: readonly string[],
  options: ConnectCallOptions = {},
): Promise<SequencerInfo> {
  const failures: string[] = [];
  for (const endpoint of endpoints) {
    const sequencer = new SequencerConnect(endpoint);
    try {
      const protocolVersion = await sequencer.handshake(clientProtocolVersions, options);
      const staticDomainParameters = await sequencer.getDomainParameters(options);
      return { ...(await sequencer.getDomainId(options)), protocolVersion, staticDomainParameters };
    } catch (error) {
      options.signal?.throwIfAborted();
      if ((error as { reason?: string }).reason === "HANDSHAKE_FAILED") throw error;
      failures.push(`${endpoint.url}: ${describeError(error)}`);
    } finally {
      sequencer.close();
    }
  }
  throw unavailable("SEQUENCERS_UNREACHABLE", `no sequencer answers: ${failures.join("; ") || "none was given"}`);
}

function withDeadline({ deadlineMs = 10_000, signal }: ConnectCallOptions, metadata?: CallMetadata) {
  return { deadlineMs, signal, metadata };
}
