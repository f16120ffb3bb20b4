import { type CustomResourceOptions, dynamic, type Input, mergeOptions, type Output, secret } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";

/** Arguments of a `LedgerUser`. */
export interface LedgerUserArgs {
  /** Ledger API of the participant. Example: `participant.ledgerApi`. */
  readonly ledgerApi: Input<Endpoint>;
  /** Token of an administrator, kept as a secret. Default: none, for a Ledger API that asks for none. */
  readonly token?: Input<string>;
  /** Name of the user. Example: `"app"`. */
  readonly userId: Input<string>;
  /** The identity provider whose tokens are the user's. Default: the participant's own. */
  readonly identityProviderId?: Input<string>;
  /** Party that commands without one are submitted as. Default: none. */
  readonly primaryParty?: Input<string>;
  /** False bans the user without forgetting it. Default: true. */
  readonly active?: Input<boolean>;
  /** Texts about the user; keys as Kubernetes has them. Default: none. */
  readonly annotations?: Input<Record<string, Input<string>>>;
  /** Full ids of the parties that it may act as. Default: none. */
  readonly actAs?: Input<Input<string>[]>;
  /** Full ids of the parties whose contracts it may read. Default: none. */
  readonly readAs?: Input<Input<string>[]>;
  /** Whether it administers the participant. Default: false. */
  readonly participantAdmin?: Input<boolean>;
  /** Whether it administers the users of its identity provider. Default: false. */
  readonly identityProviderAdmin?: Input<boolean>;
}

/** A user of a participant's Ledger API with exactly these rights. Deleting it deletes the user. One resource. */
export class LedgerUser extends dynamic.Resource {
  /** Name of the user. */
  declare readonly userId: Output<string>;

  constructor(name: string, { token, ...args }: LedgerUserArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/identity/ledger-user/provider.ts"),
      name,
      {
        identityProviderId: "",
        primaryParty: "",
        active: true,
        annotations: {},
        actAs: [],
        readAs: [],
        participantAdmin: false,
        identityProviderAdmin: false,
        ...args,
        ...(token !== undefined && { token: secret(token) }),
      },
      mergeOptions(options, { additionalSecretOutputs: ["token"] }),
      "identity",
      "LedgerUser",
    );
  }
}
