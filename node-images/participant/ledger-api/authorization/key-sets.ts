import { createRemoteJWKSet, customFetch, type FetchImplementation, type JWTVerifyGetKey } from "jose";

/** Most bytes of an answer that are read, unpacked: an issuer, or who speaks for it, cannot fill the memory of all others. */
const maxKeySetBytes = 1024 * 1024;

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
        [customFetch]: fetchLimited,
      });
      this.#sets.set(url, set);
    }
    return set;
  }
}

const fetchLimited: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options);
  let bytes = 0;
  const limited = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      bytes += chunk.length;
      if (bytes > maxKeySetBytes) controller.error(new Error(`the key set has more than ${maxKeySetBytes} bytes`));
      else controller.enqueue(chunk);
    },
  });
  return new Response(response.body?.pipeThrough(limited) ?? null, response);
};
