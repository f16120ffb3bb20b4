import { fileSchema } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { jwksUrlFault } from "../identity-providers/identity-provider.ts";

/** What says which tokens are accepted, whoever brings the authorities of the issuer's certificate. */
export const tokenSourceKeys = {
  type: z.literal("jwks"),
  /** Where the keys are: https, or http on a loopback address. */
  url: z.string().superRefine((url, context) => {
    const fault = jwksUrlFault(url);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  }),
  /** The `iss` that tokens must have. Default: any. */
  issuer: z.string().min(1).optional(),
  /** An `aud` that tokens must have. */
  targetAudience: z.string().min(1).optional(),
  /** A `scope` that tokens must have. */
  targetScope: z.string().regex(/^\S+$/, "expected one scope, without spaces").optional(),
};

/**
 * Tokens that the Ledger API accepts for the users of the default identity provider: JSON Web Tokens signed (RS256, ES256
 * or EdDSA) with a key of a JSON Web Key Set. Without `targetAudience` and `targetScope` a token is one for this
 * participant when its `aud` is `https://daml.com/jwt/aud/participant/<participant id>`, or when its `scope` has
 * `daml_ledger_api` and its `aud`, if it has one, is the participant id.
 */
export const tokenSourceSchema = z
  .strictObject({
    ...tokenSourceKeys,
    /** PEM file of the authorities to trust when keys are fetched. Default: those of the machine. */
    caFile: fileSchema.optional(),
  })
  .refine(({ url, caFile }) => caFile === undefined || /^https:/i.test(url), {
    path: ["caFile"],
    error: "expected it with an https url only",
  });

/** One kind of tokens that the Ledger API accepts. */
export type TokenSource = z.output<typeof tokenSourceSchema>;
