import { beforeEach, expect, test } from "vitest";
import { AzureNetwork } from "../network/azure-network.ts";
import {
  mockAzure,
  productionPlace as place,
  type Registered,
  settled,
  valueOf,
} from "../network/testing/azure-mocks.ts";
import { AzureEncryptionKey } from "./azure-encryption-key.ts";
import { AzureKeyVault } from "./azure-key-vault.ts";
import { roleIn } from "./azure-roles.ts";

let registered: Registered[];
beforeEach(async () => {
  registered = (await mockAzure()).registered;
});
const of = (type: string) => registered.filter((resource) => resource.type === type);

test("a vault is closed, lets nothing be destroyed before its time, and goes by roles", async () => {
  const network = new AzureNetwork("net", { place, addressSpace: "10.20.0.0/16" });
  const vault = new AzureKeyVault("vault", { place, network, hardware: true });
  expect(await valueOf(vault.vaultName)).toMatch(/^[a-z][a-z0-9]{2,23}$/);
  await settled();
  const [made] = of("keyvault:Vault");
  expect(made).toMatchObject({
    protect: true,
    retainOnDelete: true,
    parent: "pulumi-canton:identity:AzureKeyVault vault",
  });
  expect(made?.inputs.properties).toMatchObject({
    sku: { name: "premium" },
    enableRbacAuthorization: true,
    enableSoftDelete: true,
    enablePurgeProtection: true,
    publicNetworkAccess: "Disabled",
    networkAcls: { defaultAction: "Deny", bypass: "AzureServices" },
  });
  expect(of("network:PrivateEndpoint")).toHaveLength(1);
});

test("a secret is one in the state too, and stays with its vault", async () => {
  const vault = new AzureKeyVault("vault", { place });
  vault.keep("nodes-mediator", "s3cret", "password");
  await settled();
  const [made] = of("keyvault:Secret");
  expect(made?.inputs.properties).toMatchObject({ "4dabf18193072939515e22adb298388d": expect.any(String) });
  expect(made?.retainOnDelete).toBe(true);
});

test("a key wraps and nothing else, and one identity may use it, and no other key", async () => {
  const vault = new AzureKeyVault("vault", { place });
  const key = new AzureEncryptionKey("key", { place, vault, part: "databases", rotated: true });
  const name = await valueOf(vault.vaultName);
  expect(await valueOf(key.uriWithVersion)).toBe(`https://${name}.vault.azure.net/keys/databases/4f1c`);
  await settled();
  const [made] = of("keyvault:Key");
  expect(made?.inputs.properties).toMatchObject({
    kty: "RSA",
    keySize: 3072,
    keyOps: ["wrapKey", "unwrapKey"],
    attributes: { exportable: false },
    rotationPolicy: { lifetimeActions: [{ action: { type: "rotate" } }] },
  });
  const [role] = of("authorization:RoleAssignment");
  expect(role?.inputs).toMatchObject({
    principalId: "canton-prod-databases-principal",
    principalType: "ServicePrincipal",
    scope: expect.stringMatching(/\/vaults\/[^/]+\/keys\/databases$/),
    roleDefinitionId: expect.stringMatching(/e147488a-f6f5-4113-8e2d-b22465e65bf6$/),
  });
});

test("the key of nodes is not rotated behind their back, and in a hardware vault it is in hardware", async () => {
  const vault = new AzureKeyVault("vault", { place, hardware: true });
  new AzureEncryptionKey("key", { place, vault, part: "nodes" });
  await settled();
  const [made] = of("keyvault:Key");
  expect(made?.inputs.properties.kty).toBe("RSA-HSM");
  expect(made?.inputs.properties.rotationPolicy).toBeUndefined();
});

test("a role is named in the subscription of what it holds for", () => {
  expect(roleIn("/subscriptions/s/resourceGroups/g", "reader")).toBe(
    "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
  );
  expect(() => roleIn("vault", "reader")).toThrow('got "vault"; expected the id of a resource');
});
