/** `domain.api.v0.SequencerService`: sending, subscribing and acknowledging. */
import type { Metadata } from "@grpc/grpc-js";
import { verifyWithAny } from "@pulumi-canton/protocol/crypto/signature.ts";
import {
  decodeSignedContent,
  encodeSignedContent,
  type SignedContent,
  signedContentFromProto,
  signedContentToProto,
} from "@pulumi-canton/protocol/envelope/signed-content.ts";
import {
  decodeSubmissionRequest,
  type SubmissionRequest,
  submissionRequestFromProto,
} from "@pulumi-canton/protocol/envelope/submission-request.ts";
import {
  AcknowledgeRequest,
  type SubscriptionRequest,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_service.ts";
import type { TraceContext } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/v0/trace_context.ts";
import type { MemberId } from "@pulumi-canton/protocol/identity/member.ts";
import { decodeMessage, ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { timestampFromProto } from "@pulumi-canton/protocol/timestamp.ts";
import { unwrapVersioned } from "@pulumi-canton/protocol/versioned-message.ts";
import { invalidArgument, outOfRange, permissionDenied, unavailable } from "@pulumi-canton/runtime/errors.ts";
import { type CallContext, type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { type SendOutcome, sequencerService } from "@pulumi-canton/sequencer-client/sequencer-api.ts";
import { serializedFor } from "../backend/event-reader.ts";
import type { ServingSequencer } from "../serving-sequencer.ts";
import type { Session } from "./authenticator.ts";
import {
  checkSubmissionSignature,
  readingSubmission,
  SendRefusal,
  type SendRefusalReason,
  submit,
} from "./submission.ts";

interface SendResponse {
  error: { reason: { $case: SendRefusalReason; value: string } } | undefined;
  outcome?: SendOutcome;
}

/** An event on its way: signed content and the trace of its submission. */
interface Delivery {
  signed: SignedContent;
  traceContext: TraceContext | undefined;
}

/** @param serving the sequencer; throws while there is no domain to serve */
export function sequencerApiService(serving: () => ServingSequencer): GrpcService {
  const answer = async (send: () => Promise<SendOutcome>): Promise<SendResponse> => {
    try {
      return { error: undefined, outcome: await send() };
    } catch (error) {
      if (!(error instanceof SendRefusal)) throw error;
      return { error: { reason: { $case: error.reason, value: error.message } } };
    }
  };
  const traceOf = (metadata: Metadata): string | undefined => {
    const header = metadata.get("traceparent")[0];
    return typeof header === "string" && header.length <= 128 ? header : undefined;
  };

  const sendSigned = (read: () => SignedContent, call: CallContext): Promise<SendResponse> => {
    const sequencer = serving();
    const { member } = sequencer.authenticator.sessionOf(call.metadata);
    return answer(async () => {
      const signed = readingSubmission(read);
      await checkSubmissionSignature(sequencer, member, signed);
      const request = readingSubmission(() =>
        decodeSubmissionRequest(signed.content, sequencer.topology.maxRequestSize),
      );
      return await submit(sequencer, member, request, traceOf(call.metadata));
    });
  };
  const sendUnsigned = (
    memberOf: (sequencer: ServingSequencer) => MemberId,
    read: (maxSize: number) => SubmissionRequest,
    call: CallContext,
  ): Promise<SendResponse> => {
    const sequencer = serving();
    const member = memberOf(sequencer);
    return answer(async () => {
      const request = readingSubmission(() => read(sequencer.topology.maxRequestSize));
      return await submit(sequencer, member, request, traceOf(call.metadata));
    });
  };
  const authenticated = (call: CallContext) => (sequencer: ServingSequencer) =>
    sequencer.authenticator.sessionOf(call.metadata).member;
  const unauthenticated = (call: CallContext) => (sequencer: ServingSequencer) =>
    sequencer.authenticator.unauthenticatedMember(call.metadata);

  const subscribe = (request: SubscriptionRequest, call: CallContext): AsyncGenerator<Delivery> => {
    const sequencer = serving();
    const session = sequencer.authenticator.sessionOf(call.metadata);
    return deliveries(sequencer, session.member, session, request, call.signal);
  };
  const subscribeUnauthenticated = (request: SubscriptionRequest, call: CallContext): AsyncGenerator<Delivery> => {
    const sequencer = serving();
    const member = sequencer.authenticator.unauthenticatedMember(call.metadata);
    return deliveries(sequencer, member, undefined, request, call.signal);
  };

  const acknowledge = async (request: AcknowledgeRequest, session: Session): Promise<Record<string, never>> => {
    const { members } = serving().backend;
    checkOwn(request.member, session.member);
    const timestamp = readingArgument(() => timestampFromProto(request.timestamp, "timestamp"));
    await members.acknowledge(session.member, timestamp);
    return {};
  };

  return implement(sequencerService, {
    sendAsync: (request, call) =>
      sendUnsigned(authenticated(call), (maxSize) => submissionRequestFromProto(request, maxSize), call),
    sendAsyncSigned: (request, call) => sendSigned(() => signedContentFromProto(request), call),
    sendAsyncVersioned: ({ signedSubmissionRequest }, call) =>
      sendSigned(() => decodeSignedContent(signedSubmissionRequest), call),
    sendAsyncUnauthenticated: (request, call) =>
      sendUnsigned(unauthenticated(call), (maxSize) => submissionRequestFromProto(request, maxSize), call),
    sendAsyncUnauthenticatedVersioned: ({ submissionRequest }, call) =>
      sendUnsigned(unauthenticated(call), (maxSize) => decodeSubmissionRequest(submissionRequest, maxSize), call),

    subscribe: (request, call) => unversioned(subscribe(request, call)),
    subscribeVersioned: (request, call) => versioned(subscribe(request, call)),
    subscribeUnauthenticated: (request, call) => unversioned(subscribeUnauthenticated(request, call)),
    subscribeUnauthenticatedVersioned: (request, call) => versioned(subscribeUnauthenticated(request, call)),

    acknowledge: async (request, call) => acknowledge(request, serving().authenticator.sessionOf(call.metadata)),
    acknowledgeSigned: async (request, call) => {
      const { authenticator, topology } = serving();
      const session = authenticator.sessionOf(call.metadata);
      const { content, signature } = readingArgument(() => signedContentFromProto(request));
      if (!verifyWithAny(topology.signingKeys(session.member), "acknowledgement", content, signature)) {
        throw invalidArgument("INVALID_SIGNATURE", `the acknowledgement is not signed with a key of ${session.member}`);
      }
      const decoded = readingArgument(() =>
        decodeMessage(AcknowledgeRequest, unwrapVersioned(content, 0, "acknowledge_request"), "acknowledge_request"),
      );
      return acknowledge(decoded, session);
    },
  });
}

async function* versioned(events: AsyncIterable<Delivery>) {
  for await (const { signed, traceContext } of events) {
    yield { signedSequencedEvent: encodeSignedContent(signed), traceContext, trafficState: undefined };
  }
}

async function* unversioned(events: AsyncIterable<Delivery>) {
  for await (const { signed, traceContext } of events) {
    yield { signedSequencedEvent: signedContentToProto(signed), traceContext };
  }
}

/** The events of a member from a counter on, signed, until the caller goes away or the stream has to end. */
async function* deliveries(
  sequencer: ServingSequencer,
  member: MemberId,
  session: Session | undefined,
  request: SubscriptionRequest,
  callSignal: AbortSignal,
): AsyncGenerator<Delivery> {
  const { backend, domainId, subscriptions } = sequencer;
  checkOwn(request.member, member);
  if (request.counter < 0n) throw invalidArgument("INVALID_COUNTER", `counter: ${request.counter}; expected 0 or more`);
  const subscription = subscriptions.open(member, session);
  const signal = AbortSignal.any([callSignal, subscription.signal]);
  try {
    const memberNumber = await mailboxOf(sequencer, member);
    const end = await backend.members.nextCounter(memberNumber);
    if (request.counter > end) {
      throw outOfRange(
        "COUNTER_AFTER_END",
        `counter: the next event of ${member} has counter ${end}, and ${request.counter} was asked for; is this the sequencer of the right domain?`,
      );
    }
    const owner = { domainId, member, memberNumber };
    let counter = request.counter;
    while (true) {
      for (const event of await backend.reader.next(memberNumber, counter, signal)) {
        const content = serializedFor(owner, event);
        const signature = await sequencer.signEvent(content, event.event.timestamp);
        signal.throwIfAborted();
        const { traceparent } = event.event;
        yield {
          signed: { content, signature },
          traceContext: traceparent === undefined ? undefined : { traceparent, tracestate: undefined },
        };
        counter = event.counter + 1n;
      }
    }
  } finally {
    subscription.close();
  }
}

async function mailboxOf(sequencer: ServingSequencer, member: MemberId): Promise<number> {
  const { members } = sequencer.backend;
  const known = (await members.find([member])).get(member);
  if (known !== undefined) return known;
  if (member.startsWith("UNM::") && !sequencer.mayOnboard()) {
    throw unavailable("SEQUENCER_OVERLOADED", "too many newcomers at the moment; try again in a minute");
  }
  return (await members.register([member])).get(member) as number;
}

function checkOwn(asked: string, member: MemberId): void {
  if (asked === member) return;
  throw permissionDenied("NOT_YOUR_STREAM", `member: ${member} may not act for ${asked || "(none)"}`);
}

function readingArgument<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolError) throw invalidArgument("PROTO_DESERIALIZATION_FAILURE", error.message);
    throw error;
  }
}
