import { DEFAULT_IDENTITY_PROVIDER, type RightKind, type User, type UserRight } from "../users/user.ts";

/** The parties somebody may do something for. */
export type Parties = ReadonlySet<string> | "any";

/** What the caller of an rpc may do. */
export interface Claims {
  /** The user that the caller's token is for; undefined when the Ledger API has no authentication. */
  readonly userId: string | undefined;
  /** The identity provider that the token is from. All it reaches are this provider's users and parties, unless it is the default one. */
  readonly identityProviderId: string;
  readonly participantAdmin: boolean;
  /** Administers users and parties of its identity provider. */
  readonly identityProviderAdmin: boolean;
  readonly actAs: Parties;
  readonly readAs: Parties;
  /** When the token ends, in milliseconds since 1970; undefined when it never does. */
  readonly expiresAt: number | undefined;
}

/** Everything: what callers may do where no authentication is configured, as published. */
export const WILDCARD: Claims = {
  userId: undefined,
  identityProviderId: DEFAULT_IDENTITY_PROVIDER,
  participantAdmin: true,
  identityProviderAdmin: true,
  actAs: "any",
  readAs: "any",
  expiresAt: undefined,
};

/** What a user with these rights may do. Nobody administers the default identity provider but a participant's administrator. */
export function claimsOf(user: User, rights: readonly UserRight[], expiresAt: number | undefined): Claims {
  const has = (kind: RightKind) => rights.some((right) => right.kind === kind);
  const partiesOf = (...kinds: RightKind[]) =>
    new Set(rights.filter(({ kind }) => kinds.includes(kind)).map(({ party }) => party));
  return {
    userId: user.id,
    identityProviderId: user.identityProviderId,
    participantAdmin: has("participantAdmin"),
    identityProviderAdmin: has("identityProviderAdmin") && user.identityProviderId !== DEFAULT_IDENTITY_PROVIDER,
    actAs: partiesOf("canActAs"),
    readAs: has("canReadAsAnyParty") ? "any" : partiesOf("canActAs", "canReadAs"),
    expiresAt,
  };
}

/** Whether a party is among those. */
export function includesParty(parties: Parties, party: string): boolean {
  return parties === "any" || parties.has(party);
}

/** Whether two claims allow the same. */
export function sameClaims(a: Claims, b: Claims): boolean {
  const sameParties = (ours: Parties, theirs: Parties) =>
    ours === "any" || theirs === "any"
      ? ours === theirs
      : ours.size === theirs.size && [...ours].every((party) => theirs.has(party));
  return (
    a.userId === b.userId &&
    a.identityProviderId === b.identityProviderId &&
    a.participantAdmin === b.participantAdmin &&
    a.identityProviderAdmin === b.identityProviderAdmin &&
    sameParties(a.actAs, b.actAs) &&
    sameParties(a.readAs, b.readAs)
  );
}
