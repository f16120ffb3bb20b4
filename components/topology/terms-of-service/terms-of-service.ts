import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";
import type { SequencerToDial } from "../domain-connection/steps.ts";

/** Arguments of `TermsOfService`. */
export interface TermsOfServiceArgs {
  /** Admin API of the participant that accepts. Example: `participant.adminApi`. */
  readonly participant: Input<Endpoint>;
  /** The participant's own name for the domain. */
  readonly domainAlias: Input<string>;
  /** The domain's sequencers: a participant that does not know the domain is told of it, but not connected. */
  readonly sequencers: Input<Input<SequencerToDial>[]>;
  /** The domain's id that is insisted on. */
  readonly domainId: Input<string>;
  /** The version of the terms that is confirmed. Example: `"2026-01"`. */
  readonly termsId: Input<string>;
  /** SHA-256 of the UTF-8 of the text that is confirmed, in hexadecimal digits. */
  readonly sha256: Input<string>;
}

/**
 * A domain's terms of service, confirmed by a person by id and text, and accepted by a participant. When the domain's terms are
 * not those that were confirmed, its own update fails, shows what has changed, and says which lines confirm it; everything else
 * stands. One resource.
 */
export class TermsOfService extends dynamic.Resource {
  /** The text that was accepted. */
  declare readonly text: Output<string>;
  /** The version that was accepted. */
  declare readonly termsId: Output<string>;

  constructor(name: string, args: TermsOfServiceArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/topology/terms-of-service/provider.ts"),
      name,
      { text: undefined, ...args },
      options,
      "topology",
      "TermsOfService",
    );
  }
}
