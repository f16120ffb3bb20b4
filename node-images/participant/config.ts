import { baseNodeSchema, durationSchema, isLoopback, serverSchema } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";

/** The Ledger API has no authentication yet, so nothing but this machine may reach it. */
const ledgerApiSchema = serverSchema.superRefine((server, context) => {
  if (isLoopback(server.address)) return;
  context.addIssue({
    code: "custom",
    path: ["address"],
    message:
      'expected a loopback address such as "127.0.0.1": the Ledger API has no authentication configured, so only this machine may reach it',
  });
});

/** The configuration file of a participant. */
export const participantSchema = baseNodeSchema.extend({
  /** The API of applications. Loopback only, also with TLS, as long as no authentication can be configured. */
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
