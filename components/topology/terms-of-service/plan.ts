import { createHash } from "node:crypto";

/** Terms of service by id and text. */
export interface PinnedTerms {
  readonly id: string;
  /** SHA-256 of the UTF-8 of the text, in hexadecimal digits. */
  readonly sha256: string;
}

/** The terms of a domain, with their text. */
export interface Terms extends PinnedTerms {
  readonly text: string;
}

/** Terms as a domain gives them, by id and text. */
export function termsOf({ id, text }: { readonly id: string; readonly text: string }): Terms {
  return { id, text, sha256: createHash("sha256").update(text, "utf8").digest("hex") };
}

/** What a participant says of a domain's terms. */
export interface TermsState {
  /** Whether the participant knows the domain. */
  readonly registered: boolean;
  /** The domain's present terms; undefined: it has none, or the participant does not know it. */
  readonly present: Terms | undefined;
  /** Whether the participant has accepted the present ones. */
  readonly accepted: boolean;
}

/** One step. */
export type TermsStep =
  | { readonly do: "register" }
  | { readonly do: "accept"; readonly id: string }
  /** The present terms are not those that were confirmed: a person has to decide. */
  | { readonly do: "ask" };

/** The steps to confirmed terms that are accepted. Nothing is ever accepted that was not confirmed by id and text. */
export function planTerms(confirmed: PinnedTerms, { registered, present, accepted }: TermsState): TermsStep[] {
  if (!registered) return [{ do: "register" }];
  if (present?.id !== confirmed.id || present.sha256 !== confirmed.sha256) return [{ do: "ask" }];
  return accepted ? [] : [{ do: "accept", id: confirmed.id }];
}

/**
 * What there is to be confirmed, and with which lines: for people.
 *
 * @param confirmed what was confirmed, with its text where that is known; undefined: nothing was
 * @param present the domain's terms
 */
export function question(
  domain: string,
  confirmed: (PinnedTerms & { readonly text?: string | undefined }) | undefined,
  present: Terms | undefined,
): string {
  if (present === undefined) {
    return `${domain} has no terms of service (any more), and ${confirmed?.id} were to be accepted.\nTake termsOfService out of the configuration and run the update again.`;
  }
  const what =
    confirmed === undefined
      ? `${domain} asks to accept its terms of service, ${describe(present)}.`
      : `${domain} has other terms of service than those that were confirmed: ${describe(confirmed)} were, its own are ${describe(present)}.`;
  const known = confirmed?.text;
  return [
    what,
    ...reading(known, present.text),
    "To accept them, set these lines and run the update again:",
    "",
    "  pulumi-canton:termsOfService:",
    `    id: ${JSON.stringify(present.id)}`,
    `    sha256: "${present.sha256}"`,
  ].join("\n");
}

function reading(known: string | undefined, text: string): string[] {
  if (known === undefined) return ["Their text:", ...text.split("\n").map((line) => `  ${line}`)];
  return known === text ? ["Their text is the same."] : ["What has changed:", ...difference(known, text)];
}

function describe({ id, sha256 }: PinnedTerms): string {
  return `${id} (sha256 ${sha256.slice(0, 12)}…)`;
}

/** The lines that only one of two texts has, between those that begin and end both. */
export function difference(before: string, after: string): string[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < Math.min(old.length, now.length) && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  return [
    ...old.slice(start, old.length - end).map((line) => `  - ${line}`),
    ...now.slice(start, now.length - end).map((line) => `  + ${line}`),
  ];
}
