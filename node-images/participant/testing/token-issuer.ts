import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Metadata } from "@grpc/grpc-js";
import type { CertificateFiles } from "@pulumi-canton/runtime/testing/certificates.ts";
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";

/** The algorithms of the tokens that the Ledger API accepts. */
export const tokenAlgorithms = ["RS256", "ES256", "EdDSA"] as const;
type Algorithm = (typeof tokenAlgorithms)[number];

/** What a token says; undefined for what it does not say although it usually would. */
export type TokenClaims = { readonly [K in keyof JWTPayload]: JWTPayload[K] | undefined };

/** A key that tokens are signed with. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

let keys = 0;

/** A new key, whose public half nobody publishes yet. */
export async function signingKey(alg: string): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const kid = `key-${++keys}`;
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** A token, signed with a key: valid for ten minutes unless the claims say otherwise. */
export function signToken(
  { kid, alg, privateKey }: SigningKey,
  claims: TokenClaims,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iat: now, exp: now + 600, ...claims } as JWTPayload)
    .setProtectedHeader({ kid, alg, ...header })
    .sign(privateKey);
}

/** The metadata of a call with a token. */
export function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

/** Somebody who issues tokens: publishes keys of the three algorithms, and signs with them. */
export interface TokenIssuer extends AsyncDisposable {
  /** Where the keys are. */
  readonly jwksUrl: string;
  readonly keys: Record<Algorithm, SigningKey>;
  /** How often the keys were fetched. */
  fetches(): number;
  /** Publishes a new key in place of the present one. */
  rotate(alg: Algorithm): Promise<void>;
  sign(claims: TokenClaims, alg?: Algorithm): Promise<string>;
}

/**
 * Starts an issuer on a free loopback port.
 *
 * @param tls its certificate. Default: it speaks plain HTTP
 */
export async function startTokenIssuer(tls?: CertificateFiles): Promise<TokenIssuer> {
  const [RS256, ES256, EdDSA] = await Promise.all([signingKey("RS256"), signingKey("ES256"), signingKey("EdDSA")]);
  const published: Record<Algorithm, SigningKey> = { RS256, ES256, EdDSA };
  let fetches = 0;
  const answer: RequestListener = (_request, response) => {
    fetches++;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ keys: Object.values(published).map(({ jwk }) => jwk) }));
  };
  const server =
    tls === undefined
      ? createServer(answer)
      : createHttpsServer({ cert: readFileSync(tls.certChainFile), key: readFileSync(tls.privateKeyFile) }, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    jwksUrl: `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    keys: published,
    fetches: () => fetches,
    rotate: async (alg) => {
      published[alg] = await signingKey(alg);
    },
    sign: (claims, alg = "EdDSA") => signToken(published[alg], claims),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
