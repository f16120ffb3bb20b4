import { createRemoteJWKSet, type JWTVerifyGetKey } from "jose";

/** How the keys of token issuers are kept. */
export interface KeySetOptions {
  /** Keys are fetched anew after this time, in milliseconds: how long a withdrawn key is still accepted. Default 10 minutes. */
  readonly maxAgeMs?: number;
  /** A key that is not known makes them be fetched anew, but only this long after the last time. Default 30 seconds. */
  readonly cooldownMs?: number;
  /** Longest wait for an issuer's answer. Default 5 seconds. */
  readonly timeoutMs?: number;
}

/** The public keys of token issuers, by URL, fetched when they are first needed. */
export class KeySets {
  readonly #sets = new Map<string, JWTVerifyGetKey>();
  readonly #options: KeySetOptions;

  constructor(options: KeySetOptions = {}) {
    this.#options = options;
  }

  /** Finds the key that a token was signed with. */
  at(url: string): JWTVerifyGetKey {
    let set = this.#sets.get(url);
    if (set === undefined) {
      const { maxAgeMs = 600_000, cooldownMs = 30_000, timeoutMs = 5_000 } = this.#options;
      set = createRemoteJWKSet(new URL(url), {
        cacheMaxAge: maxAgeMs,
        cooldownDuration: cooldownMs,
        timeoutDuration: timeoutMs,
      });
      this.#sets.set(url, set);
    }
    return set;
  }
}
