import { gunzipSync, gzipSync } from "node:zlib";
import {
  Batch as BatchProto,
  type CompressedBatch as CompressedBatchProto,
  CompressedBatch_CompressionAlgorithm as Compression,
} from "../gen/com/digitalasset/canton/protocol/v0/sequencing.ts";
import { checkMember, type MemberId } from "../identity/member.ts";
import { decodeMessage, encodeMessage, fieldNotSet, invalidValue, ProtocolError } from "../protocol-error.ts";
import { unwrapVersioned, wrapVersioned } from "../versioned-message.ts";

/** A message and whom it is for. */
export interface Envelope {
  /** Opaque to the sequencer; between our nodes an `EnvelopeContent`. */
  content: Buffer;
  /** Who gets it, and who is told that they do: each recipient sees all of them. Not empty. */
  recipients: MemberId[];
}

/** How a batch travels. */
export type BatchCompression = "none" | "gzip";

/** Version of the serialized `Batch`. */
const BATCH_VERSION = 0;

/** The largest batch that is unpacked, in bytes, where no other bound is given: the default `maxRequestSize`. */
export const DEFAULT_MAX_BATCH_SIZE = 10_485_760;

/** Envelopes as the published `CompressedBatch`. */
export function compressBatch(
  envelopes: readonly Envelope[],
  compression: BatchCompression = "none",
): CompressedBatchProto {
  const message: BatchProto = {
    envelopes: envelopes.map(({ content, recipients }) => ({
      content,
      recipients: { recipientsTree: [{ recipients, children: [] }] },
    })),
  };
  const bytes = wrapVersioned(BATCH_VERSION, encodeMessage(BatchProto, message));
  return compression === "gzip"
    ? { algorithm: Compression.Gzip, compressedBatch: gzipSync(bytes) }
    : { algorithm: Compression.None_, compressedBatch: bytes };
}

/**
 * The envelopes of a published `CompressedBatch`.
 *
 * @param maxSize the most bytes that the batch may have once it is unpacked; unpacking stops there.
 * @throws ProtocolError when it is larger, not readable, or has an envelope without recipients, with recipients that are
 * no members, or with nested recipients.
 */
export function decompressBatch(batch: CompressedBatchProto | undefined, maxSize = DEFAULT_MAX_BATCH_SIZE): Envelope[] {
  if (batch === undefined) throw fieldNotSet("batch");
  const data = unwrapVersioned(unpack(batch, maxSize), BATCH_VERSION, "batch");
  return decodeMessage(BatchProto, data, "batch").envelopes.map(({ content, recipients }) => {
    const trees = recipients?.recipientsTree ?? [];
    if (trees.some(({ children }) => children.length > 0)) {
      throw invalidValue("recipients", "nested recipients are not supported", "trees without children");
    }
    const members = trees.flatMap((tree) => tree.recipients);
    if (members.length === 0) throw fieldNotSet("recipients");
    for (const id of members) checkMember(id, "recipients");
    return { content, recipients: [...new Set(members)] };
  });
}

function unpack({ algorithm, compressedBatch }: CompressedBatchProto, maxSize: number): Buffer {
  if (algorithm === Compression.None_) {
    if (compressedBatch.length > maxSize) throw tooLarge(maxSize);
    return compressedBatch;
  }
  if (algorithm !== Compression.Gzip) {
    throw new ProtocolError("UnrecognizedEnum", "algorithm", `${algorithm} is unknown`, "None_, Gzip");
  }
  try {
    return gunzipSync(compressedBatch, { maxOutputLength: maxSize });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(maxSize);
    throw new ProtocolError("BufferException", "compressed_batch", `cannot be unpacked (${message})`);
  }
}

function tooLarge(maxSize: number): ProtocolError {
  return invalidValue("batch", `the batch has more than ${maxSize} bytes`, `at most ${maxSize} bytes unpacked`);
}
