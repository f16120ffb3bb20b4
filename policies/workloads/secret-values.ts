/** What gives a secret away. Pure. */

/** Names that stand for secrets, in the ways that environments, configurations and inputs are written. */
const secretName =
  /passw(?:or)?d|passphrase|(?:^|[^a-z])(?:secret|token|api[-_]?key|private[-_]?key|access[-_]?key|credentials?)(?:$|[^a-z])/i;

/** Names that only point to a secret, or say something about one. */
const pointer =
  /(?:file|path|dir|ref|name|arn|id|url|uri|version|policy|length|rotation|expiry|ttl|seconds|days|enabled|key[-_]?id|store|class|provider|type)$/i;

/** Whether a value of that name is a secret: `DB_PASSWORD` is, `DB_PASSWORD_FILE` and `secretName` are not. */
export function namesSecret(name: string): boolean {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2");
  return secretName.test(words) && !pointer.test(words);
}

const secretTexts: readonly RegExp[] = [
  /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/,
  // A password in the address of a server.
  /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:[^\s:/@${}]+@/,
  /\bAKIA[0-9A-Z]{16}\b/,
  /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\./,
  // A line of a configuration that sets one, unless it takes the value from elsewhere, such as a template from its parameters.
  /^[\s"'-]*[A-Za-z0-9_.-]*(?:passw(?:or)?d|passphrase|client[-_]?secret|api[-_]?key)["']?\s*[:=]\s*(?!config\.)["']?[^\s"'${}][^\s"']{3,}/im,
];

/** Whether a text holds a secret in the clear: a private key, a password in a URL or in a line that sets one. */
export function holdsSecret(text: string): boolean {
  return secretTexts.some((pattern) => pattern.test(text));
}
