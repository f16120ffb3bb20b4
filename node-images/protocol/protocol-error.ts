import { BinaryWriter } from "@bufbuild/protobuf/wire";

/**
 * What is wrong with a value that came over the wire. The names are those that Canton puts into the `reason` of a
 * `PROTO_DESERIALIZATION_FAILURE`, so that existing tools read our refusals as they read Canton's.
 */
export type ProtocolErrorKind =
  | "ValueConversionError"
  | "FieldNotSet"
  | "UnrecognizedEnum"
  | "BufferException"
  | "UnknownVersion"
  | "CryptoDeserializationError";

/**
 * The one error that this package throws for input that it refuses: malformed bytes, a missing field, a value out of
 * range. Anything else that leaves this package is a bug.
 */
export class ProtocolError extends Error {
  readonly kind: ProtocolErrorKind;
  /** The field (or message) that is wrong, as the .proto names it. */
  readonly field: string;
  /** What is wrong with it, in Canton's words where Canton has words for it. */
  readonly detail: string;
  /** What would have been accepted, if there is more to say than `detail` does. */
  readonly accepted: string | undefined;

  constructor(kind: ProtocolErrorKind, field: string, detail: string, accepted?: string) {
    const text = detail === "" ? `${field} is not set` : `${field}: ${detail}`;
    super(accepted === undefined ? text : `${text.replace(/\.$/, "")}. Accepted: ${accepted}`);
    this.name = "ProtocolError";
    this.kind = kind;
    this.field = field;
    this.detail = detail;
    this.accepted = accepted;
  }

  /** The error as Canton prints it in `metadata.reason`, e.g. `ValueConversionError(party,Invalid unique identifier …)`. */
  get reason(): string {
    switch (this.kind) {
      case "FieldNotSet":
        return `FieldNotSet(${this.field})`;
      case "BufferException":
        return `BufferException(${this.field}: ${this.detail})`;
      default:
        return `${this.kind}(${this.field},${this.detail})`;
    }
  }
}

/** A field has a value that is not accepted. `accepted` says what is. */
export function invalidValue(field: string, detail: string, accepted?: string): ProtocolError {
  return new ProtocolError("ValueConversionError", field, detail, accepted);
}

/** A field that has to be set is not (an absent message, or the `Missing…` value of an enum). */
export function fieldNotSet(field: string): ProtocolError {
  return new ProtocolError("FieldNotSet", field, "");
}

/** The generated codec of one protobuf message. */
export interface MessageCodec<T> {
  encode(message: T, writer?: BinaryWriter): { finish(): Uint8Array };
  decode(input: Uint8Array): T;
}

/** Decodes protobuf bytes. @throws ProtocolError (BufferException) naming `what` when the bytes are not such a message. */
export function decodeMessage<T>(codec: MessageCodec<T>, bytes: Uint8Array, what: string): T {
  try {
    return codec.decode(bytes);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new ProtocolError("BufferException", what, `not a valid protobuf message (${cause})`);
  }
}

/** Used again and again, as a new one would allocate and grow its buffer for every message. */
let writer = new BinaryWriter();
/** A writer whose buffer has grown with a message larger than this, in bytes, is let go. */
const largestKept = 64 * 1024;

/** Encodes a protobuf message. The encoding is canonical: fields in order of their numbers, defaults left out. */
export function encodeMessage<T>(codec: MessageCodec<T>, message: T): Buffer {
  const mine = writer;
  // Not to be found by an encoder that itself encodes, nor by the next caller when this one fails half-way.
  writer = new BinaryWriter();
  const bytes = codec.encode(message, mine).finish();
  if (bytes.length <= largestKept) writer = mine;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
