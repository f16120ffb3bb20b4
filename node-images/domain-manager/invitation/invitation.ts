/** An invitation to a domain: what its owner tells another organisation, so that a participant of theirs can join. Pure. */
import { checkUniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { ConfigError, checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";

/** Longest time that an invitation may be valid, in days. */
export const maxValidDays = 366;

const base64Schema = z.base64();
// They become names in the stack of whoever is invited, and show on its terminals.
const aliasSchema = z.string().regex(/^[A-Za-z0-9_-]{1,185}$/, "expected 1 to 185 letters, digits, - or _");
const uidSchema = z.string().refine(isUniqueIdentifier, "expected the id of a domain, alias::fingerprint");

/** The terms of service of the domain, by id and text. */
export const pinnedTermsSchema = z.strictObject({
  id: z.string().regex(/^[!-~]([ -~]{0,183}[!-~])?$/, "expected 1 to 185 visible ASCII characters"),
  /** SHA-256 of the UTF-8 of the text, in hexadecimal digits. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "expected 64 hexadecimal digits"),
});

/** All fields of an invitation. */
export const invitationSchema = z.strictObject({
  version: z.literal(1, "expected 1: this software knows no other version of invitations"),
  domainId: uidSchema,
  /** What the owner calls the domain; the invited may call it otherwise. */
  alias: aliasSchema,
  /** The sequencers' public APIs. `certificates`: PEM of the authorities to trust; the machine's own when absent. */
  sequencers: z
    .array(
      z.strictObject({
        alias: aliasSchema,
        url: z.url({ protocol: /^https?$/ }),
        certificates: z.string().startsWith("-----BEGIN CERTIFICATE-----").optional(),
      }),
    )
    .min(1),
  /** The domain's protocol version. */
  protocolVersion: z.int().min(1),
  /** The terms that have to be accepted; absent: the domain has none. */
  termsOfService: pinnedTermsSchema.optional(),
  /** Last moment in which it may be taken up, as in `Sat, 28 Nov 2026 10:20:48 GMT`: YAML readers leave this form alone. */
  expires: z.string().refine(isUtcTime, "expected a time such as Sat, 28 Nov 2026 10:20:48 GMT"),
});

/** An invitation, not signed. */
export type Invitation = z.output<typeof invitationSchema>;

/** Terms of service, by id and text. */
export type PinnedTerms = z.output<typeof pinnedTermsSchema>;

/** What the owner hands out. */
export const signedInvitationSchema = z.strictObject({
  invitation: invitationSchema,
  /** Topology transactions that chain the signing key to the namespace in the domain's id. */
  topology: z.array(base64Schema).min(1).max(1000),
  signature: z.strictObject({ signedBy: z.string().min(1), signature: base64Schema }),
});

/** An invitation with its signature and what proves that the key may sign for the domain. */
export type SignedInvitation = z.output<typeof signedInvitationSchema>;

/** An invitation that is not taken. Its message says why. */
export class InvitationRefused extends Error {
  override readonly name = "InvitationRefused";
}

/** Checks the fields of an invitation. @throws InvitationRefused naming each that is not accepted */
export function checkInvitation(given: unknown): Invitation {
  return checked(invitationSchema, given);
}

/** Checks the fields of a signed invitation, from JSON text or what was read of it. @throws InvitationRefused */
export function parseSignedInvitation(given: unknown): SignedInvitation {
  let value = given;
  if (typeof given === "string") {
    try {
      value = JSON.parse(given);
    } catch {
      throw new InvitationRefused("it is not whole: expected the JSON text that the owner's stack gave out");
    }
  }
  return checked(signedInvitationSchema, value);
}

/** The bytes that are signed: JSON with sorted keys and without spaces, so that it may be reformatted on its way. */
export function canonicalBytes(invitation: Invitation): Buffer {
  return Buffer.from(JSON.stringify(sorted(invitation)), "utf8");
}

function isUniqueIdentifier(text: string): boolean {
  try {
    checkUniqueIdentifier(text);
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

function isUtcTime(text: string): boolean {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && text === time.toUTCString();
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, sorted(each)]));
}

function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  try {
    return checkConfig(schema, value);
  } catch (error) {
    if (error instanceof ConfigError) throw new InvitationRefused(error.problems.join("; "));
    throw error;
  }
}
