import { isDeepStrictEqual } from "node:util";

/** A user of the Ledger API, with its rights. */
export interface UserState {
  /** Empty for none. */
  readonly primaryParty: string;
  /** False: calls with a token of the user are refused. */
  readonly active: boolean;
  readonly annotations: Readonly<Record<string, string>>;
  /** Parties that it may act as. */
  readonly actAs: readonly string[];
  /** Parties whose contracts it may read. */
  readonly readAs: readonly string[];
  readonly participantAdmin: boolean;
  readonly identityProviderAdmin: boolean;
}

/** One right. */
export type UserRight =
  | { readonly right: "actAs" | "readAs"; readonly party: string }
  | { readonly right: "participantAdmin" | "identityProviderAdmin" };

/** The fields of a user that an update may name, as the Ledger API has them. */
export type UserField = "primary_party" | "is_deactivated" | "metadata.annotations";

/** One call. */
export type UserStep =
  | { readonly do: "create" }
  /** `annotations`: those to set; an empty text removes its key. */
  | { readonly do: "update"; readonly fields: readonly UserField[]; readonly annotations: Record<string, string> }
  | { readonly do: "grant" | "revoke"; readonly rights: readonly UserRight[] };

/** The rights of a user, each once. */
export function rightsOf(user: UserState): UserRight[] {
  return [
    ...(user.participantAdmin ? [{ right: "participantAdmin" } as const] : []),
    ...(user.identityProviderAdmin ? [{ right: "identityProviderAdmin" } as const] : []),
    ...[...new Set(user.actAs)].map((party) => ({ right: "actAs", party }) as const),
    ...[...new Set(user.readAs)].map((party) => ({ right: "readAs", party }) as const),
  ];
}

/**
 * The steps to the wanted user: what it may no longer do is taken away before anything else is changed, and what it may do
 * besides is given last.
 *
 * @param present undefined: there is no such user
 */
export function planUser(wanted: UserState, present: UserState | undefined): UserStep[] {
  if (present === undefined) return [{ do: "create" }];
  const [mine, theirs] = [rightsOf(wanted), rightsOf(present)];
  const revoked = without(theirs, mine);
  const granted = without(mine, theirs);
  const annotations = changedAnnotations(wanted.annotations, present.annotations);
  const fields: UserField[] = [
    ...(wanted.primaryParty === present.primaryParty ? [] : ["primary_party" as const]),
    ...(wanted.active === present.active ? [] : ["is_deactivated" as const]),
    ...(Object.keys(annotations).length === 0 ? [] : ["metadata.annotations" as const]),
  ];
  return [
    ...(revoked.length === 0 ? [] : [{ do: "revoke", rights: revoked } as const]),
    ...(fields.length === 0 ? [] : [{ do: "update", fields, annotations } as const]),
    ...(granted.length === 0 ? [] : [{ do: "grant", rights: granted } as const]),
  ];
}

function without(rights: readonly UserRight[], others: readonly UserRight[]): UserRight[] {
  return rights.filter((right) => !others.some((other) => isDeepStrictEqual(right, other)));
}

function changedAnnotations(
  wanted: Readonly<Record<string, string>>,
  present: Readonly<Record<string, string>>,
): Record<string, string> {
  const set = Object.entries(wanted).filter(([key, value]) => present[key] !== value);
  const removed = Object.keys(present).filter((key) => !Object.hasOwn(wanted, key));
  return Object.fromEntries([...set, ...removed.map((key) => [key, ""] as const)]);
}
