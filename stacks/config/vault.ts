/** A key of Vault that wraps the keys of nodes, as configurations have it. */
import { type VaultKeyArgs, vaultKey } from "@pulumi-canton/components/identity/vault-key.ts";
import { z } from "zod";

/** The section `vault`: a key of its transit engine, or of OpenBao's. `token` is a secret. */
export const vaultSchema = z
  .strictObject({
    address: z.string(),
    mount: z.string().optional(),
    key: z.string(),
    namespace: z.string().min(1).optional(),
    /** Authorities of its certificate. Default: those that every machine knows. */
    caPem: z.string().optional(),
    /** May encrypt and decrypt with the key, and nothing else. */
    token: z.string(),
  })
  .transform((given, context) => {
    try {
      // Keys that were left out are not there at all: to this the type does not attest.
      return vaultKey(given as VaultKeyArgs);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
      return z.NEVER;
    }
  });
