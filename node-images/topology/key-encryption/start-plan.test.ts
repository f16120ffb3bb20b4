import { type KeyEncryptionConfig, keyEncryptionSchema } from "@pulumi-canton/runtime/config.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { configuredKeyId, startPlan } from "./start-plan.ts";

const sections: KeyEncryptionConfig[] = [
  { type: "passphrase", passphraseFile: "/p" },
  { type: "aws-kms", keyId: "a" },
  { type: "aws-kms", keyId: "b" },
  { type: "gcp-kms", keyId: "projects/p/locations/l/keyRings/r/cryptoKeys/c" },
  { type: "azure-key-vault", keyId: "https://v/keys/k/1" },
  { type: "vault", address: "https://v:8200", keyId: "a", tokenFile: "/t" },
].map((section) => keyEncryptionSchema.parse(section));
const section = fc.constantFrom(...sections);
const maybe = fc.option(section, { nil: undefined });
const storedBy = (config: KeyEncryptionConfig, rotatedTo?: string) => ({
  wrapperType: config.type,
  wrapperKeyId: rotatedTo ?? configuredKeyId(config),
  configuredKeyId: configuredKeyId(config),
});

test("keys that are encrypted are never taken for plain ones, nor the other way round", () => {
  fc.assert(
    fc.property(maybe, maybe, maybe, (by, keyEncryption, previousKeyEncryption) => {
      const plan = startPlan(by && storedBy(by), { keyEncryption, previousKeyEncryption });
      if (by === undefined) expect(plan.kind).toBe(keyEncryption === undefined ? "plain" : "encrypt");
      else expect(["open", "refuse"]).toContain(plan.kind);
      if (plan.kind === "refuse")
        expect(plan.problem).toMatch(/^crypto\.(keyEncryption|previousKeyEncryption) is required/);
    }),
  );
});

test("an unchanged configuration changes nothing, also after a rotation by hand", () => {
  fc.assert(
    fc.property(section, maybe, fc.string(), (keyEncryption, previousKeyEncryption, rotatedTo) => {
      const plan = startPlan(storedBy(keyEncryption, rotatedTo), { keyEncryption, previousKeyEncryption });
      expect(plan).toMatchObject({ kind: "open", renew: false });
      if (plan.kind === "open") expect(plan.openers[0]).toBe("keyEncryption");
    }),
  );
});

test("another wrapper or key is taken over, as long as something can open what is stored", () => {
  fc.assert(
    fc.property(section, section, (old, keyEncryption) => {
      const plan = startPlan(storedBy(old), { keyEncryption, previousKeyEncryption: old });
      expect(plan).toMatchObject({ kind: "open", renew: old !== keyEncryption });
      const alone = startPlan(storedBy(old), { keyEncryption, previousKeyEncryption: undefined });
      expect(alone.kind).toBe(old.type === keyEncryption.type ? "open" : "refuse");
    }),
  );
});
