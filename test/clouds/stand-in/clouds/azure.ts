import type { ResourceSchema } from "../../schema/schema.ts";
import { differences, isReplacement } from "../differences.ts";
import type { Values } from "../wire.ts";
import { certificateText } from "./certificate-text.ts";
import { type Cloud, digits, type Making, numberBelow, textIn, typeIn, uuid } from "./cloud.ts";

/** Who runs the program. */
export const subscription = "00000000-0000-4000-8000-000000000001";
export const tenant = "00000000-0000-4000-8000-000000000002";

/** Where the program names no other. */
const location = "germanywestcentral";

/** Below a resource group, or anything else where it starts with a brace. */
const paths: Readonly<Record<string, string>> = {
  "authorization:RoleAssignment": "{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
  "authorization:RoleDefinition": "{scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionId}",
  "authorization:ManagementLockByScope": "{scope}/providers/Microsoft.Authorization/locks/{lockName}",
  "authorization:ManagementLockAtResourceLevel": "providers/Microsoft.Authorization/locks/{lockName}",
  "authorization:ManagementLockAtResourceGroupLevel": "providers/Microsoft.Authorization/locks/{lockName}",
  "monitor:DiagnosticSetting": "{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}",
  "compute:DiskEncryptionSet": "Microsoft.Compute/diskEncryptionSets/{diskEncryptionSetName}",
  "compute:VirtualMachine": "Microsoft.Compute/virtualMachines/{vmName}",
  "containerregistry:Registry": "Microsoft.ContainerRegistry/registries/{registryName}",
  "containerservice:AgentPool": "Microsoft.ContainerService/managedClusters/{resourceName}/agentPools/{agentPoolName}",
  "containerservice:MaintenanceConfiguration":
    "Microsoft.ContainerService/managedClusters/{resourceName}/maintenanceConfigurations/{configName}",
  "containerservice:ManagedCluster": "Microsoft.ContainerService/managedClusters/{resourceName}",
  "dataprotection:BackupInstance":
    "Microsoft.DataProtection/backupVaults/{vaultName}/backupInstances/{backupInstanceName}",
  "dataprotection:BackupPolicy": "Microsoft.DataProtection/backupVaults/{vaultName}/backupPolicies/{backupPolicyName}",
  "dataprotection:BackupVault": "Microsoft.DataProtection/backupVaults/{vaultName}",
  "dbforpostgresql:Configuration":
    "Microsoft.DBforPostgreSQL/flexibleServers/{serverName}/configurations/{configurationName}",
  "dbforpostgresql:Database": "Microsoft.DBforPostgreSQL/flexibleServers/{serverName}/databases/{databaseName}",
  "dbforpostgresql:Server": "Microsoft.DBforPostgreSQL/flexibleServers/{serverName}",
  "dbforpostgresql:VirtualEndpoint":
    "Microsoft.DBforPostgreSQL/flexibleServers/{serverName}/virtualendpoints/{virtualEndpointName}",
  "keyvault:Key": "Microsoft.KeyVault/vaults/{vaultName}/keys/{keyName}",
  "keyvault:Secret": "Microsoft.KeyVault/vaults/{vaultName}/secrets/{secretName}",
  "keyvault:Vault": "Microsoft.KeyVault/vaults/{vaultName}",
  "managedidentity:FederatedIdentityCredential":
    "Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}/federatedIdentityCredentials/{federatedIdentityCredentialResourceName}",
  "managedidentity:UserAssignedIdentity": "Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}",
  "network:ApplicationGateway": "Microsoft.Network/applicationGateways/{applicationGatewayName}",
  "network:BastionHost": "Microsoft.Network/bastionHosts/{bastionHostName}",
  "network:FlowLog": "Microsoft.Network/networkWatchers/{networkWatcherName}/flowLogs/{flowLogName}",
  "network:LocalNetworkGateway": "Microsoft.Network/localNetworkGateways/{localNetworkGatewayName}",
  "network:NatGateway": "Microsoft.Network/natGateways/{natGatewayName}",
  "network:NetworkSecurityGroup": "Microsoft.Network/networkSecurityGroups/{networkSecurityGroupName}",
  "network:PrivateDnsZoneGroup":
    "Microsoft.Network/privateEndpoints/{privateEndpointName}/privateDnsZoneGroups/{privateDnsZoneGroupName}",
  "network:PrivateEndpoint": "Microsoft.Network/privateEndpoints/{privateEndpointName}",
  "network:PublicIPAddress": "Microsoft.Network/publicIPAddresses/{publicIpAddressName}",
  "network:PublicIPPrefix": "Microsoft.Network/publicIPPrefixes/{publicIpPrefixName}",
  "network:RouteTable": "Microsoft.Network/routeTables/{routeTableName}",
  "network:SecurityRule":
    "Microsoft.Network/networkSecurityGroups/{networkSecurityGroupName}/securityRules/{securityRuleName}",
  "network:Subnet": "Microsoft.Network/virtualNetworks/{virtualNetworkName}/subnets/{subnetName}",
  "network:VirtualNetwork": "Microsoft.Network/virtualNetworks/{virtualNetworkName}",
  "network:VirtualNetworkGateway": "Microsoft.Network/virtualNetworkGateways/{virtualNetworkGatewayName}",
  "network:VirtualNetworkGatewayConnection": "Microsoft.Network/connections/{virtualNetworkGatewayConnectionName}",
  "network:VirtualNetworkPeering":
    "Microsoft.Network/virtualNetworks/{virtualNetworkName}/virtualNetworkPeerings/{virtualNetworkPeeringName}",
  "network:WebApplicationFirewallPolicy":
    "Microsoft.Network/applicationGatewayWebApplicationFirewallPolicies/{policyName}",
  "operationalinsights:Workspace": "Microsoft.OperationalInsights/workspaces/{workspaceName}",
  "privatedns:PrivateRecordSet":
    "Microsoft.Network/privateDnsZones/{privateZoneName}/{recordType}/{relativeRecordSetName}",
  "privatedns:PrivateZone": "Microsoft.Network/privateDnsZones/{privateZoneName}",
  "privatedns:VirtualNetworkLink":
    "Microsoft.Network/privateDnsZones/{privateZoneName}/virtualNetworkLinks/{virtualNetworkLinkName}",
  "resources:ResourceGroup": "",
  "storage:BlobContainer":
    "Microsoft.Storage/storageAccounts/{accountName}/blobServices/default/containers/{containerName}",
  "storage:BlobContainerImmutabilityPolicy":
    "Microsoft.Storage/storageAccounts/{accountName}/blobServices/default/containers/{containerName}/immutabilityPolicies/default",
  "storage:BlobServiceProperties": "Microsoft.Storage/storageAccounts/{accountName}/blobServices/default",
  "storage:ManagementPolicy": "Microsoft.Storage/storageAccounts/{accountName}/managementPolicies/default",
  "storage:StorageAccount": "Microsoft.Storage/storageAccounts/{accountName}",
};

/** What the API does not change in place, besides what the id is made of and the location. */
const createOnly: Readonly<Record<string, readonly string[]>> = {
  "authorization:RoleAssignment": ["principalId", "principalType", "roleDefinitionId"],
  "compute:VirtualMachine": [
    "osProfile.adminUsername",
    "osProfile.computerName",
    "storageProfile.imageReference",
    "zones",
  ],
  "containerservice:AgentPool": [
    "availabilityZones",
    "enableEncryptionAtHost",
    "enableFIPS",
    "gpuInstanceProfile",
    "maxPods",
    "osDiskSizeGB",
    "osDiskType",
    "osType",
    "podSubnetID",
    "scaleSetPriority",
    "vmSize",
    "vnetSubnetID",
  ],
  "containerservice:ManagedCluster": [
    "apiServerAccessProfile.enablePrivateCluster",
    "diskEncryptionSetID",
    "dnsPrefix",
    "fqdnSubdomain",
    "networkProfile.dnsServiceIP",
    "networkProfile.loadBalancerSku",
    "networkProfile.networkPlugin",
    "networkProfile.podCidr",
    "networkProfile.serviceCidr",
    "nodeResourceGroup",
  ],
  "dbforpostgresql:Database": ["charset", "collation"],
  "dbforpostgresql:Server": [
    "administratorLogin",
    "availabilityZone",
    "createMode",
    "dataEncryption.type",
    "network.delegatedSubnetResourceId",
    "network.privateDnsZoneArmResourceId",
    "pointInTimeUTC",
    "sourceServerResourceId",
  ],
  "keyvault:Key": ["properties.kty", "properties.keySize", "properties.curveName"],
  "keyvault:Vault": ["properties.tenantId"],
  "network:BastionHost": ["ipConfigurations.subnet"],
  "network:NatGateway": ["sku", "zones"],
  "network:PrivateEndpoint": [
    "subnet.id",
    "privateLinkServiceConnections.groupIds",
    "privateLinkServiceConnections.privateLinkServiceId",
  ],
  "network:PublicIPAddress": ["publicIPAddressVersion", "publicIPAllocationMethod", "sku", "zones"],
  "network:PublicIPPrefix": ["prefixLength", "sku", "zones"],
  "network:VirtualNetworkGateway": ["gatewayType", "vpnType"],
  "network:VirtualNetworkGatewayConnection": ["connectionType", "virtualNetworkGateway1.id", "localNetworkGateway2.id"],
  "privatedns:VirtualNetworkLink": ["virtualNetwork.id"],
  "storage:StorageAccount": [
    "encryption.requireInfrastructureEncryption",
    "immutableStorageWithVersioning",
    "isHnsEnabled",
    "kind",
  ],
};

/** What a pool of machines cannot get another of. */
const ofAPool = createOnly["containerservice:AgentPool"] as readonly string[];

/** A cluster takes no new pools, and no changes of those it was made with but of their numbers; one that is left out stays. */
function refusedPools(before: Values, after: Values): string | undefined {
  const pools = (inputs: Values) => (inputs["agentPoolProfiles"] ?? []) as readonly Values[];
  for (const pool of pools(after)) {
    const was = pools(before).find(({ name }) => name === pool["name"]);
    if (was === undefined) {
      return `A new agent pool was introduced: ${pool["name"]}. Adding agent pools to an existing cluster is not allowed through managed cluster operations`;
    }
    const changed = differences(was, pool).find((difference) => isReplacement(difference, ofAPool));
    if (changed !== undefined) return `Changing property 'agentPoolProfiles.${changed.path}' is not allowed`;
  }
  return undefined;
}

function pathOf(token: string, schema: ResourceSchema | undefined): string {
  const type = typeIn(token);
  const group = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}";
  if (type === "resources:ResourceGroup") return group;
  const known = paths[type] ?? unlisted(type, schema);
  if (known.startsWith("{")) return known;
  return `${group}/${known.startsWith("providers/") ? "" : "providers/"}${known}`;
}

/** A guess for a type that is not listed: its own name comes after those of what it is in, which it cannot do without. */
function unlisted(type: string, schema: ResourceSchema | undefined): string {
  const [module = "", kind = ""] = type.split(":");
  const inputs = Object.entries(schema?.inputs ?? {}).filter(
    ([name]) => name.endsWith("Name") && name !== "resourceGroupName",
  );
  const parents = inputs
    .filter(([, { optional, shape }]) => !optional && shape.kind === "string")
    .map(([name]) => name);
  const own = inputs.find(
    ([name, { optional }]) => optional && name.toLowerCase().startsWith(kind.toLowerCase().slice(0, 4)),
  )?.[0];
  return [
    `Microsoft.${module}`,
    `${kind[0]?.toLowerCase()}${kind.slice(1)}s`,
    ...parents.map((name) => `{${name}}`),
    ...(own ? [`{${own}}`] : []),
  ].join("/");
}

function variables(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string).filter((name) => name !== "subscriptionId");
}

function special(making: Making & { readonly id: string }): Values {
  const { token, seed, inputs, id } = making;
  const name = id.split("/").at(-1) ?? "";
  switch (typeIn(token)) {
    case "containerservice:ManagedCluster": {
      const fqdn = `${textIn(inputs, "dnsPrefix") ?? name}-${digits(seed, 8)}.hcp.${textIn(inputs, "location") ?? location}.azmk8s.io`;
      return {
        fqdn,
        privateFQDN: fqdn.replace(".hcp.", ".privatelink."),
        oidcIssuerProfile: {
          enabled: true,
          issuerURL: `https://${textIn(inputs, "location") ?? location}.oic.prod-aks.azure.com/${tenant}/${uuid(seed, "oidc")}/`,
        },
        identityProfile: {
          kubeletidentity: {
            clientId: uuid(seed, "kubelet client"),
            objectId: uuid(seed, "kubelet"),
            resourceId: `${id}/kubelet`,
          },
        },
        nodeResourceGroup: textIn(inputs, "nodeResourceGroup") ?? `MC_${inputs["resourceGroupName"]}_${name}`,
        ...principal("identity", making),
      };
    }
    case "dbforpostgresql:Server":
      return {
        fullyQualifiedDomainName: `${name}.postgres.database.azure.com`,
        state: "Ready",
        ...principal("identity", making),
      };
    case "keyvault:Vault":
      return { properties: { ...(inputs["properties"] as Values), vaultUri: `https://${name}.vault.azure.net/` } };
    case "keyvault:Key": {
      const keyUri = `https://${inputs["vaultName"]}.vault.azure.net/keys/${name}`;
      return { keyUri, keyUriWithVersion: `${keyUri}/${digits(seed, 32, "version")}` };
    }
    case "keyvault:Secret": {
      const secretUri = `https://${inputs["vaultName"]}.vault.azure.net/secrets/${name}`;
      const properties = {
        ...(inputs["properties"] as Values),
        secretUri,
        secretUriWithVersion: `${secretUri}/${digits(seed, 32, "version")}`,
      };
      return { properties };
    }
    case "managedidentity:UserAssignedIdentity":
      return { clientId: uuid(seed, "client"), principalId: uuid(seed, "principal"), tenantId: tenant };
    case "network:PublicIPAddress":
      return { ipAddress: `203.0.113.${1 + numberBelow(254, seed)}` };
    case "network:BastionHost":
      return { dnsName: `bst-${uuid(seed)}.bastion.azure.com` };
    case "operationalinsights:Workspace":
      return { customerId: uuid(seed, "customer") };
    case "storage:StorageAccount": {
      const endpoint = (service: string) => `https://${name}.${service}.core.windows.net/`;
      const endpoints = Object.fromEntries(
        ["blob", "dfs", "file", "queue", "table"].map((service) => [service, endpoint(service)]),
      );
      return {
        primaryEndpoints: { ...endpoints, web: `https://${name}.web.core.windows.net/` },
        ...principal("identity", making),
      };
    }
    case "compute:DiskEncryptionSet":
    case "dataprotection:BackupVault":
      return principal("identity", making);
    default:
      return {};
  }
}

/** The identity of a resource that has one of its own. */
function principal(property: string, { inputs, seed }: Making): Values {
  const identity = inputs[property] as Values | undefined;
  if (identity === undefined) return {};
  const assigned = identity["userAssignedIdentities"];
  const ids = Array.isArray(assigned) ? assigned : Object.keys((assigned as Values | undefined) ?? {});
  const own = String(identity["type"]).includes("SystemAssigned")
    ? { principalId: uuid(seed, property), tenantId: tenant }
    : {};
  const users = Object.fromEntries(
    ids.map((id: string) => [id, { clientId: uuid(id, "client"), principalId: uuid(id, "principal") }]),
  );
  return { [property]: { ...identity, ...own, ...(ids.length > 0 && { userAssignedIdentities: users }) } };
}

/** Azure, by the provider that speaks to Azure's own API. */
export const azure: Cloud = {
  autoName(token, schema) {
    const own = variables(pathOf(token, schema)).at(-1);
    return own !== undefined && own !== "scope" && schema?.inputs[own]?.optional ? own : undefined;
  },
  nameFrom: (name, suffix) => `${name}${suffix}`,
  createOnly(token, schema) {
    return ["location", "resourceGroupName", ...variables(pathOf(token, schema)), ...(createOnly[typeIn(token)] ?? [])];
  },
  refuses: (token, before, after) =>
    typeIn(token) === "containerservice:ManagedCluster" ? refusedPools(before, after) : undefined,
  id(making) {
    return pathOf(making.token, making.schema).replace(/\{(\w+)\}/g, (_, variable: string) => {
      if (variable === "subscriptionId") return subscription;
      return textIn(making.inputs, variable) ?? making.name;
    });
  },
  occupies: (making) => azure.id(making),
  outputs(making) {
    const { token, schema, inputs, id } = making;
    const given: Record<string, unknown> = {
      name: id.split("/").at(-1),
      type: resourceType(id),
      provisioningState: "Succeeded",
      azureApiVersion: "2025-05-01",
      location: textIn(inputs, "location") ?? location,
      etag: `W/"${uuid(making.seed, "etag")}"`,
      managedBy: undefined,
      privateEndpointConnections: [],
      ...(token.includes("network:") && { resourceGuid: uuid(making.seed, "guid") }),
    };
    const known = Object.entries(given).filter(
      ([property, value]) => schema?.outputs[property] !== undefined && value !== undefined,
    );
    return { ...Object.fromEntries(known), ...special(making) };
  },
  text({ seed, id }, property) {
    if (property === "id") return `${id}/${digits(seed, 6)}`;
    if (/certificate/i.test(property)) return certificateText(id);
    if (property === "tenantId") return tenant;
    if (/(principal|client|object)Id$/i.test(property)) return uuid(seed, property);
    if (property === "provisioningState") return "Succeeded";
    return undefined;
  },
  contains: (id, other) => other.startsWith(`${id}/`),
  handles: () => [],
};

/** `Microsoft.Network/virtualNetworks/subnets` of an id. */
function resourceType(id: string): string {
  const parts = id.slice(id.lastIndexOf("/providers/") + "/providers/".length).split("/");
  if (!id.includes("/providers/")) return "Microsoft.Resources/resourceGroups";
  return parts.filter((_, index) => index === 0 || index % 2 === 1).join("/");
}
