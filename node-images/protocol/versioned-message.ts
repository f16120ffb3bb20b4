import { UntypedVersionedMessage } from "./gen/com/digitalasset/canton/version/untyped_versioned_message.ts";
import { decodeMessage, encodeMessage, fieldNotSet, ProtocolError } from "./protocol-error.ts";

/** Wraps serialized `data` with the version of its format. */
export function wrapVersioned(version: number, data: Uint8Array): Buffer {
  return encodeMessage(UntypedVersionedMessage, { wrapper: { $case: "data", value: Buffer.from(data) }, version });
}

/**
 * Takes the data out of its versioned wrapper.
 *
 * @param version the only version that is understood.
 * @throws ProtocolError when the bytes are no such wrapper or have another version.
 */
export function unwrapVersioned(bytes: Uint8Array, version: number, what: string): Buffer {
  const message = decodeMessage(UntypedVersionedMessage, bytes, what);
  if (message.wrapper === undefined) throw fieldNotSet(`${what}.wrapper`);
  if (message.version !== version) {
    throw new ProtocolError("UnknownVersion", what, `version ${message.version} is unknown`, `version ${version}`);
  }
  return message.wrapper.value;
}
