/**
 * What resources cost, in US dollars a month of 730 hours: list prices on demand, in the clouds' cheapest large regions (us-east-1,
 * eastus, us-central1), as published in 2025 and rounded. Right to an order of magnitude: discounts, traffic, requests and what
 * other regions cost more are not in it. docs/previews.md names the price lists.
 */

/** Dollars an hour of a machine with the size `large` (two vCPUs), by family; other sizes are multiples of it. */
export const ec2Large: Readonly<Record<string, number>> = {
  t3: 0.0832,
  t3a: 0.0752,
  t4g: 0.0672,
  m5: 0.096,
  m6a: 0.0864,
  m6g: 0.077,
  m6i: 0.096,
  m7g: 0.0816,
  m7i: 0.1008,
  m8g: 0.0898,
  c6g: 0.068,
  c6i: 0.085,
  c7g: 0.0725,
  c7i: 0.0893,
  r6g: 0.1008,
  r6i: 0.126,
  r7g: 0.1071,
  r7i: 0.1323,
};

/** As {@link ec2Large}, of RDS for PostgreSQL in one zone. */
export const rdsLarge: Readonly<Record<string, number>> = {
  t3: 0.145,
  t4g: 0.129,
  m5: 0.178,
  m6g: 0.159,
  m6i: 0.178,
  m7g: 0.168,
  m7i: 0.187,
  m8g: 0.176,
  r6g: 0.225,
  r6i: 0.25,
  r7g: 0.239,
  r7i: 0.263,
  r8g: 0.251,
};

/** Sizes of AWS machines in multiples of `large`. */
export const awsSizes: Readonly<Record<string, number>> = {
  nano: 1 / 16,
  micro: 1 / 8,
  small: 1 / 4,
  medium: 1 / 2,
  large: 1,
  xlarge: 2,
};

/** Dollars an hour and vCPU of Azure's machines, by the letters of the series: `D` with `s` is `Ds`. */
export const azureCore: Readonly<Record<string, number>> = {
  B: 0.0208,
  D: 0.048,
  Dd: 0.0565,
  Da: 0.043,
  Dp: 0.0385,
  E: 0.063,
  Ed: 0.072,
  Ea: 0.0565,
  F: 0.0423,
};

/** Dollars an hour and vCore of Azure Database for PostgreSQL, by the first letter of the series. */
export const azurePostgresCore: Readonly<Record<string, number>> = { B: 0.034, D: 0.089, E: 0.124 };

/** Dollars a month of the smallest ones, which have no series of their own. */
export const azurePostgresBurstable: Readonly<Record<string, number>> = { Standard_B1ms: 12.4, Standard_B2s: 50 };

/** Dollars a month of Azure's gateways and bastions, by SKU. */
export const azureGateway: Readonly<Record<string, number>> = {
  Basic: 26,
  VpnGw1: 139,
  VpnGw2: 358,
  VpnGw3: 913,
  VpnGw1AZ: 264,
  VpnGw2AZ: 412,
  VpnGw3AZ: 1050,
  ErGw1AZ: 307,
};
/** As {@link azureGateway}. */
export const azureBastion: Readonly<Record<string, number>> = { Developer: 0, Basic: 139, Standard: 212, Premium: 329 };
/** Dollars a month for the control plane of AKS, by tier. */
export const aksTier: Readonly<Record<string, number>> = { Free: 0, Standard: 73, Premium: 438 };

/** Dollars an hour and vCPU of GCP's machines, by series; `highmem` and `highcpu` are more and less. */
export const gceCore: Readonly<Record<string, number>> = {
  e2: 0.0335,
  n2: 0.0486,
  n2d: 0.0422,
  n4: 0.0474,
  c3: 0.0524,
  c4: 0.0494,
  t2d: 0.0422,
};
/** By the kind of a GCP machine, in multiples of `standard`. */
export const gceKinds: Readonly<Record<string, number>> = { standard: 1, highmem: 1.35, highcpu: 0.75 };
/** vCPUs that shared-core machines are billed for. */
export const gceShared: Readonly<Record<string, number>> = { "e2-micro": 0.25, "e2-small": 0.5, "e2-medium": 1 };

/** Dollars a month of Cloud SQL for PostgreSQL in one zone: Enterprise, and Enterprise Plus with 8 GB for each vCPU. */
export const cloudSql = {
  core: 30.2,
  gigabyteOfMemory: 5.11,
  plusCore: 39.2 + 8 * 6.6,
  shared: { "db-f1-micro": 7.7, "db-g1-small": 25.6 },
} as const;

/** Dollars a month and GB. */
export const storage = {
  rds: 0.115,
  ebs: 0.08,
  azurePostgres: 0.115,
  azureDisk: 0.12,
  cloudSql: 0.17,
  persistentDisk: { "pd-standard": 0.04, "pd-balanced": 0.1, "pd-ssd": 0.17 },
  kubernetes: 0.1,
} as const;

/** Dollars a month for each of a type, whatever its size. */
export const flat: Readonly<Record<string, number>> = {
  "aws:eks/cluster:Cluster": 73,
  "aws:ec2/natGateway:NatGateway": 33,
  "aws:ec2/eip:Eip": 3.65,
  "aws:ec2/vpnConnection:VpnConnection": 36.5,
  "aws:lb/loadBalancer:LoadBalancer": 20,
  "aws:kms/key:Key": 1,
  "aws:kms/replicaKey:ReplicaKey": 1,
  "aws:secretsmanager/secret:Secret": 0.4,
  "aws:wafv2/webAcl:WebAcl": 10,
  "aws:route53/zone:Zone": 0.5,
  "azure-native:network:NatGateway": 33,
  "azure-native:network:PublicIPAddress": 3.65,
  "azure-native:network:PublicIPPrefix": 7.3,
  "azure-native:network:PrivateEndpoint": 7.3,
  "azure-native:network:LoadBalancer": 18,
  "azure-native:network:AzureFirewall": 912,
  "azure-native:network:ApplicationGateway": 330,
  "azure-native:privatedns:PrivateZone": 0.5,
  "azure-native:keyvault:Key": 1,
  "gcp:container/cluster:Cluster": 73,
  "gcp:compute/routerNat:RouterNat": 32,
  "gcp:compute/forwardingRule:ForwardingRule": 18,
  "gcp:compute/globalForwardingRule:GlobalForwardingRule": 18,
  "gcp:compute/vPNTunnel:VPNTunnel": 36.5,
  "gcp:compute/securityPolicy:SecurityPolicy": 10,
  "gcp:compute/regionSecurityPolicy:RegionSecurityPolicy": 10,
  "gcp:compute/address:Address": 3.65,
  "gcp:kms/cryptoKey:CryptoKey": 0.06,
  "gcp:secretmanager/secret:Secret": 0.06,
  "gcp:dns/managedZone:ManagedZone": 0.2,
};

/** What is billed by what goes in and out only: no configuration tells how much. */
export const byUse: readonly RegExp[] = [
  /^aws:s3\/(?:bucket|bucketV2):/,
  /^aws:cloudwatch\/(?:logGroup|metricAlarm):/,
  /^aws:efs\/fileSystem:/,
  /^aws:ecr\/repository:/,
  /^aws:backup\/vault:/,
  /^aws:sns\/topic:/,
  /^aws:ec2\/flowLog:/,
  /^azure-native:storage:StorageAccount$/,
  /^azure-native:operationalinsights:Workspace$/,
  /^azure-native:keyvault:Vault$/,
  /^azure-native:dataprotection:BackupVault$/,
  /^azure-native:recoveryservices:Vault$/,
  /^azure-native:containerregistry:Registry$/,
  /^azure-native:monitor:/,
  /^gcp:storage\/bucket:/,
  /^gcp:artifactregistry\/repository:/,
  /^gcp:gkebackup\/backupPlan:/,
  /^gcp:pubsub\//,
  /^gcp:logging\//,
];

/** What costs nothing by itself: settings of others, permissions, and what runs on machines that are paid for elsewhere. */
export const free: readonly RegExp[] = [
  /^pulumi[-:]/,
  /^random:|^tls:|^command:/,
  /^kubernetes:/,
  /^aws:iam\//,
  /^aws:vpc\//,
  /^aws:ec2\/(?:vpc|subnet|routeTable|routeTableAssociation|route|internetGateway|egressOnlyInternetGateway|securityGroup|securityGroupRule|networkAcl|networkAclRule|vpcDhcpOptions|vpcDhcpOptionsAssociation|defaultSecurityGroup|launchTemplate|vpnGateway|vpnGatewayRoutePropagation|vpnGatewayAttachment|customerGateway|vpnConnectionRoute|vpcPeeringConnection|keyPair|managedPrefixList|managedPrefixListEntry|tag|vpcIpv4CidrBlockAssociation|ebsEncryptionByDefault|vpcEndpointRouteTableAssociation|eipAssociation):/,
  /^aws:ec2transitgateway\/instanceConnectEndpoint:|^aws:ec2\/(?:instanceConnectEndpoint|defaultRouteTable|defaultNetworkAcl|mainRouteTableAssociation):/,
  /^aws:rds\/(?:subnetGroup|parameterGroup|clusterParameterGroup|optionGroup|instanceAutomatedBackupsReplication):/,
  /^aws:eks\/(?:addon|accessEntry|accessPolicyAssociation|podIdentityAssociation|identityProviderConfig):/,
  /^aws:kms\/(?:alias|keyPolicy|grant):/,
  /^aws:s3\/(?:bucket[A-Z]|accountPublicAccessBlock)/,
  /^aws:secretsmanager\/(?:secretVersion|secretPolicy|secretRotation):/,
  /^aws:lb\/(?:listener|listenerRule|targetGroup|targetGroupAttachment):/,
  /^aws:wafv2\/(?:ipSet|ruleGroup|webAclAssociation|webAclLoggingConfiguration|regexPatternSet):/,
  /^aws:route53\/(?:record|zoneAssociation):/,
  /^aws:backup\/(?:plan|selection|vaultPolicy|vaultLockConfiguration):/,
  /^aws:acm\/|^aws:ssm\/parameter:/,
  /^azure-native:(?:authorization|managedidentity|resources):/,
  /^azure-native:network:(?:VirtualNetwork|Subnet|NetworkSecurityGroup|SecurityRule|RouteTable|Route|VirtualNetworkPeering|PrivateDnsZoneGroup|ApplicationSecurityGroup|WebApplicationFirewallPolicy|LocalNetworkGateway|VirtualNetworkGatewayConnection|IpGroup|FirewallPolicy)$/,
  /^azure-native:privatedns:(?:VirtualNetworkLink|PrivateRecordSet|RecordSet)$/,
  /^azure-native:dbforpostgresql:(?:Configuration|Database|FirewallRule|Administrator|VirtualEndpoint|PrivateEndpointConnection)/,
  /^azure-native:keyvault:(?:Secret|AccessPolicy)$/,
  /^azure-native:compute:DiskEncryptionSet$/,
  /^azure-native:storage:(?:BlobContainer|BlobServiceProperties|ManagementPolicy|BlobContainerImmutabilityPolicy|EncryptionScope)/,
  /^azure-native:containerservice:(?:MaintenanceConfiguration|TrustedAccessRoleBinding)$/,
  /^azure-native:dataprotection:(?:BackupPolicy|BackupInstance)$/,
  /^gcp:(?:projects|serviceaccount|iam|organizations|servicenetworking)\//,
  /^gcp:compute\/(?:network|subnetwork|router|firewall|route|globalAddress|externalVpnGateway|haVpnGateway|routerInterface|routerPeer|routerRoutePolicy|networkPeering|healthCheck|backendService|sSLPolicy|networkFirewallPolicy|networkFirewallPolicyRule|networkFirewallPolicyAssociation|regionBackendService|urlMap|targetHttpsProxy|resourcePolicy|networkAttachment|serviceAttachment):/,
  /^gcp:sql\/(?:database|user|sslCert):/,
  /^gcp:kms\/(?:keyRing|cryptoKeyIAM|keyRingIAM)/,
  /^gcp:secretmanager\/(?:secretVersion|secretIam)/,
  /^gcp:storage\/(?:bucketIAM|bucketIam|bucketAccessControl|bucketObject|managedFolder)/,
  /^gcp:dns\/(?:recordSet|policy):/,
  /^aws:autoscaling\/attachment:/,
  /^gcp:certificatemanager\//,
  /^gcp:compute\/(?:instanceGroupNamedPort|instanceIAM|regionHealthCheck|regionSslPolicy|regionTarget|regionUrlMap|regionSecurityPolicyRule)/,
  /^gcp:dns\/responsePolicy/,
  /^gcp:iap\/|^gcp:artifactregistry\/repositoryIam/,
];
