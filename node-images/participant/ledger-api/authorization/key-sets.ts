import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { Readable } from "node:stream";
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

  /**
   * Finds the key that a token was signed with.
   *
   * @param ca PEM of the authorities to trust, and no others. Default: those of the machine
   */
  at(url: string, ca?: Buffer): JWTVerifyGetKey {
    const key = `${url}\n${ca ?? ""}`;
    let set = this.#sets.get(key);
    if (set === undefined) {
      const { maxAgeMs = 600_000, cooldownMs = 30_000, timeoutMs = 5_000 } = this.#options;
      set = createRemoteJWKSet(new URL(url), {
        cacheMaxAge: maxAgeMs,
        cooldownDuration: cooldownMs,
        timeoutDuration: timeoutMs,
        [customFetch]: fetchKeys(ca),
      });
      this.#sets.set(key, set);
    }
    return set;
  }
}

/** What Node calls a certificate that none of the authorities vouches for. */
const unknownAuthority = [
  "CERT_SIGNATURE_FAILURE",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
];

function fetchKeys(ca: Buffer | undefined): FetchImplementation {
  const send: FetchImplementation = ca === undefined ? fetch : (url, options) => fetchTrusting(ca, url, options);
  return async (url, options) => {
    const response = await send(url, options).catch((error: Error) => {
      // fetch() says no more than that it failed.
      const cause = (error.cause ?? error) as Error & { readonly code?: string };
      throw unknownAuthority.includes(cause.code ?? "") ? notTrusted(url, ca !== undefined, cause) : cause;
    });
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
}

/** As fetch(), which knows no authorities but the machine's. */
async function fetchTrusting(ca: Buffer, url: string, options: Parameters<FetchImplementation>[1]): Promise<Response> {
  const { headers, signal } = options;
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { ca, signal, headers: Object.fromEntries(headers) }, resolve).on("error", (error) =>
      reject(signal.aborted ? signal.reason : error),
    );
  });
  if (message.statusCode === 200) return new Response(Readable.toWeb(message) as ReadableStream);
  message.destroy();
  throw new Error(`got status ${message.statusCode}; expected 200`);
}

function notTrusted(url: string, given: boolean, cause: Error): Error {
  const { host } = new URL(url);
  const todo = given
    ? "by none of the authorities in caFile; expected those of the issuer there"
    : "by no authority that this machine knows; expected its authorities in caFile of ledgerApi.auth, or, for an identity provider of the Ledger API, in the file that NODE_EXTRA_CA_CERTS names";
  return new Error(`the certificate of ${host} is ${todo}`, { cause });
}
