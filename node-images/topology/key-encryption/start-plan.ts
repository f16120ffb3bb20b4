/** What to do about the encryption of private keys when a node starts. Pure. */
import type { CryptoConfig, KeyEncryptionConfig } from "@pulumi-canton/runtime/config.ts";
import type { KeyWrapperType } from "./key-wrapper.ts";

/** How the stored private keys are encrypted. */
export interface StoredEncryption {
  readonly wrapperType: KeyWrapperType;
  readonly wrapperKeyId: string;
  /** The key that the configuration named when it was last taken over. */
  readonly configuredKeyId: string;
}

/** A section of the configuration that may open what is stored. */
export type Opener = "keyEncryption" | "previousKeyEncryption";

/** What to do. */
export type StartPlan =
  /** Private keys are stored as they are, and stay so. */
  | { readonly kind: "plain" }
  /** Encrypt those that are stored as they are. */
  | { readonly kind: "encrypt" }
  /** Unwrap the data key with the first of these that can; encrypt anew when it is to change. */
  | { readonly kind: "open"; readonly openers: readonly Opener[]; readonly renew: boolean }
  | { readonly kind: "refuse"; readonly problem: string };

/** The key that a section names; a passphrase has no name. */
export function configuredKeyId(config: KeyEncryptionConfig): string {
  return config.type === "passphrase" ? "" : config.keyId;
}

/**
 * What to do, from how the keys are stored (undefined: as they are) and how they shall be.
 *
 * A key that was rotated by hand stays: only a change of the configuration itself leads to another.
 */
export function startPlan(
  stored: StoredEncryption | undefined,
  { keyEncryption: wanted, previousKeyEncryption: previous }: Pick<CryptoConfig, Opener>,
): StartPlan {
  if (wanted === undefined) {
    if (stored === undefined) return { kind: "plain" };
    const problem = `crypto.keyEncryption is required: the private keys of this node are encrypted with ${nameOf(stored)}`;
    return { kind: "refuse", problem };
  }
  if (stored === undefined) return { kind: "encrypt" };
  const openers: Opener[] = [];
  if (wanted.type === stored.wrapperType) openers.push("keyEncryption");
  if (previous?.type === stored.wrapperType) openers.push("previousKeyEncryption");
  if (openers.length === 0) {
    const problem = `crypto.previousKeyEncryption is required: the private keys of this node are encrypted with ${nameOf(stored)}; say there how to reach it, and the node encrypts them anew`;
    return { kind: "refuse", problem };
  }
  const renew = wanted.type !== stored.wrapperType || configuredKeyId(wanted) !== stored.configuredKeyId;
  return { kind: "open", openers, renew };
}

function nameOf({ wrapperType, wrapperKeyId }: StoredEncryption): string {
  return wrapperType === "passphrase" ? "a passphrase (type passphrase)" : `type ${wrapperType}, key ${wrapperKeyId}`;
}
