import { type CustomResourceOptions, dynamic, type Input, type Output } from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";
import type { DomainParameterValues } from "./parameters.ts";

/** Arguments of `DomainParameters`. */
export interface DomainParametersArgs {
  /** Admin API of the domain manager. Example: `domain.adminApi`. */
  readonly domainManager: Input<Endpoint>;
  /** Id of the domain. Example: `domain.domainId`. */
  readonly domainId: Input<string>;
  /** The parameters that are managed; all others are left as they are. Example: `{ reconciliationInterval: "30s" }`. */
  readonly parameters: DomainParameterValues;
  /** Confirms an increase of `ledgerTimeRecordTimeTolerance`. Default: false. */
  readonly force?: Input<boolean>;
}

/**
 * Dynamic parameters of a domain, in effect for all its members. Deleting it brings back what they were before, unless
 * somebody has changed them since. One resource; at most one a domain.
 */
export class DomainParameters extends dynamic.Resource {
  /** The parameters that are managed. */
  declare readonly parameters: Output<DomainParameterValues>;
  /** What they were before. */
  declare readonly previous: Output<DomainParameterValues>;

  constructor(name: string, args: DomainParametersArgs, options?: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/topology/domain-parameters/provider.ts"),
      name,
      { previous: undefined, force: false, ...args },
      options,
      "topology",
      "DomainParameters",
    );
  }
}
