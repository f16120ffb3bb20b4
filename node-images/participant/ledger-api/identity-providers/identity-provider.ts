import { isLoopback } from "@pulumi-canton/runtime/config.ts";
import { maskNames } from "../update-mask.ts";

/** Most identity providers that a participant knows besides the default one. */
export const MAX_IDENTITY_PROVIDERS = 16;

/** Somebody who issues tokens for users of its own. */
export interface IdentityProvider {
  readonly id: string;
  /** The tokens of a deactivated provider are refused. */
  readonly isDeactivated: boolean;
  /** The `iss` of its tokens; no two providers have the same. */
  readonly issuer: string;
  /** Where its public keys are. */
  readonly jwksUrl: string;
  /** The `aud` that its tokens must have; empty: as of tokens without a target audience. */
  readonly audience: string;
}

const ID = /^[a-zA-Z0-9#:\-_/ ]{1,255}$/;

/** Says why a text is no id of an identity provider; undefined when it is one. */
export function identityProviderIdFault(text: string): string | undefined {
  if (ID.test(text)) return undefined;
  return `${JSON.stringify(text)} is not an identity provider id: expected 1 to 255 letters, digits, # : - _ / or spaces`;
}

/** Says why keys cannot be fetched from a URL; undefined when they can. Whoever changes them on the way could sign any token. */
export function jwksUrlFault(text: string): string | undefined {
  if (!URL.canParse(text))
    return `Malformed URL: ${JSON.stringify(text)}; expected for example "https://idp.example.com/jwks"`;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== "" || password !== "") return "Malformed URL: expected no user name or password in it";
  if (protocol === "https:" || (protocol === "http:" && isLoopback(hostname))) return undefined;
  return `Malformed URL: ${JSON.stringify(text)}; expected https, or http on a loopback address`;
}

/** The fields of a provider that a mask may name. */
export const IDENTITY_PROVIDER_FIELDS = [
  "identity_provider_id",
  "is_deactivated",
  "issuer",
  "jwks_url",
  "audience",
] as const;

/** A provider after an update: the fields that the mask names, of which issuer and URL are only replaced by others. */
export function updatedProvider(
  present: IdentityProvider,
  given: IdentityProvider,
  paths: readonly string[],
): IdentityProvider {
  return {
    id: present.id,
    isDeactivated: maskNames(paths, "is_deactivated") ? given.isDeactivated : present.isDeactivated,
    issuer: maskNames(paths, "issuer") && given.issuer !== "" ? given.issuer : present.issuer,
    jwksUrl: maskNames(paths, "jwks_url") && given.jwksUrl !== "" ? given.jwksUrl : present.jwksUrl,
    audience: maskNames(paths, "audience") ? given.audience : present.audience,
  };
}
