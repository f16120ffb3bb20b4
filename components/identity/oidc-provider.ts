/** An OIDC provider, whoever runs it. */
import type { Input } from "@pulumi/pulumi";

/** What programs have to know of a provider: the fields of its discovery document. */
export interface OidcProvider {
  /** Example: `"https://login.example.com/realms/canton"`. */
  readonly issuer: Input<string>;
  /** Where its signing keys are. */
  readonly jwksUri: Input<string>;
  /** Where a person logs in. */
  readonly authorizationEndpoint: Input<string>;
  /** Where a code becomes a token. */
  readonly tokenEndpoint: Input<string>;
}
