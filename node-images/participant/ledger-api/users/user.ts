import type { Right } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/user_management_service.ts";

/** Most users on one page of ListUsers, and how many there are when the caller does not say. */
export const MAX_USERS_PAGE_SIZE = 1_000;
/** Most rights that one user has. */
export const MAX_RIGHTS_PER_USER = 1_000;

/** The identity provider of users and parties that were assigned to none: the tokens of `ledgerApi.auth` are its tokens. */
export const DEFAULT_IDENTITY_PROVIDER = "";

/** An application as the Ledger API knows it. */
export interface User {
  readonly id: string;
  /** The party meant when a command names none; empty when there is none. */
  readonly primaryParty: string;
  /** A deactivated user is refused by the Ledger API until somebody activates it again. */
  readonly isDeactivated: boolean;
  readonly annotations: Readonly<Record<string, string>>;
  /** Rises by one with every update, from 0. */
  readonly resourceVersion: bigint;
  readonly identityProviderId: string;
}

/** What a right allows: the names of the published message. */
export type RightKind = NonNullable<Right["kind"]>["$case"];

/** One thing that a user may do. */
export interface UserRight {
  readonly kind: RightKind;
  /** The party it is about; empty for the kinds that are not about one. */
  readonly party: string;
}

/** All kinds, in the order in which a user's rights are listed. */
export const RIGHT_KINDS: readonly RightKind[] = [
  "participantAdmin",
  "identityProviderAdmin",
  "canActAs",
  "canReadAs",
  "canReadAsAnyParty",
  "canExecuteAs",
  "canExecuteAsAnyParty",
];

const USER_ID = "[a-zA-Z0-9@^$.!`\\-#+'~_|:]{1,128}";
const userIdPattern = new RegExp(`^${USER_ID}$`);

/** Says why a text is no user id, in the published words; undefined when it is one. */
export function userIdFault(text: string): string | undefined {
  if (userIdPattern.test(text)) return undefined;
  return `User ID "${text}" does not match regex "${USER_ID}"`;
}

/** Rights without repetition, in the order of their first mention. */
export function distinctRights(rights: readonly UserRight[]): UserRight[] {
  return [...new Map(rights.map((right) => [`${right.kind} ${right.party}`, right])).values()];
}

/** Whether a right is among those. */
export function hasRight(rights: readonly UserRight[], { kind, party }: UserRight): boolean {
  return rights.some((right) => right.kind === kind && right.party === party);
}

/** Orders rights as they are listed: by kind, then by party. */
export function compareRights(a: UserRight, b: UserRight): number {
  const byKind = RIGHT_KINDS.indexOf(a.kind) - RIGHT_KINDS.indexOf(b.kind);
  return byKind !== 0 ? byKind : a.party < b.party ? -1 : a.party > b.party ? 1 : 0;
}
