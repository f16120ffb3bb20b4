import { type CustomResourceOptions, dynamic, type Input, mergeOptions, type Output, secret } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";

/** Arguments of an `IdentityProvider`. */
export interface IdentityProviderArgs {
  /** Ledger API of the participant. Example: `participant.ledgerApi`. */
  readonly ledgerApi: Input<Endpoint>;
  /** Token of an administrator, kept as a secret. Default: none, for a Ledger API that asks for none. */
  readonly token?: Input<string>;
  /** What the participant calls it. Example: `"company-sso"`. */
  readonly identityProviderId: Input<string>;
  /** The `iss` of its tokens. */
  readonly issuer: Input<string>;
  /** Where its public keys are. Example: `"https://sso.example.com/.well-known/jwks.json"`. */
  readonly jwksUrl: Input<string>;
  /** The `aud` of its tokens. Default: the participant's id. */
  readonly audience?: Input<string>;
  /** False has its tokens refused without forgetting it. Default: true. */
  readonly active?: Input<boolean>;
}

/** An identity provider whose tokens a participant's Ledger API accepts. Deleting it removes it, once no user belongs to it. One resource. */
export class IdentityProvider extends dynamic.Resource {
  /** What the participant calls it: for `LedgerUser`. */
  declare readonly identityProviderId: Output<string>;

  constructor(name: string, { token, ...args }: IdentityProviderArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/identity/identity-provider/provider.ts"),
      name,
      { audience: "", active: true, ...args, ...(token !== undefined && { token: secret(token) }) },
      mergeOptions(options, { additionalSecretOutputs: ["token"] }),
      "identity",
      "IdentityProvider",
    );
  }
}
