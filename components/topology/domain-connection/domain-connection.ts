import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";
import type { SequencerToDial } from "./steps.ts";

/** Arguments of a `DomainConnection`. */
export interface DomainConnectionArgs {
  /** Admin API of the participant. Example: `participant.adminApi`. */
  readonly participant: Input<Endpoint>;
  /** Id of the participant, with or without `PAR::`. */
  readonly participantId: Input<string>;
  /** The participant's own name for the domain. Example: `"mydomain"`. */
  readonly domainAlias: Input<string>;
  /** The domain's sequencers; the participant uses whichever works. Example: `[{ alias: "sequencer1", url: "http://10.0.0.5:5001" }]`. */
  readonly sequencers: Input<Input<SequencerToDial>[]>;
  /** The domain's id that is insisted on: another domain at the same address is refused. */
  readonly domainId: Input<string>;
  /** What a refused participant is told to do, such as the lines of configuration that admit it. */
  readonly admission?: Input<string>;
}

/**
 * Registers a participant with a domain and connects it (`domains.connect_multi`), onboarding it the first time. Fails, with
 * what to do, when the domain refuses it. Deleting it disconnects. One resource.
 */
export class DomainConnection extends dynamic.Resource {
  /** The participant's own name for the domain. */
  declare readonly domainAlias: Output<string>;
  /** Id of the domain. */
  declare readonly domainId: Output<string>;

  constructor(name: string, args: DomainConnectionArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/topology/domain-connection/provider.ts"),
      name,
      { ...args },
      options,
      "topology",
      "DomainConnection",
    );
  }
}
