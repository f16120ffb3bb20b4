import type { SigningKeyPair } from "../crypto/key-pair.ts";
import type { SigningPublicKey } from "../crypto/public-key.ts";
import { type Signature, sign, verifyWithAny } from "../crypto/signature.ts";
import type { SigningPurpose } from "../crypto/signing-purpose.ts";
import { SignedContent as SignedContentProto } from "../gen/com/digitalasset/canton/protocol/v0/sequencing.ts";
import { decodeMessage, encodeMessage, fieldNotSet } from "../protocol-error.ts";
import { type Micros, timestampFromProto, timestampToProto } from "../timestamp.ts";
import { unwrapVersioned, wrapVersioned } from "../versioned-message.ts";

/** Bytes with a signature over them. */
export interface SignedContent {
  content: Buffer;
  signature: Signature;
  /** The topology in which the signature is to be verified, if not that of the sequencing time. */
  timestampOfSigningKey?: Micros | undefined;
}

/** Version of the serialized `SignedContent`. */
const SIGNED_CONTENT_VERSION = 0;

/** Signs `content` for `purpose` with a key pair at hand. */
export function signContent(pair: SigningKeyPair, purpose: SigningPurpose, content: Buffer): SignedContent {
  return { content, signature: sign(pair, purpose, content) };
}

/** Whether the signature is one of any of the keys over the content for `purpose`. */
export function verifySignedContent(
  signed: SignedContent,
  purpose: SigningPurpose,
  keys: Iterable<SigningPublicKey>,
): boolean {
  return verifyWithAny(keys, purpose, signed.content, signed.signature);
}

/** Signed content as the published message. @throws ProtocolError */
export function signedContentToProto({ content, signature, timestampOfSigningKey }: SignedContent): SignedContentProto {
  return {
    content,
    signatures: signature,
    timestampOfSigningKey:
      timestampOfSigningKey === undefined
        ? undefined
        : timestampToProto(timestampOfSigningKey, "timestamp_of_signing_key"),
  };
}

/** Signed content from the published message. Does not verify the signature. @throws ProtocolError */
export function signedContentFromProto(message: SignedContentProto): SignedContent {
  const { content, signatures, timestampOfSigningKey } = message;
  if (content === undefined) throw fieldNotSet("content");
  if (signatures === undefined) throw fieldNotSet("signatures");
  return {
    content,
    signature: signatures,
    ...(timestampOfSigningKey && {
      timestampOfSigningKey: timestampFromProto(timestampOfSigningKey, "timestamp_of_signing_key"),
    }),
  };
}

/** Serializes signed content with its version: what the `…Versioned` calls carry. */
export function encodeSignedContent(signed: SignedContent): Buffer {
  return wrapVersioned(SIGNED_CONTENT_VERSION, encodeMessage(SignedContentProto, signedContentToProto(signed)));
}

/** Reads what `encodeSignedContent` wrote. Does not verify the signature. @throws ProtocolError */
export function decodeSignedContent(bytes: Uint8Array): SignedContent {
  const data = unwrapVersioned(bytes, SIGNED_CONTENT_VERSION, "signed_content");
  return signedContentFromProto(decodeMessage(SignedContentProto, data, "signed_content"));
}
