/** What keeps the data key of a node's key store: wraps it, and unwraps it again. */
import type { KeyEncryptionConfig } from "@pulumi-canton/runtime/config.ts";

/** The kinds of wrappers, as the configuration names them. */
export type KeyWrapperType = KeyEncryptionConfig["type"];

/** A data key as it is stored: what the wrapper made of it, in a form of its own. Holds nothing secret. */
export type WrappedKey = Readonly<Record<string, string | number>>;

/** Wraps data keys, under a key that never leaves it. */
export interface KeyWrapper {
  readonly type: KeyWrapperType;
  /**
   * Wraps a data key.
   *
   * @param keyId which of its keys; a passphrase has no name and ignores it
   * @returns what to store, and the id under which people know the wrapper key
   * @throws KeyWrapperError
   */
  wrap(dataKey: Uint8Array, keyId: string, signal: AbortSignal): Promise<{ wrapped: WrappedKey; keyId: string }>;
  /**
   * Gives back the data key that was wrapped.
   *
   * @throws KeyWrapperError
   */
  unwrap(wrapped: WrappedKey, keyId: string, signal: AbortSignal): Promise<Buffer>;
}

/** A wrapper did not do its work. The message is for people; it never holds key material, nor does the error have a cause. */
export class KeyWrapperError extends Error {
  override readonly name = "KeyWrapperError";
  /** `refused`: it will not until somebody changes something. `unavailable`: it may later. */
  readonly kind: "refused" | "unavailable";

  constructor(kind: KeyWrapperError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/**
 * What the answer of an HTTP service means.
 *
 * @param status undefined when it did not answer
 */
export function kindOfStatus(status: number | undefined): KeyWrapperError["kind"] {
  return status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429
    ? "refused"
    : "unavailable";
}

/** A text of what is stored. @throws KeyWrapperError naming the field */
export function textOf(wrapped: WrappedKey, field: string): string {
  const value = wrapped[field];
  if (typeof value === "string") return value;
  throw new KeyWrapperError(
    "refused",
    `the stored data key lacks ${field}: it was written by a release that is not known`,
  );
}
