/**
 * The google.rpc error details that Canton attaches to a refusal: ErrorInfo, RequestInfo, RetryInfo and ResourceInfo,
 * each packed into a google.protobuf.Any. Field names and numbers are those published in google/rpc/error_details.proto.
 */
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Any } from "@pulumi-canton/protocol/gen/google/protobuf/any.ts";

/** What a refusal tells about itself; every part is optional on the wire. */
export interface ErrorDetails {
  /** ErrorInfo.reason: the error code, for example `PARTY_NOT_FOUND`. */
  reason?: string;
  /** ErrorInfo.metadata. */
  metadata?: Record<string, string>;
  /** RequestInfo.request_id: Canton puts the trace id here. */
  requestId?: string;
  /** RetryInfo.retry_delay in milliseconds: when a retry may help. */
  retryDelayMs?: number;
  /** ResourceInfo: the things that the refusal is about. */
  resources?: { type: string; name: string }[];
}

const urlPrefix = "type.googleapis.com/google.rpc.";
const [errorInfo, requestInfo, retryInfo, resourceInfo] = ["ErrorInfo", "RequestInfo", "RetryInfo", "ResourceInfo"].map(
  (name) => urlPrefix + name,
) as [string, string, string, string];

/** Length-delimited field number to protobuf tag. */
const delimited = (field: number): number => (field << 3) | 2;

function pack(typeUrl: string, write: (writer: BinaryWriter) => void): Any {
  const writer = new BinaryWriter();
  write(writer);
  return { typeUrl, value: Buffer.from(writer.finish()) };
}

/** Calls `onField` for every field; it must read the field or answer false to have it skipped. */
function eachField(bytes: Uint8Array, onField: (field: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (!onField(field, reader)) reader.skip(wireType);
  }
}

/** Packs the details in the order in which Canton sends them. */
export function encodeDetails(details: ErrorDetails): Any[] {
  const packed: Any[] = [];
  const { reason, metadata, requestId, retryDelayMs, resources } = details;
  if (reason !== undefined) {
    packed.push(
      pack(errorInfo, (writer) => {
        writer.uint32(delimited(1)).string(reason);
        for (const [key, value] of Object.entries(metadata ?? {})) {
          writer.uint32(delimited(3)).fork();
          writer.uint32(delimited(1)).string(key).uint32(delimited(2)).string(value).join();
        }
      }),
    );
  }
  if (retryDelayMs !== undefined) {
    packed.push(
      pack(retryInfo, (writer) => {
        writer.uint32(delimited(1)).fork();
        writer.uint32(8).int64(Math.floor(retryDelayMs / 1000));
        writer
          .uint32(16)
          .int32(Math.round((retryDelayMs % 1000) * 1_000_000))
          .join();
      }),
    );
  }
  if (requestId !== undefined) {
    packed.push(pack(requestInfo, (writer) => writer.uint32(delimited(1)).string(requestId)));
  }
  for (const resource of resources ?? []) {
    packed.push(
      pack(resourceInfo, (writer) => {
        writer.uint32(delimited(1)).string(resource.type).uint32(delimited(2)).string(resource.name);
      }),
    );
  }
  return packed;
}

function decodeMetadataEntry(bytes: Uint8Array): [string, string] {
  let key = "";
  let value = "";
  eachField(bytes, (field, reader) => {
    if (field === 1) key = reader.string();
    else if (field === 2) value = reader.string();
    else return false;
    return true;
  });
  return [key, value];
}

function decodeDurationMs(bytes: Uint8Array): number {
  let ms = 0;
  eachField(bytes, (field, reader) => {
    if (field === 1) ms += Number(reader.int64()) * 1000;
    else if (field === 2) ms += reader.int32() / 1_000_000;
    else return false;
    return true;
  });
  return ms;
}

/**
 * Unpacks the details that this module knows; others are passed over.
 *
 * @throws Error when a known detail is not valid protobuf
 */
export function decodeDetails(packed: readonly Any[]): ErrorDetails {
  const details: ErrorDetails = {};
  for (const { typeUrl, value } of packed) {
    if (typeUrl === errorInfo) {
      details.reason = "";
      // A map without a prototype: the keys come from the network.
      const metadata: Record<string, string> = Object.create(null);
      eachField(value, (field, reader) => {
        if (field === 1) details.reason = reader.string();
        else if (field === 3) {
          const [key, text] = decodeMetadataEntry(reader.bytes());
          metadata[key] = text;
        } else return false;
        return true;
      });
      details.metadata = metadata;
    } else if (typeUrl === requestInfo) {
      eachField(value, (field, reader) => {
        if (field !== 1) return false;
        details.requestId = reader.string();
        return true;
      });
    } else if (typeUrl === retryInfo) {
      eachField(value, (field, reader) => {
        if (field !== 1) return false;
        details.retryDelayMs = decodeDurationMs(reader.bytes());
        return true;
      });
    } else if (typeUrl === resourceInfo) {
      const resource = { type: "", name: "" };
      eachField(value, (field, reader) => {
        if (field === 1) resource.type = reader.string();
        else if (field === 2) resource.name = reader.string();
        else return false;
        return true;
      });
      details.resources = [...(details.resources ?? []), resource];
    }
  }
  return details;
}
