import { invalidValue } from "../protocol-error.ts";
import { type Fingerprint, parseFingerprint, shortenFingerprint } from "./fingerprint.ts";
import { checkIdentifierCharacters, DELIMITER, IDENTIFIER_CHARACTERS } from "./identifier-characters.ts";

/** A unique identifier in its text form, `identifier::namespace`: names a domain, a party, or the entity behind a member. */
export type UniqueIdentifier = string;

/** The two parts of a unique identifier. */
export interface UniqueIdentifierParts {
  /** The name, 1 to 185 characters. */
  identifier: string;
  /** The fingerprint of the root key of the namespace that the identifier belongs to. */
  namespace: Fingerprint;
}

/** Longest identifier, in characters. */
export const MAX_IDENTIFIER_LENGTH = 185;

const ACCEPTED = `<identifier>::<fingerprint>, the identifier 1 to ${MAX_IDENTIFIER_LENGTH} of: ${IDENTIFIER_CHARACTERS}`;

/**
 * Parses `identifier::fingerprint`.
 *
 * @param field name of the field that it came from, for the error.
 * @throws ProtocolError in Canton's words, saying what is accepted.
 */
export function parseUniqueIdentifier(text: string, field = "unique identifier"): UniqueIdentifierParts {
  if (text === "") throw invalidValue(field, "Empty string is not a valid unique identifier.", ACCEPTED);
  const at = text.indexOf(DELIMITER);
  if (at < 0) throw invalidValue(field, `Invalid unique identifier \`${text}\` with missing namespace.`, ACCEPTED);
  if (at === 0) throw invalidValue(field, `Invalid unique identifier \`${text}\` with empty identifier.`, ACCEPTED);
  const identifier = text.slice(0, at);
  const problem = checkIdentifierCharacters(identifier, MAX_IDENTIFIER_LENGTH);
  if (problem) throw invalidValue(field, `Identifier decoding of \`${text}\` failed with: ${problem}`, ACCEPTED);
  return { identifier, namespace: parseFingerprint(text.slice(at + DELIMITER.length), field, text) };
}

/** Checks a unique identifier and gives it back as it is. @throws ProtocolError */
export function checkUniqueIdentifier(text: string, field = "unique identifier"): UniqueIdentifier {
  parseUniqueIdentifier(text, field);
  return text;
}

/** Puts a unique identifier together from its parts, checking them. @throws ProtocolError */
export function uniqueIdentifier(identifier: string, namespace: Fingerprint, field = "identifier"): UniqueIdentifier {
  if (identifier === "") throw invalidValue(field, "the identifier is empty", ACCEPTED);
  const problem = checkIdentifierCharacters(identifier, MAX_IDENTIFIER_LENGTH);
  if (problem) throw invalidValue(field, problem, ACCEPTED);
  parseFingerprint(namespace, "fingerprint");
  return `${identifier}${DELIMITER}${namespace}`;
}

/** The namespace of a unique identifier that was already checked: what follows its `::`. */
export function namespaceOf(uid: UniqueIdentifier): Fingerprint {
  return uid.slice(uid.indexOf(DELIMITER) + DELIMITER.length);
}

/** The name of a unique identifier that was already checked: what precedes its `::`. */
export function identifierOf(uid: UniqueIdentifier): string {
  return uid.slice(0, uid.indexOf(DELIMITER));
}

/** A unique identifier shortened for messages to people, as Canton prints it: `mydomain::122068a1bb34...`. */
export function shortenUniqueIdentifier(uid: UniqueIdentifier): string {
  return `${identifierOf(uid)}${DELIMITER}${shortenFingerprint(namespaceOf(uid))}`;
}
