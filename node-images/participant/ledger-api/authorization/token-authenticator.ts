import { describeError } from "@pulumi-canton/runtime/errors.ts";
import type { CallContext } from "@pulumi-canton/runtime/grpc-server.ts";
import { decodeJwt, type JWTPayload, jwtVerify } from "jose";
import type { IdentityProviderStore } from "../identity-providers/identity-provider-store.ts";
import { notAuthenticated, notPermitted, tokenWithoutUser } from "../ledger-errors.ts";
import { DEFAULT_IDENTITY_PROVIDER, userIdFault } from "../users/user.ts";
import type { UserStore } from "../users/user-store.ts";
import { type AccessToken, accessTokenOf, type TokenTarget } from "./access-token.ts";
import type { TokenSource } from "./auth-config.ts";
import type { Authenticator } from "./authorized.ts";
import { type Claims, claimsOf } from "./claims.ts";
import type { KeySets } from "./key-sets.ts";

/** As configured, with what `caFile` has in it. */
export type TrustedTokenSource = Omit<TokenSource, "caFile"> & { readonly ca?: Buffer | undefined };

/** What {@link tokenAuthenticator} needs. */
export interface TokenAuthenticatorOptions {
  /** Name of the node, for the metadata of errors. */
  readonly participant: string;
  /** The participant id that tokens may name; undefined before the node has one. */
  readonly participantUid: () => Promise<string | undefined>;
  /** The tokens of the default identity provider, tried in this order. */
  readonly sources: readonly TrustedTokenSource[];
  readonly providers: IdentityProviderStore;
  readonly users: UserStore;
  readonly keySets: KeySets;
  /** How far the clocks of issuers may be off. */
  readonly clockLeewayMs: number;
}

/** Public keys only: a token that names another algorithm, or none, was signed by nobody who may. */
const ALGORITHMS = ["RS256", "ES256", "EdDSA"];

/**
 * Callers are the users that their tokens (`authorization: Bearer …`) are for. The issuer of a token decides whose users
 * those are: tokens of an identity provider that the participant knows are checked with its keys and no others, and reach
 * its users only; all others are of the default provider.
 */
export function tokenAuthenticator(options: TokenAuthenticatorOptions): Authenticator {
  const { participant, participantUid, sources, providers, users, keySets, clockLeewayMs } = options;

  const verified = async (
    token: string,
    { url, ca, issuer, ...target }: TokenTarget & Pick<TrustedTokenSource, "url" | "ca" | "issuer">,
  ): Promise<AccessToken> => {
    const { payload } = await jwtVerify(token, keySets.at(url, ca), {
      algorithms: ALGORITHMS,
      clockTolerance: clockLeewayMs / 1000,
      ...(issuer !== undefined && { issuer }),
    });
    if (payload.iat !== undefined && payload.iat * 1000 > Date.now() + clockLeewayMs) {
      throw new Error("it was issued in the future");
    }
    const accessToken = accessTokenOf(payload, target);
    if (typeof accessToken === "string") throw new Error(accessToken);
    return { ...accessToken, expiresAt: accessToken.expiresAt && accessToken.expiresAt + clockLeewayMs };
  };

  const verifiedBySources = async (token: string): Promise<AccessToken> => {
    const reasons: string[] = [];
    for (const source of sources) {
      try {
        return await verified(token, source);
      } catch (error) {
        reasons.push(`${source.url}: ${describeError(error)}`);
      }
    }
    throw notAuthenticated(participant, reasons.join("; "));
  };

  /** The token and whose it is. */
  const accepted = async (token: string): Promise<AccessToken & { readonly identityProviderId: string }> => {
    const { iss } = unverified(token);
    // No provider that is stored has U+0000 in its issuer, and the database refuses to look for it.
    const known = typeof iss === "string" && !iss.includes("\0");
    const provider = known ? await providers.findByIssuer(iss) : undefined;
    if (provider === undefined) {
      return { ...(await verifiedBySources(token)), identityProviderId: DEFAULT_IDENTITY_PROVIDER };
    }
    const { id, isDeactivated, issuer, jwksUrl: url, audience } = provider;
    if (isDeactivated) throw notAuthenticated(participant, `identity provider ${id} is deactivated`);
    try {
      const target = audience === "" ? {} : { targetAudience: audience };
      return { ...(await verified(token, { url, issuer, ...target })), identityProviderId: id };
    } catch (error) {
      throw notAuthenticated(participant, `identity provider ${id}: ${describeError(error)}`);
    }
  };

  const unverified = (token: string): JWTPayload => {
    try {
      return decodeJwt(token);
    } catch (error) {
      throw notAuthenticated(participant, describeError(error));
    }
  };

  const claims = async (userId: string, identityProviderId: string, expiresAt: number | undefined): Promise<Claims> => {
    const known = await users.findWithRights(userId);
    if (known === undefined) throw notPermitted(participant, `there is no user ${userId}`);
    const { user, rights } = known;
    if (user.identityProviderId !== identityProviderId) {
      throw notPermitted(participant, `user ${userId} is assigned to another identity provider`);
    }
    if (user.isDeactivated) throw notPermitted(participant, `user ${userId} is deactivated`);
    return claimsOf(user, rights, expiresAt);
  };

  return {
    authenticate: async (call) => {
      const { userId, participantId, expiresAt, identityProviderId } = await accepted(bearerOf(call, participant));
      if (participantId !== undefined && participantId !== (await participantUid())) {
        throw notPermitted(participant, `the token is for participant ${participantId}`);
      }
      const fault = userIdFault(userId);
      if (fault !== undefined) throw tokenWithoutUser(participant, `token ${fault}`);
      return claims(userId, identityProviderId, expiresAt);
    },

    renew: async ({ userId, identityProviderId, expiresAt }) => {
      if (userId === undefined) throw new TypeError("claims of a token are those of a user");
      if ((await providers.find(identityProviderId))?.isDeactivated) {
        throw notAuthenticated(participant, `identity provider ${identityProviderId} is deactivated`);
      }
      return claims(userId, identityProviderId, expiresAt);
    },
  };
}

function bearerOf({ metadata }: CallContext, participant: string): string {
  const values = metadata.get("authorization");
  if (values.length === 0) throw notAuthenticated(participant, "no token was sent");
  const token = values.length === 1 ? /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(String(values[0]))?.[1] : undefined;
  if (token === undefined) throw notAuthenticated(participant, 'expected one "authorization: Bearer <token>"');
  return token;
}
