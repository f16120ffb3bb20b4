/** Names as the topology writes them. Pure. */

/** What a participant may do on a domain, or for a party; from most to least. */
export const permissions = ["Submission", "Confirmation", "Observation", "Disabled"] as const;
/** What a participant may do on a domain, or for a party. */
export type Permission = (typeof permissions)[number];

/** How far a domain trusts a participant. */
export const trustLevels = ["Ordinary", "Vip"] as const;
/** How far a domain trusts a participant. */
export type TrustLevel = (typeof trustLevels)[number];

/** A unique identifier taken apart: `identifier::fingerprint`. */
export interface UniqueIdentifier {
  readonly identifier: string;
  /** Fingerprint of the namespace's root key. */
  readonly namespace: string;
}

/**
 * Takes a unique identifier apart; a member's code such as `PAR::` is left off.
 *
 * @throws Error saying what is accepted
 */
export function parseUniqueIdentifier(text: string): UniqueIdentifier {
  const parts = text.split("::");
  if (parts.length === 3 && /^(PAR|SEQ|MED|DOM)$/.test(parts[0] ?? "")) parts.shift();
  const [identifier, namespace] = parts;
  if (parts.length !== 2 || !identifier || !namespace) {
    throw new Error(
      `"${text}" is not a unique identifier; accepted: identifier::fingerprint, or PAR::identifier::fingerprint`,
    );
  }
  return { identifier, namespace };
}

/** `identifier::fingerprint`, whether a member's code stood before it or not. */
export function withoutMemberCode(text: string): string {
  const { identifier, namespace } = parseUniqueIdentifier(text);
  return `${identifier}::${namespace}`;
}

/** `PAR::identifier::fingerprint`. */
export function participantMember(text: string): string {
  return `PAR::${withoutMemberCode(text)}`;
}

/**
 * The id of a party: a bare name gets the namespace of the participant that hosts it.
 *
 * @param party `Alice`, or a full `Alice::fingerprint`
 */
export function partyIdOf(party: string, participant: string): string {
  return party.includes("::") ? party : `${party}::${parseUniqueIdentifier(participant).namespace}`;
}
