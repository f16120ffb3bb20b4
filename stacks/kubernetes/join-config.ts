/** A domain of another organisation, as the configurations of `kubernetes` and `bridge` have it. */
import { pinnedTermsSchema } from "@pulumi-canton/domain-manager/invitation/invitation.ts";
import { z } from "zod";
import { domainAlias } from "../config/domain.ts";

/** A domain that participants join. */
export const joinSchema = z.strictObject({
  /** What the owner of the domain gave out. */
  invitation: z
    .union(
      [z.string().min(1), z.record(z.string(), z.unknown())],
      "expected the JSON that the owner of the domain gave out",
    )
    .transform((given) => (typeof given === "string" ? given : JSON.stringify(given))),
  /** Id of the domain, learnt on another way than the invitation: one to another domain is refused. */
  domainId: z
    .string()
    .regex(/^[^:]+::[0-9a-f]+$/, "expected the id of a domain, alias::1220…")
    .optional(),
  /** What this organisation calls the domain. Default: what its owner calls it. */
  alias: domainAlias.optional(),
  /** The domain's terms of service, once somebody has read them. */
  termsOfService: pinnedTermsSchema.optional(),
});

/** A domain that participants join, checked. */
export type JoinConfig = z.output<typeof joinSchema>;

/** Why a domain of others cannot be joined with this network. */
export function reachProblems(sequencers: readonly unknown[]): string[] {
  if (sequencers.length > 0) return [];
  return [
    'network.sequencers is required: nothing else lets participants out to sequencers of others; expected a list such as [{ peer: { cidr: "192.0.2.10/32" }, port: 443 }]',
  ];
}
