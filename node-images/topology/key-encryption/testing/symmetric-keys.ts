/** For tests: the keys of a service that stands in; it really encrypts. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** Keys by name, each with versions, that never leave this object. */
export class SymmetricKeys {
  readonly #versions = new Map<string, Buffer[]>();

  /** @param names of the keys that there are */
  constructor(...names: string[]) {
    for (const name of names) this.addVersion(name);
  }

  has(name: string): boolean {
    return this.#versions.has(name);
  }

  /** What the service's own rotation does: newer ciphertexts use it, older ones can still be decrypted. */
  addVersion(name: string): void {
    this.#versions.set(name, [...(this.#versions.get(name) ?? []), randomBytes(32)]);
  }

  /** @returns the ciphertext and the version that it was made with, from 1 */
  encrypt(name: string, plaintext: Buffer, context: string): { ciphertext: Buffer; version: number } {
    const version = this.#versions.get(name)?.length ?? 0;
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#key(name, version), iv);
    cipher.setAAD(Buffer.from(context));
    const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    return { ciphertext: Buffer.concat([Buffer.of(version), iv, cipher.getAuthTag(), body]), version };
  }

  /** @throws Error when it was not encrypted with this key and context */
  decrypt(name: string, ciphertext: Buffer, context: string): Buffer {
    const decipher = createDecipheriv("aes-256-gcm", this.#key(name, ciphertext[0] ?? 0), ciphertext.subarray(1, 13));
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(ciphertext.subarray(13, 29));
    return Buffer.concat([decipher.update(ciphertext.subarray(29)), decipher.final()]);
  }

  #key(name: string, version: number): Buffer {
    const key = this.#versions.get(name)?.[version - 1];
    if (key === undefined) throw new Error(`there is no version ${version} of ${name}`);
    return key;
  }
}
