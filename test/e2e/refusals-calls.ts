/** Calls that a well-meaning client would not make. */
import { ChannelCredentials, Client, type ServiceError } from "@grpc/grpc-js";
import type { TestParticipant } from "@pulumi-canton/domain-manager/testing/test-participant.ts";
import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import { encodeSignedContent } from "@pulumi-canton/protocol/envelope/signed-content.ts";
import { encodeSubmissionRequest } from "@pulumi-canton/protocol/envelope/submission-request.ts";
import { SequencerAuthenticationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_authentication_service.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { SequencerApiClient } from "@pulumi-canton/sequencer-client/sequencer-api.ts";

const deadlineMs = 10_000;

/** How a call ended: gRPC's status code and its text; 0 when it was answered. */
export interface Ending {
  readonly code: number;
  readonly details: string;
}

/**
 * Sends bytes to a method, whatever they are, one call after the other on one connection.
 *
 * @param url `http://host:port`
 * @param path `/package.Service/Method`
 */
export async function sendBytes(url: string, path: string, messages: readonly Buffer[]): Promise<Ending[]> {
  const client = new Client(new URL(url).host, ChannelCredentials.createInsecure(), {
    "grpc.max_send_message_length": -1,
  });
  const same = (bytes: Buffer) => bytes;
  const send = (bytes: Buffer) =>
    new Promise<Ending>((resolve) => {
      const answered = (error: ServiceError | null) =>
        resolve(error === null ? { code: 0, details: "" } : { code: error.code, details: error.details });
      client.makeUnaryRequest(path, same, same, bytes, { deadline: Date.now() + deadlineMs }, answered);
    });
  try {
    const endings: Ending[] = [];
    for (const message of messages) endings.push(await send(message));
    return endings;
  } finally {
    client.close();
  }
}

/** Who calls, as the metadata of a call tells it. */
export interface Claim {
  readonly member: string;
  readonly domainId: string;
  readonly token?: Buffer;
}

/** One sequencer's public API, without a client that would keep one from mistakes. */
export class BareSequencer implements Disposable {
  readonly #authentication: SequencerAuthenticationServiceClient;
  readonly #sequencer: InstanceType<typeof SequencerApiClient>;

  /** @param url `http://host:port` */
  constructor(url: string) {
    this.#authentication = connect(SequencerAuthenticationServiceClient, { url });
    this.#sequencer = connect(SequencerApiClient, { url });
  }

  /** Asks for a challenge: the published answer, success or failure. */
  async challenge(member: string, memberProtocolVersions = ["5"]) {
    return (await call(this.#authentication, "challenge", { member, memberProtocolVersions }, { deadlineMs })).value;
  }

  /** A nonce for a member that gets one. */
  async nonce(member: string): Promise<Buffer> {
    const value = await this.challenge(member);
    if (value?.$case !== "success") throw new Error(`no challenge: ${value?.value.reason}`);
    return value.value.nonce;
  }

  /**
   * Answers a challenge: the published answer, success or failure.
   *
   * @param by whose key signs
   * @param domainId what is signed besides the nonce
   */
  async authenticate(member: string, nonce: Buffer, by: TestParticipant, domainId: string) {
    const signature = sign(by.key, "sequencer-authentication", Buffer.concat([nonce, Buffer.from(domainId)]));
    return (await call(this.#authentication, "authenticate", { member, nonce, signature }, { deadlineMs })).value;
  }

  /** A token, got as one should. */
  async token(member: TestParticipant, domainId: string): Promise<Buffer> {
    const value = await this.authenticate(member.member, await this.nonce(member.member), member, domainId);
    if (value?.$case !== "success") throw new Error(`no token: ${value?.value.reason}`);
    return value.value.token;
  }

  /**
   * Sends a message without recipients. The answer is the published one: undefined, or why it was refused.
   *
   * @param sender who the message says that it is from
   * @param by whose key signs it
   * @throws CantonError when the call itself is refused
   */
  async send(claim: Claim, sender: string, by: TestParticipant, messageId: string) {
    const content = encodeSubmissionRequest({
      sender,
      messageId,
      isRequest: false,
      envelopes: [],
      maxSequencingTime: BigInt(Date.now() + 60_000) * 1000n,
    });
    const signature = sign(by.key, "submission-request", content);
    const response = await call(
      this.#sequencer,
      "sendAsyncVersioned",
      { signedSubmissionRequest: encodeSignedContent({ content, signature }) },
      {
        deadlineMs,
        metadata: {
          memberid: claim.member,
          domainid: claim.domainId,
          ...(claim.token && { "authtoken-bin": claim.token }),
        },
      },
    );
    return response.error?.reason;
  }

  [Symbol.dispose](): void {
    this.#authentication.close();
    this.#sequencer.close();
  }
}
