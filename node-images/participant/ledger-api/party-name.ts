/** Longest party that Daml-LF accepts, in characters. */
export const MAX_PARTY_LENGTH = 255;
/** Longest identifier part of a party id (`identifier::fingerprint`), in characters. */
export const MAX_IDENTIFIER_LENGTH = 185;

/** Says why a text is no Daml-LF party, in the published words; undefined when it is one. */
export function partyFault(text: string): string | undefined {
  if (text === "") return "Daml-LF Party is empty";
  if (text.length > MAX_PARTY_LENGTH) return `Daml-LF Party is too long (max: ${MAX_PARTY_LENGTH})`;
  const bad = /[^A-Za-z0-9:\-_ ]/u.exec(text)?.[0];
  if (bad === undefined) return undefined;
  return `non expected character 0x${(bad.codePointAt(0) ?? 0).toString(16)} in Daml-LF Party ${JSON.stringify(text)}`;
}

/** Says why a text cannot be the hint of a new party (the part before `::`); undefined when it can. */
export function hintFault(hint: string): string | undefined {
  const fault = partyFault(hint);
  if (fault !== undefined) return fault;
  if (hint.includes("::")) {
    return `Party hint ${JSON.stringify(hint)} must not contain "::": the participant appends its own namespace`;
  }
  if (hint.length > MAX_IDENTIFIER_LENGTH) {
    return `Party hint is too long (${hint.length} characters, max: ${MAX_IDENTIFIER_LENGTH})`;
  }
  return undefined;
}
