import { keyEncryptionSchema } from "@pulumi-canton/runtime/config.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { secretPath } from "../platform/kubernetes/layout.ts";
import { type VaultKeyArgs, vaultKey, vaultPolicy } from "./vault-key.ts";

const base: VaultKeyArgs = { address: "https://vault.example.com:8200", key: "canton-prod", token: "hvs.CAESI" };
const caPem = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";

test("nodes take the section, and every file that it names is given", () => {
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,30}$/);
  fc.assert(
    fc.property(
      fc.record(
        {
          key: name,
          token: name,
          mount: name.filter(({ length }) => length > 1),
          namespace: name,
          caPem: fc.constant(caPem),
        },
        { requiredKeys: ["key", "token"] },
      ),
      (given) => {
        const { keyEncryption, files } = vaultKey({ ...base, ...given });
        expect(keyEncryptionSchema.parse(keyEncryption)).toEqual(keyEncryption);
        const { tokenFile, caFile } = keyEncryption as { tokenFile: string; caFile?: string };
        const paths = Object.fromEntries(Object.entries(files).map(([key, text]) => [secretPath(key), text]));
        expect(paths).toEqual({ [tokenFile]: given.token, ...(caFile !== undefined && { [caFile]: caPem }) });
        expect(caFile !== undefined).toBe(given.caPem !== undefined);
      },
    ),
  );
});

test("the token's policy is for this key only", () => {
  expect(vaultPolicy({ key: "canton-prod" })).toBe(
    'path "transit/encrypt/canton-prod" { capabilities = ["update"] }\npath "transit/decrypt/canton-prod" { capabilities = ["update"] }\n',
  );
});

test.each<[Partial<VaultKeyArgs>, RegExp]>([
  [{ address: "http://vault.example.com" }, /^address: got "http:/],
  [{ mount: "/transit" }, /^mount: got "\/transit"/],
  [{ key: "a/b" }, /^key: got "a\/b"/],
  [{ token: "" }, /^token: is empty/],
  [{ caPem: "x" }, /^caPem: has no certificate/],
])("%j is refused", (changes, message) => {
  expect(() => vaultKey({ ...base, ...changes })).toThrow(message);
});
