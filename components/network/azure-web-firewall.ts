import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import { ApplicationGateway } from "@pulumi/azure-native/network/applicationGateway.js";
import { WebApplicationFirewallPolicy } from "@pulumi/azure-native/network/webApplicationFirewallPolicy.js";
import { ComponentResource, type ComponentResourceOptions, type Input, interpolate, type Output } from "@pulumi/pulumi";
import type { AzureKeyVault } from "../identity/azure-key-vault.ts";
import { grant } from "../identity/azure-roles.ts";
import type { AzureNetwork } from "./azure-network.ts";
import { type AzurePlace, azureName, placed } from "./azure-place.ts";

/** Arguments of an `AzureWebFirewall`. */
export interface AzureWebFirewallArgs {
  readonly place: AzurePlace;
  /** Made with the optional tier `firewall`. */
  readonly network: AzureNetwork;
  /** Id of its public address. */
  readonly addressId: Input<string>;
  /** Name that people dial. Example: `"api.canton.example.com"`. */
  readonly hostName: string;
  /** The vault with the certificate of that name, and what it is called there. Brought into the vault before. */
  readonly vault: AzureKeyVault;
  readonly certificate: string;
  /** Address of the ingress. */
  readonly backend: Input<string>;
  /** PEM of the authority of the ingress, where not every machine knows it. Default: those that are known. */
  readonly backendCaPem?: string;
  /** Who gets through. */
  readonly allowedRanges: readonly string[];
  /** Most requests in a minute from one address. Default: 600. */
  readonly requestsPerMinute?: number;
  /** Writes down what it would refuse, and refuses nothing: to try it. Default: false. */
  readonly detectOnly?: boolean;
  /** Zones of the region. Default: none. */
  readonly zones?: readonly string[];
}

/**
 * A web application firewall in front of the ingress, for the HTTP side of it: the JSON API and what people sign in to. gRPC does
 * not pass an Application Gateway; sequencers and Ledger APIs are dialled at the ingress itself.
 *
 * Resources: 1 + 4.
 *
 * Cost: about 325 a month, and 10 for every unit of load.
 */
export class AzureWebFirewall extends ComponentResource {
  declare readonly policyId: Output<string>;

  constructor(name: string, args: AzureWebFirewallArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AzureWebFirewall", name, {}, options);
    const { place, network, vault, zones = [] } = args;
    const parent = { parent: this };
    const identity = new UserAssignedIdentity(
      name,
      { ...placed(place), resourceName: azureName(place, "firewall") },
      parent,
    );
    const reads = grant(
      name,
      {
        principalId: identity.principalId,
        role: "secretReader",
        scope: interpolate`${vault.vaultId}/secrets/${args.certificate}`,
        description: "reads the certificate of the web firewall",
      },
      parent,
    );
    const policy = new WebApplicationFirewallPolicy(
      name,
      {
        ...placed(place),
        policyName: azureName(place, "firewall"),
        policySettings: {
          state: "Enabled",
          mode: args.detectOnly ? "Detection" : "Prevention",
          requestBodyCheck: true,
          maxRequestBodySizeInKb: 2000,
          // Packages are uploaded through the JSON API.
          fileUploadLimitInMb: 100,
        },
        customRules: customRules(args.allowedRanges, args.requestsPerMinute ?? 600),
        managedRules: {
          managedRuleSets: [
            { ruleSetType: "Microsoft_DefaultRuleSet", ruleSetVersion: "2.1" },
            { ruleSetType: "Microsoft_BotManagerRuleSet", ruleSetVersion: "1.1" },
          ],
        },
      },
      parent,
    );
    this.policyId = policy.id;

    const gatewayName = azureName(place, "firewall");
    // Its parts name each other by ids, which have to be known before it is made.
    const part = (kind: string, of: string) => ({
      id: network.networkId.apply((id) =>
        id.replace(/\/virtualNetworks\/.*$/, `/applicationGateways/${gatewayName}/${kind}/${of}`),
      ),
    });
    const trusted = args.backendCaPem === undefined ? [] : [args.backendCaPem];
    new ApplicationGateway(
      name,
      {
        ...placed(place),
        applicationGatewayName: gatewayName,
        sku: { name: "WAF_v2", tier: "WAF_v2" },
        autoscaleConfiguration: { minCapacity: zones.length > 0 ? 2 : 1, maxCapacity: 10 },
        ...(zones.length > 0 && { zones: [...zones] }),
        identity: { type: "UserAssigned", userAssignedIdentities: [identity.id] },
        enableHttp2: true,
        firewallPolicy: { id: policy.id },
        sslPolicy: { policyType: "Predefined", policyName: "AppGwSslPolicy20220101S" },
        gatewayIPConfigurations: [{ name: "subnet", subnet: { id: network.subnet("firewall") } }],
        frontendIPConfigurations: [{ name: "public", publicIPAddress: { id: args.addressId } }],
        frontendPorts: [{ name: "https", port: 443 }],
        sslCertificates: [
          { name: "certificate", keyVaultSecretId: interpolate`${vault.uri}secrets/${args.certificate}` },
        ],
        trustedRootCertificates: trusted.map((pem) => ({ name: "ingress", data: Buffer.from(pem).toString("base64") })),
        httpListeners: [
          {
            name: "https",
            frontendIPConfiguration: part("frontendIPConfigurations", "public"),
            frontendPort: part("frontendPorts", "https"),
            protocol: "Https",
            hostName: args.hostName,
            requireServerNameIndication: true,
            sslCertificate: part("sslCertificates", "certificate"),
          },
        ],
        backendAddressPools: [{ name: "ingress", backendAddresses: [{ ipAddress: args.backend }] }],
        backendHttpSettingsCollection: [
          {
            name: "https",
            protocol: "Https",
            port: 443,
            hostName: args.hostName,
            requestTimeout: 60,
            cookieBasedAffinity: "Disabled",
            probe: part("probes", "ingress"),
            trustedRootCertificates: trusted.map(() => part("trustedRootCertificates", "ingress")),
          },
        ],
        probes: [
          {
            name: "ingress",
            protocol: "Https",
            path: "/",
            pickHostNameFromBackendHttpSettings: true,
            interval: 30,
            timeout: 30,
            unhealthyThreshold: 3,
            // That it answers is enough: what it answers is up to what runs behind it.
            match: { statusCodes: ["200-499"] },
          },
        ],
        requestRoutingRules: [
          {
            name: "ingress",
            ruleType: "Basic",
            priority: 100,
            httpListener: part("httpListeners", "https"),
            backendAddressPool: part("backendAddressPools", "ingress"),
            backendHttpSettings: part("backendHttpSettingsCollection", "https"),
          },
        ],
      },
      { ...parent, dependsOn: [reads, ...(vault.endpoint ? [vault.endpoint] : [])] },
    );
    this.registerOutputs({ policyId: this.policyId });
  }
}

function customRules(allowedRanges: readonly string[], requestsPerMinute: number) {
  const anyone = {
    matchVariables: [{ variableName: "RemoteAddr" }],
    operator: "IPMatch",
    matchValues: ["0.0.0.0/0", "::/0"],
  };
  return [
    {
      name: "notOnTheList",
      priority: 1,
      ruleType: "MatchRule",
      action: "Block",
      matchConditions: [{ ...anyone, negationConditon: true, matchValues: [...allowedRanges] }],
    },
    {
      name: "tooMany",
      priority: 2,
      ruleType: "RateLimitRule",
      action: "Block",
      rateLimitDuration: "OneMin",
      rateLimitThreshold: requestsPerMinute,
      groupByUserSession: [{ groupByVariables: [{ variableName: "ClientAddr" }] }],
      matchConditions: [anyone],
    },
  ];
}
