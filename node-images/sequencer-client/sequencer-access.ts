/** How a member gets at a sequencer: with a token that it renews, or, before it is a member, without. */
import { status } from "@grpc/grpc-js";
import { encodeSignedContent } from "@pulumi-canton/protocol/envelope/signed-content.ts";
import type { VersionedSubscriptionResponse } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_service.ts";
import { authenticationContent, type ServiceAgreementVersion } from "@pulumi-canton/protocol/service-agreement.ts";
import { timestampFromProto } from "@pulumi-canton/protocol/timestamp.ts";
import { type CantonError, permissionDenied, plainError, unavailable } from "@pulumi-canton/runtime/errors.ts";
import { type CallMetadata, call, serverStream } from "@pulumi-canton/runtime/grpc-client.ts";
import type { SequencerConnection } from "./connection-set.ts";
import type { MemberSigner } from "./member-signer.ts";
import type { SendOutcome, WithOutcome } from "./sequencer-api.ts";

/** Protocol versions that this client speaks. */
export const clientProtocolVersions: readonly string[] = ["5"];

/** The published reasons for not sequencing a message. */
export interface SendRefusal {
  reason: string;
  text: string;
}

/** A sequencer's answer to a send: it was sequenced, or refused. */
export type SendAnswer = { outcome: SendOutcome } | { refusal: SendRefusal };

/** Deadline and cancellation of one call. */
export interface AccessOptions {
  signal: AbortSignal;
  deadlineMs: number;
}

/** The calls of one member to any of its sequencers. */
export interface SequencerAccess {
  readonly member: string;
  /** Sends a serialized submission request. */
  send(connection: SequencerConnection, request: Buffer, options: AccessOptions): Promise<SendAnswer>;
  /** Opens the stream of this member at a counter. */
  subscribe(
    connection: SequencerConnection,
    counter: bigint,
    signal: AbortSignal,
  ): AsyncIterable<VersionedSubscriptionResponse>;
  /** The sequencer did not accept the credentials (UNAUTHENTICATED): they are made anew for the next call. */
  rejected(connection: SequencerConnection): void;
}

interface WireSendResponse {
  error: { reason: { $case: string; value: string } | undefined } | undefined;
}

function answerOf(connection: SequencerConnection, response: WithOutcome<WireSendResponse>): SendAnswer {
  if (response.error !== undefined) {
    const { $case: reason = "unknown", value: text = "no reason given" } = response.error.reason ?? {};
    return { refusal: { reason, text } };
  }
  if (response.outcome !== undefined) return { outcome: response.outcome };
  throw plainError(status.INTERNAL, `${connection.url} did not say when the message was sequenced`);
}

/** Access without authentication, for onboarding: only to the domain manager and back. */
export class UnauthenticatedAccess implements SequencerAccess {
  readonly member: string;
  readonly #metadata: CallMetadata;

  constructor(member: string, domainId: string) {
    this.member = member;
    this.#metadata = { memberid: member, domainid: domainId };
  }

  async send(connection: SequencerConnection, submissionRequest: Buffer, options: AccessOptions): Promise<SendAnswer> {
    const response = await call(
      connection.sequencer,
      "sendAsyncUnauthenticatedVersioned",
      { submissionRequest },
      { ...options, metadata: this.#metadata },
    );
    return answerOf(connection, response);
  }

  subscribe(
    connection: SequencerConnection,
    counter: bigint,
    signal: AbortSignal,
  ): AsyncIterable<VersionedSubscriptionResponse> {
    const request = { member: this.member, counter };
    return serverStream(connection.sequencer, "subscribeUnauthenticatedVersioned", request, {
      signal,
      metadata: this.#metadata,
    }) as AsyncIterable<VersionedSubscriptionResponse>;
  }

  rejected(): void {}
}

interface Token {
  bytes: Buffer;
  /** On the clock of `performance.now()`: from then on a new one is fetched before the next call. */
  renewAt: number;
}

/** Access with a token, which is fetched by signing a challenge and fetched again before it expires. */
export class AuthenticatedAccess implements SequencerAccess {
  readonly member: string;
  readonly #domainId: string;
  readonly #signer: MemberSigner;
  readonly #accepted: ServiceAgreementVersion | undefined;
  readonly #tokens = new Map<SequencerConnection, Promise<Token>>();

  /** @param accepted the domain's terms of service that the member has accepted, if it has any */
  constructor(member: string, domainId: string, signer: MemberSigner, accepted?: ServiceAgreementVersion) {
    this.member = member;
    this.#domainId = domainId;
    this.#signer = signer;
    this.#accepted = accepted;
  }

  async send(connection: SequencerConnection, request: Buffer, options: AccessOptions): Promise<SendAnswer> {
    const signature = await this.#signer.sign("submission-request", request);
    const response = await call(
      connection.sequencer,
      "sendAsyncVersioned",
      { signedSubmissionRequest: encodeSignedContent({ content: request, signature }) },
      { ...options, metadata: await this.metadata(connection, options.signal) },
    );
    return answerOf(connection, response);
  }

  async *subscribe(
    connection: SequencerConnection,
    counter: bigint,
    signal: AbortSignal,
  ): AsyncIterable<VersionedSubscriptionResponse> {
    const metadata = await this.metadata(connection, signal);
    const request = { member: this.member, counter };
    const events = serverStream(connection.sequencer, "subscribeVersioned", request, { signal, metadata });
    yield* events as AsyncIterable<VersionedSubscriptionResponse>;
  }

  rejected(connection: SequencerConnection): void {
    this.#tokens.delete(connection);
  }

  /** What goes with every call. @throws CantonError SEQUENCER_AUTHENTICATION_REFUSED with the sequencer's reason */
  async metadata(connection: SequencerConnection, signal: AbortSignal): Promise<CallMetadata> {
    let token = this.#tokens.get(connection);
    if (
      token === undefined ||
      (await token.catch(() => undefined).then((t) => t === undefined || t.renewAt <= performance.now()))
    ) {
      // Calls that come meanwhile share the fetch. It is not bound to this call's signal for that reason.
      if (this.#tokens.get(connection) === token) {
        token = this.#authenticate(connection);
        this.#tokens.set(connection, token);
        const fetched = token;
        fetched.catch(() => {
          if (this.#tokens.get(connection) === fetched) this.#tokens.delete(connection);
        });
      } else token = this.#tokens.get(connection) ?? this.#authenticate(connection);
    }
    const { bytes } = await token;
    signal.throwIfAborted();
    return { memberid: this.member, domainid: this.#domainId, "authtoken-bin": bytes };
  }

  async #authenticate(connection: SequencerConnection): Promise<Token> {
    const deadline = { deadlineMs: 10_000 };
    const metadata = { memberid: this.member, domainid: this.#domainId };
    const challenge = await call(
      connection.authentication,
      "challenge",
      { member: this.member, memberProtocolVersions: [...clientProtocolVersions] },
      { ...deadline, metadata },
    );
    if (challenge.value?.$case !== "success") throw refused(connection, challenge.value?.value);
    const { nonce, fingerprints } = challenge.value.value;
    const content = authenticationContent(nonce, this.#domainId, this.#accepted);
    const signature = await this.#signer.sign("sequencer-authentication", content, fingerprints);
    const answer = await call(
      connection.authentication,
      "authenticate",
      { member: this.member, signature, nonce },
      { ...deadline, metadata },
    );
    if (answer.value?.$case !== "success") throw refused(connection, answer.value?.value);
    const { token, expiresAt } = answer.value.value;
    // Renewed when a fifth of its life is left. The clocks of two machines may differ, so a token that looks expired already is used all the same: the sequencer knows.
    const lifeMs = Number(timestampFromProto(expiresAt, "expires_at") / 1000n) - Date.now();
    return { bytes: token, renewAt: performance.now() + Math.max(lifeMs * 0.8, 1_000) };
  }
}

/** Why a sequencer does not let a member in, as the client reports it. */
export const authenticationRefused = "SEQUENCER_AUTHENTICATION_REFUSED";

function refused(connection: SequencerConnection, failure: { code: number; reason: string } | undefined): CantonError {
  const text = `${connection.url} refused the member: ${failure?.reason ?? "no reason given"}`;
  if (failure?.code === status.UNAVAILABLE) return unavailable("SEQUENCER_UNAVAILABLE", text);
  return permissionDenied(authenticationRefused, text);
}
