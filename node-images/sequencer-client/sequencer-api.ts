/**
 * The published SequencerService with one addition of ours: a sequencer answers a send when the message is durably sequenced, so it says in the answer when that was and whether it became a
 * delivery or an error. The additions are two fields with numbers that the published messages do not use; whoever does not know them skips them, as protobuf asks.
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { makeGenericClientConstructor } from "@grpc/grpc-js";
import {
  SendAsyncResponse,
  SendAsyncSignedResponse,
  type SequencerServiceClient,
  SequencerServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_service.ts";
import type { ClientConstructor } from "@pulumi-canton/runtime/grpc-client.ts";

/** What became of a sent message. */
export interface SendOutcome {
  /** Sequencing time in microseconds since the epoch. */
  sequencedAt: bigint;
  /** Why it was delivered to nobody; undefined: delivered. */
  deliverError: string | undefined;
}

/** Any answer to a send, with our addition. */
export type WithOutcome<Response> = Response & { outcome?: SendOutcome | undefined };

/** `sequenced_at`, an int64, and `deliver_error`, a string. */
const sequencedAtField = 1000;
const deliverErrorField = 1001;

function appendOutcome(response: Buffer, outcome: SendOutcome | undefined): Buffer {
  if (outcome === undefined) return response;
  const writer = new BinaryWriter();
  writer.tag(sequencedAtField, WireType.Varint).int64(outcome.sequencedAt);
  if (outcome.deliverError !== undefined) {
    writer.tag(deliverErrorField, WireType.LengthDelimited).string(outcome.deliverError);
  }
  return Buffer.concat([response, writer.finish()]);
}

function readOutcome(bytes: Buffer): SendOutcome | undefined {
  const reader = new BinaryReader(bytes);
  let sequencedAt: bigint | undefined;
  let deliverError: string | undefined;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === sequencedAtField && type === WireType.Varint) sequencedAt = BigInt(reader.int64());
    else if (field === deliverErrorField && type === WireType.LengthDelimited) deliverError = reader.string();
    else reader.skip(type, field);
  }
  return sequencedAt === undefined ? undefined : { sequencedAt, deliverError };
}

const signedSend = {
  responseSerialize: (response: WithOutcome<SendAsyncSignedResponse>) =>
    appendOutcome(Buffer.from(SendAsyncSignedResponse.encode(response).finish()), response.outcome),
  responseDeserialize: (bytes: Buffer): WithOutcome<SendAsyncSignedResponse> => ({
    ...SendAsyncSignedResponse.decode(bytes),
    outcome: readOutcome(bytes),
  }),
};
const plainSend = {
  responseSerialize: (response: WithOutcome<SendAsyncResponse>) =>
    appendOutcome(Buffer.from(SendAsyncResponse.encode(response).finish()), response.outcome),
  responseDeserialize: (bytes: Buffer): WithOutcome<SendAsyncResponse> => ({
    ...SendAsyncResponse.decode(bytes),
    outcome: readOutcome(bytes),
  }),
};

/** The definition of the service for a server. */
export const sequencerService = {
  ...SequencerServiceService,
  sendAsync: { ...SequencerServiceService.sendAsync, ...plainSend },
  sendAsyncSigned: { ...SequencerServiceService.sendAsyncSigned, ...signedSend },
  sendAsyncVersioned: { ...SequencerServiceService.sendAsyncVersioned, ...signedSend },
  sendAsyncUnauthenticated: { ...SequencerServiceService.sendAsyncUnauthenticated, ...plainSend },
  sendAsyncUnauthenticatedVersioned: { ...SequencerServiceService.sendAsyncUnauthenticatedVersioned, ...plainSend },
} as const;

/** A client of the service; the answers to sends have `outcome`. */
export const SequencerApiClient = makeGenericClientConstructor(
  sequencerService,
  "com.digitalasset.canton.domain.api.v0.SequencerService",
) as unknown as ClientConstructor<SequencerServiceClient>;
