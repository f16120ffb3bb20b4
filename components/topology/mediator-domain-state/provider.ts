/** Pulumi's view of a mediator that serves a domain. */
import type { Endpoint } from "../../platform/platform.ts";
import { mappingProvider } from "../mapping/provider.ts";
import { withoutMemberCode } from "../topology-names.ts";

/** What the resource takes. */
export interface MediatorDomainStateInputs {
  readonly node: Endpoint;
  readonly domainId: string;
  readonly mediator: string;
  readonly side: "From" | "To" | "Both";
  readonly force?: boolean;
}

/** See `thinProvider`. */
export const provider = mappingProvider<MediatorDomainStateInputs, object, object>({
  inputs: ["node", "domainId", "mediator", "side", "force"],
  identity: ["domainId", "mediator", "side"],
  id: ({ domainId, mediator, side }) => `${domainId}/${withoutMemberCode(mediator)}/${side}`,
  failure: ({ domainId, mediator }) => `mediator ${mediator} is not one of ${domainId}`,
  target: ({ node, domainId, force }) => ({ node, domainId, force }),
  wanted: () => ({}),
  outputs: () => ({}),
  kind: async () => (await import("./mapping.ts")).mediatorDomainStateOf,
});
