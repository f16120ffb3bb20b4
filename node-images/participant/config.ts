import { baseNodeSchema, durationSchema, isLoopback, serverSchema } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { tokenSourceSchema } from "./ledger-api/authorization/auth-config.ts";

/** The API of applications. Without `auth` anybody may do anything, so only this machine may reach it, also with TLS. */
const ledgerApiSchema = serverSchema
  .safeExtend({
    /** The tokens of users, tried in this order; the identity providers that are configured at run time come on top. */
    auth: z.array(tokenSourceSchema).min(1).optional(),
    /** How far the clocks of those who issue tokens may be off. */
    clockLeeway: durationSchema.prefault("0s"),
  })
  .superRefine((server, context) => {
    if (server.auth !== undefined || isLoopback(server.address)) return;
    context.addIssue({
      code: "custom",
      path: ["auth"],
      message: `is required because address ${JSON.stringify(server.address)} is reachable from other machines; expected a list such as [{ type: jwks, url: "https://idp.example.com/jwks" }], or a loopback address such as "127.0.0.1"`,
    });
  });

/** The configuration file of a participant. */
export const participantSchema = baseNodeSchema.extend({
  ledgerApi: ledgerApiSchema,
  /** How long the steps of connecting to a domain may take. */
  domains: z
    .strictObject({
      /** Longest wait for the domain's answer to the onboarding request. */
      onboardingTimeout: durationSchema.prefault("30s"),
      /** Longest wait, once admitted, until the domain has activated the participant: it sends it its whole topology first. */
      activationTimeout: durationSchema.prefault("10m"),
      /** An own topology transaction that the domain has not answered is sent again after this time. */
      topologyResendAfter: durationSchema.prefault("30s"),
    })
    .prefault({}),
});

/** The configuration of a participant, checked. */
export type ParticipantConfig = z.output<typeof participantSchema>;
