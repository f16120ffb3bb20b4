/** A sequencer in between: it passes on what a true one says, tells what it saw, and lies where a test has it lie. */
import type { Client, ServiceError } from "@grpc/grpc-js";
import type { SigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import { decodeSignedContent, encodeSignedContent } from "@pulumi-canton/protocol/envelope/signed-content.ts";
import {
  SequencerAuthenticationServiceClient,
  SequencerAuthenticationServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_authentication_service.ts";
import {
  SequencerConnectServiceClient,
  SequencerConnectServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connect_service.ts";
import type { SubscriptionRequest } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_service.ts";
import { untilAborted } from "@pulumi-canton/runtime/abort.ts";
import { fromServiceError } from "@pulumi-canton/runtime/errors.ts";
import { connect, serverStream } from "@pulumi-canton/runtime/grpc-client.ts";
import { type CallContext, startGrpcServer } from "@pulumi-canton/runtime/grpc-server.ts";
import type { GrpcService, ServiceShape } from "@pulumi-canton/runtime/grpc-service.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { SequencerApiClient, sequencerService } from "@pulumi-canton/sequencer-client/sequencer-api.ts";

/** A call that came by. */
export interface SeenCall {
  readonly rpc: string;
  /** The member that the metadata names, or none. */
  readonly member: string | undefined;
  /** Whether it carried a token. */
  readonly token: boolean;
  readonly request: any;
  /** What was answered; of a stream, everything so far. */
  answer: any;
  /** Set when a stream has ended. */
  ended: boolean;
}

/** What the sequencer in between makes of the truth; may be changed at any time. */
export interface Lies {
  /** Other answers, by the rpc's name in camel case. */
  answers: Record<string, (answer: any) => any>;
  /** Answers without asking the true sequencer, by the rpc's name. */
  instead: Record<string, (request: any) => unknown>;
  /** Events of a stream without asking the true sequencer; the stream stays open afterwards. */
  events: (() => readonly unknown[]) | undefined;
  /** Signs the events instead of the true sequencer. */
  signWith: SigningKeyPair | undefined;
}

/** Starts one in front of the sequencer at a URL. */
export async function startSequencerBetween(url: string) {
  const calls: SeenCall[] = [];
  const lies: Lies = { answers: {}, instead: {}, events: undefined, signWith: undefined };
  const clients: Client[] = [];
  const to = <C extends Client>(client: C): C => {
    clients.push(client);
    return client;
  };

  const see = (rpc: string, request: unknown, { metadata }: CallContext): SeenCall => {
    const member = metadata.get("memberid")[0];
    const seen: SeenCall = {
      rpc,
      member: typeof member === "string" ? member : undefined,
      token: metadata.get("authtoken-bin").length > 0,
      request,
      answer: undefined,
      ended: false,
    };
    calls.push(seen);
    return seen;
  };
  const passOn = (service: ServiceShape, client: any, subscribe: readonly string[] = []): GrpcService => {
    const unary = async (rpc: string, request: unknown, context: CallContext) => {
      const seen = see(rpc, request, context);
      const instead = lies.instead[rpc];
      if (instead !== undefined) return instead(request);
      const deadline = Date.now() + 10_000;
      const truth = await new Promise((resolve, reject) => {
        const done = (error: ServiceError | null, answer: unknown) =>
          error === null ? resolve(answer) : reject(fromServiceError(error));
        client[rpc](request, context.metadata, { deadline }, done);
      });
      seen.answer = lies.answers[rpc]?.(truth) ?? truth;
      return seen.answer;
    };
    async function* stream(rpc: string, request: SubscriptionRequest, context: CallContext) {
      const seen = see(rpc, request, context);
      seen.answer = [];
      try {
        const { signal, metadata } = context;
        if (lies.events !== undefined) {
          yield* lies.events();
          return await untilAborted(new Promise(() => undefined), signal);
        }
        for await (const event of serverStream(client as any, rpc as never, request as never, { signal, metadata })) {
          const told = signedAnew(event, lies.signWith);
          seen.answer.push(told);
          yield told;
        }
      } finally {
        seen.ended = true;
      }
    }
    return {
      methods: Object.entries(service).map(([rpc, shape]) => ({
        shape,
        handle: (request, context) =>
          subscribe.includes(rpc) ? stream(rpc, request as SubscriptionRequest, context) : unary(rpc, request, context),
      })),
    };
  };

  const server = await startGrpcServer({
    name: "between",
    server: { address: "127.0.0.1", port: 0 },
    services: [
      passOn(SequencerConnectServiceService, to(connect(SequencerConnectServiceClient, { url }))),
      passOn(SequencerAuthenticationServiceService, to(connect(SequencerAuthenticationServiceClient, { url }))),
      passOn(sequencerService, to(connect(SequencerApiClient, { url })), [
        "subscribeVersioned",
        "subscribeUnauthenticatedVersioned",
      ]),
    ],
    logger: silentLogger,
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    calls,
    lies,
    /** The calls of an rpc, by its name in camel case. */
    of: (rpc: string) => calls.filter((each) => each.rpc === rpc),
    [Symbol.asyncDispose]: async () => {
      await server.close(0);
      for (const client of clients) client.close();
    },
  };
}

function signedAnew(event: any, pair: SigningKeyPair | undefined): any {
  if (pair === undefined) return event;
  const { content } = decodeSignedContent(event.signedSequencedEvent);
  const signature = sign(pair, "sequenced-event", content);
  return { ...event, signedSequencedEvent: encodeSignedContent({ content, signature }) };
}
