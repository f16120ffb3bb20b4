import { beforeEach, expect, test } from "vitest";
import { AzureKeyVault } from "../identity/azure-key-vault.ts";
import { AzureNetwork } from "./azure-network.ts";
import { AzureWebFirewall, type AzureWebFirewallArgs } from "./azure-web-firewall.ts";
import { mockAzure, productionPlace as place, type Registered, settled } from "./testing/azure-mocks.ts";

let registered: Registered[];
beforeEach(async () => {
  registered = (await mockAzure()).registered;
});

async function made(args: Partial<AzureWebFirewallArgs> = {}) {
  const network = new AzureNetwork("net", { place, addressSpace: "10.20.0.0/16", optionalTiers: ["firewall"] });
  const vault = new AzureKeyVault("vault", { place, network });
  new AzureWebFirewall("waf", {
    place,
    network,
    vault,
    addressId: "/addresses/a",
    hostName: "api.example.com",
    certificate: "api",
    backend: "10.20.64.10",
    allowedRanges: ["203.0.113.0/24"],
    zones: ["1", "2", "3"],
    ...args,
  });
  await settled();
  const of = (type: string) => registered.find((resource) => resource.type === type)?.inputs ?? {};
  return { policy: of("network:WebApplicationFirewallPolicy"), gateway: of("network:ApplicationGateway") };
}

test("whoever is not on the list is refused, whoever asks too often too, and what looks like an attack", async () => {
  const { policy } = await made({ requestsPerMinute: 100 });
  expect(policy.policySettings).toMatchObject({ state: "Enabled", mode: "Prevention", requestBodyCheck: true });
  const [list, rate] = policy.customRules;
  expect(list).toMatchObject({ priority: 1, ruleType: "MatchRule", action: "Block" });
  expect(list.matchConditions).toEqual([
    {
      matchVariables: [{ variableName: "RemoteAddr" }],
      operator: "IPMatch",
      negationConditon: true,
      matchValues: ["203.0.113.0/24"],
    },
  ]);
  expect(rate).toMatchObject({
    priority: 2,
    ruleType: "RateLimitRule",
    action: "Block",
    rateLimitDuration: "OneMin",
    rateLimitThreshold: 100,
    groupByUserSession: [{ groupByVariables: [{ variableName: "ClientAddr" }] }],
  });
  expect(policy.managedRules.managedRuleSets.map(({ ruleSetType }: { ruleSetType: string }) => ruleSetType)).toEqual([
    "Microsoft_DefaultRuleSet",
    "Microsoft_BotManagerRuleSet",
  ]);
});

test("it can be tried without refusing anybody", async () => {
  expect((await made({ detectOnly: true })).policy.policySettings.mode).toBe("Detection");
});

test("it listens with the certificate of the vault, speaks TLS to the ingress, and is in all zones", async () => {
  const { gateway } = await made({ backendCaPem: "-----BEGIN CERTIFICATE-----" });
  expect(gateway).toMatchObject({
    sku: { name: "WAF_v2" },
    zones: ["1", "2", "3"],
    autoscaleConfiguration: { minCapacity: 2 },
    firewallPolicy: { id: expect.stringMatching(/webApplicationFirewallPolicys\/waf$/) },
    sslPolicy: { policyName: "AppGwSslPolicy20220101S" },
  });
  expect(gateway.sslCertificates[0].keyVaultSecretId).toMatch(/^https:\/\/[^/]+\.vault\.azure\.net\/secrets\/api$/);
  expect(gateway.backendAddressPools[0].backendAddresses).toEqual([{ ipAddress: "10.20.64.10" }]);
  expect(gateway.backendHttpSettingsCollection[0]).toMatchObject({ protocol: "Https", hostName: "api.example.com" });
  expect(gateway.httpListeners[0]).toMatchObject({ protocol: "Https", hostName: "api.example.com" });
});

test("every part that it names is one that it has", async () => {
  const { gateway } = await made({ backendCaPem: "-----BEGIN CERTIFICATE-----" });
  const named = [...JSON.stringify(gateway).matchAll(/applicationGateways\/canton-prod-firewall\/(\w+)\/(\w+)"/g)];
  expect(named.length).toBeGreaterThan(6);
  for (const [, kind = "", name] of named) {
    expect(gateway[kind].map((part: { name: string }) => part.name)).toContain(name);
  }
});

test("its identity reads one secret and no other", async () => {
  await made();
  const role = registered.find(({ type }) => type === "authorization:RoleAssignment")?.inputs;
  expect(role?.scope).toMatch(/\/vaults\/[^/]+\/secrets\/api$/);
  expect(role?.roleDefinitionId).toMatch(/4633458b-17de-408a-b874-0445c86b69e6$/);
});
