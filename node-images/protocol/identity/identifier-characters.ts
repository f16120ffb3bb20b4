/** Separates the parts of unique identifiers and member ids. */
export const DELIMITER = "::";

/** The characters of an identifier, in words. */
export const IDENTIFIER_CHARACTERS = "letters a-z and A-Z, digits, '-', '_', space and single ':'";

/**
 * Checks the characters and the length of an identifier or a fingerprint.
 *
 * @returns what is wrong, in Canton's words, or undefined when nothing is.
 */
export function checkIdentifierCharacters(text: string, maxLength: number): string | undefined {
  if (text.includes(DELIMITER)) return `StringConversionError(String contains reserved delimiter \`${DELIMITER}\`.)`;
  if (text.length > maxLength) {
    return `The given string has a maximum length of ${maxLength} but a string of length ${text.length} ('${text}.') was given`;
  }
  // One ':' beside the delimiter would make `a:` + `::` + `b` read as `a` + `::` + `:b`.
  if (text.startsWith(":") || text.endsWith(":")) return `a ':' at the start or the end of "${text}" is ambiguous`;
  const bad = /[^a-zA-Z0-9:\-_ ]/u.exec(text);
  if (bad) return `non expected character 0x${bad[0].codePointAt(0)?.toString(16)} in Daml-LF Party "${text}"`;
  return undefined;
}
