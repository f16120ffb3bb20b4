import { randomBytes } from "node:crypto";
import { invalidValue } from "../protocol-error.ts";
import { type Fingerprint, fingerprintOfKey } from "./fingerprint.ts";
import { DELIMITER } from "./identifier-characters.ts";
import {
  checkUniqueIdentifier,
  namespaceOf,
  parseUniqueIdentifier,
  shortenUniqueIdentifier,
  type UniqueIdentifier,
} from "./unique-identifier.ts";

/**
 * A member of a domain in its text form, `CODE::identifier::namespace`.
 *
 * The sequencer, the mediator and the domain manager of a domain all carry the unique identifier of the domain.
 */
export type MemberId = string;

/** What a member is: participant, sequencer, mediator, domain topology manager, or not (yet) authenticated. */
export type MemberCode = "PAR" | "SEQ" | "MED" | "DOM" | "UNM";

/** The members that own keys in the topology state: all but the unauthenticated ones. */
export type KeyOwnerCode = Exclude<MemberCode, "UNM">;

/** The two parts of a member id. */
export interface MemberParts {
  code: MemberCode;
  uid: UniqueIdentifier;
}

const MEMBER_CODES: readonly string[] = ["PAR", "SEQ", "MED", "DOM", "UNM"] satisfies MemberCode[];

/**
 * Parses a member id: `PAR::`, `SEQ::`, `MED::`, `DOM::` or `UNM::` and a unique identifier.
 *
 * @param field name of the field that it came from, for the error.
 * @param codes the codes that this field accepts; default: all.
 * @throws ProtocolError in Canton's words, saying what is accepted.
 */
export function parseMember(
  text: string,
  field = "member",
  codes: readonly MemberCode[] = MEMBER_CODES as readonly MemberCode[],
): MemberParts {
  const accepted = `${codes.map((code) => `${code}::<identifier>::<fingerprint>`).join(", ")}`;
  const at = text.indexOf(DELIMITER);
  if (at < 0) {
    throw invalidValue(
      field,
      `Invalid keyOwner \`${text}\`, expecting <three-letter-code>::id::fingerprint.`,
      accepted,
    );
  }
  if (at !== 3) {
    throw invalidValue(field, `Expected delimiter :: after three letter code of \`${text}\``, accepted);
  }
  const code = text.slice(0, 3);
  if (!codes.includes(code as MemberCode)) {
    throw invalidValue(field, `Unknown three letter type ${code} in \`${text}\``, accepted);
  }
  const uid = text.slice(at + DELIMITER.length);
  parseUniqueIdentifier(uid, field);
  return { code: code as MemberCode, uid };
}

/** Checks a member id and gives it back as it is. `codes` as of `parseMember`. @throws ProtocolError */
export function checkMember(text: string, field = "member", codes?: readonly MemberCode[]): MemberId {
  parseMember(text, field, codes);
  return text;
}

/** Puts a member id together. @throws ProtocolError when the unique identifier is not one. */
export function member(code: MemberCode, uid: UniqueIdentifier): MemberId {
  return `${code}${DELIMITER}${checkUniqueIdentifier(uid)}`;
}

/** The participant with this unique identifier. */
export const participantMember = (uid: UniqueIdentifier): MemberId => member("PAR", uid);
/** The sequencer of the domain with this id (all sequencers of a domain are the same member). */
export const sequencerMember = (domainId: UniqueIdentifier): MemberId => member("SEQ", domainId);
/** The mediator of the domain with this id. */
export const mediatorMember = (domainId: UniqueIdentifier): MemberId => member("MED", domainId);
/** The manager of the domain with this id. */
export const domainManagerMember = (domainId: UniqueIdentifier): MemberId => member("DOM", domainId);

/** A new unauthenticated member, `UNM::<32 random hexadecimal digits>::<fingerprint-like>`, for one onboarding. */
export function newUnauthenticatedMember(): MemberId {
  return member("UNM", `${randomBytes(16).toString("hex")}${DELIMITER}${fingerprintOfKey(randomBytes(32))}`);
}

/** The code of a member id that was already checked. */
export function memberCode(id: MemberId): MemberCode {
  return id.slice(0, 3) as MemberCode;
}

/** The unique identifier of a member id that was already checked. */
export function memberUid(id: MemberId): UniqueIdentifier {
  return id.slice(3 + DELIMITER.length);
}

/** The namespace of a member id that was already checked. */
export function memberNamespace(id: MemberId): Fingerprint {
  return namespaceOf(memberUid(id));
}

/** A member id shortened for messages to people, as Canton prints it: `PAR::participant1::122050f5924a...`. */
export function shortenMember(id: MemberId): string {
  return `${memberCode(id)}${DELIMITER}${shortenUniqueIdentifier(memberUid(id))}`;
}
