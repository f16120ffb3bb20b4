import type { ResourceSchema } from "../../schema/schema.ts";
import type { Values } from "../wire.ts";
import { certificateText } from "./certificate-text.ts";
import { type Cloud, digits, type Making, numberBelow, textIn, typeIn, uuid } from "./cloud.ts";

/** The account and the region where the program names none. */
export const account = "123456789012";
export const region = "eu-central-1";

/** Types whose ids are made up by AWS, and what these start with. */
const prefixes: Readonly<Record<string, string>> = {
  "ec2/vpc:Vpc": "vpc-",
  "ec2/subnet:Subnet": "subnet-",
  "ec2/securityGroup:SecurityGroup": "sg-",
  "ec2/securityGroupRule:SecurityGroupRule": "sgrule-",
  "vpc/securityGroupIngressRule:SecurityGroupIngressRule": "sgr-",
  "vpc/securityGroupEgressRule:SecurityGroupEgressRule": "sgr-",
  "ec2/internetGateway:InternetGateway": "igw-",
  "ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": "eigw-",
  "ec2/natGateway:NatGateway": "nat-",
  "ec2/eip:Eip": "eipalloc-",
  "ec2/routeTable:RouteTable": "rtb-",
  "ec2/routeTableAssociation:RouteTableAssociation": "rtbassoc-",
  "ec2/mainRouteTableAssociation:MainRouteTableAssociation": "rtbassoc-",
  "ec2/route:Route": "r-rtb-",
  "ec2/vpcEndpoint:VpcEndpoint": "vpce-",
  "ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation": "a-vpce-",
  "ec2/networkAcl:NetworkAcl": "acl-",
  "ec2/networkAclRule:NetworkAclRule": "nacl-",
  "ec2/networkInterface:NetworkInterface": "eni-",
  "ec2/defaultSecurityGroup:DefaultSecurityGroup": "sg-",
  "ec2/flowLog:FlowLog": "fl-",
  "ec2/instance:Instance": "i-",
  "ec2/launchTemplate:LaunchTemplate": "lt-",
  "ec2/vpnGateway:VpnGateway": "vgw-",
  "ec2/customerGateway:CustomerGateway": "cgw-",
  "ec2/vpnConnection:VpnConnection": "vpn-",
  "ec2/vpcPeeringConnection:VpcPeeringConnection": "pcx-",
  "ec2/vpcDhcpOptions:VpcDhcpOptions": "dopt-",
  "ec2/managedPrefixList:ManagedPrefixList": "pl-",
  "ec2transitgateway/transitGateway:TransitGateway": "tgw-",
  "ec2transitgateway/vpcAttachment:VpcAttachment": "tgw-attach-",
  "ec2transitgateway/routeTable:RouteTable": "tgw-rtb-",
  "ec2transitgateway/route:Route": "tgw-route-",
  "ec2transitgateway/routeTableAssociation:RouteTableAssociation": "tgw-rtbassoc-",
  "ec2transitgateway/routeTablePropagation:RouteTablePropagation": "tgw-rtbprop-",
  "ec2/defaultRouteTable:DefaultRouteTable": "rtb-",
  "ec2transitgateway/instanceConnectEndpoint:InstanceConnectEndpoint": "eice-",
  "ec2clientvpn/endpoint:Endpoint": "cvpn-endpoint-",
  "eks/podIdentityAssociation:PodIdentityAssociation": "a-",
  "efs/fileSystem:FileSystem": "fs-",
  "route53/resolverEndpoint:ResolverEndpoint": "rslvr-in-",
  "route53/resolverRule:ResolverRule": "rslvr-rr-",
};

/** Types whose ids are their ARNs. */
const byArn = new Set([
  "secretsmanager/secret:Secret",
  "sns/topic:Topic",
  "sns/topicSubscription:TopicSubscription",
  "lb/loadBalancer:LoadBalancer",
  "lb/targetGroup:TargetGroup",
  "lb/listener:Listener",
  "lb/listenerRule:ListenerRule",
  "acm/certificate:Certificate",
  "acm/certificateValidation:CertificateValidation",
  "iam/policy:Policy",
  "iam/openIdConnectProvider:OpenIdConnectProvider",
  "networkfirewall/firewall:Firewall",
  "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
  "cloudtrail/trail:Trail",
]);

/** Types whose ids are made of inputs. */
const composed: Readonly<Record<string, { readonly inputs: readonly string[]; readonly separator: string }>> = {
  "eks/addon:Addon": { inputs: ["clusterName", "addonName"], separator: ":" },
  "eks/nodeGroup:NodeGroup": { inputs: ["clusterName", "nodeGroupName"], separator: ":" },
  "eks/accessEntry:AccessEntry": { inputs: ["clusterName", "principalArn"], separator: ":" },
  "eks/accessPolicyAssociation:AccessPolicyAssociation": {
    inputs: ["clusterName", "principalArn", "policyArn"],
    separator: "#",
  },
  "backup/vaultLockConfiguration:VaultLockConfiguration": { inputs: ["backupVaultName"], separator: "" },
  "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": { inputs: ["resourceArn"], separator: "" },
  "iam/rolePolicy:RolePolicy": { inputs: ["role", "name"], separator: ":" },
  "iam/rolePolicyAttachment:RolePolicyAttachment": { inputs: ["role", "policyArn"], separator: "/" },
  "route53/record:Record": { inputs: ["zoneId", "name", "type"], separator: "_" },
  "backup/selection:Selection": { inputs: ["planId", "name"], separator: "|" },
};

/** The input that holds the name, where it is not `name`. */
const names: Readonly<Record<string, string>> = {
  "s3/bucket:Bucket": "bucket",
  "rds/instance:Instance": "identifier",
  "rds/cluster:Cluster": "clusterIdentifier",
  "rds/clusterInstance:ClusterInstance": "identifier",
  "eks/nodeGroup:NodeGroup": "nodeGroupName",
};

/** Types whose `name` is not theirs, or may stay empty. */
const unnamed = new Set(["ec2/launchTemplate:LaunchTemplate", "route53/record:Record"]);

/** What the API does not change in place, besides names. From AWS's published resource schemas (`createOnlyProperties`). */
const createOnly: Readonly<Record<string, readonly string[]>> = {
  "acm/certificate:Certificate": ["domainName", "subjectAlternativeNames", "validationMethod", "keyAlgorithm"],
  "autoscaling/group:Group": ["placementGroup"],
  "backup/selection:Selection": ["*"],
  "backup/vault:Vault": ["kmsKeyArn"],
  "cloudwatch/logGroup:LogGroup": ["logGroupClass"],
  "ec2/eip:Eip": ["domain", "networkBorderGroup", "publicIpv4Pool"],
  "ec2/flowLog:FlowLog": ["*", "!tags"],
  "ec2/instance:Instance": [
    "ami",
    "availabilityZone",
    "subnetId",
    "privateIp",
    "keyName",
    "rootBlockDevice.encrypted",
    "rootBlockDevice.kmsKeyId",
  ],
  "ec2/natGateway:NatGateway": ["allocationId", "connectivityType", "subnetId", "privateIp"],
  "ec2/networkAclRule:NetworkAclRule": ["*"],
  "ec2/route:Route": ["routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"],
  "ec2/routeTable:RouteTable": ["vpcId"],
  "ec2/routeTableAssociation:RouteTableAssociation": ["subnetId", "gatewayId"],
  "ec2/securityGroup:SecurityGroup": ["description", "vpcId"],
  "ec2/securityGroupRule:SecurityGroupRule": ["*", "!description"],
  "ec2/subnet:Subnet": ["vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId", "outpostArn"],
  "ec2/vpc:Vpc": ["cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength"],
  "ec2/vpcEndpoint:VpcEndpoint": ["serviceName", "vpcEndpointType", "vpcId"],
  "ec2/vpnConnection:VpnConnection": ["customerGatewayId", "type", "vpnGatewayId", "staticRoutesOnly"],
  "ec2/customerGateway:CustomerGateway": ["bgpAsn", "ipAddress", "type", "certificateArn"],
  "ec2/vpnGateway:VpnGateway": ["amazonSideAsn", "availabilityZone"],
  "ec2transitgateway/instanceConnectEndpoint:InstanceConnectEndpoint": [
    "subnetId",
    "securityGroupIds",
    "preserveClientIp",
  ],
  "ec2transitgateway/route:Route": ["*"],
  "ec2transitgateway/routeTable:RouteTable": ["transitGatewayId"],
  "ec2transitgateway/routeTableAssociation:RouteTableAssociation": [
    "transitGatewayAttachmentId",
    "transitGatewayRouteTableId",
  ],
  "ec2transitgateway/vpcAttachment:VpcAttachment": ["transitGatewayId", "vpcId"],
  "ecr/repository:Repository": ["encryptionConfigurations"],
  "eks/accessEntry:AccessEntry": ["clusterName", "principalArn", "type"],
  "eks/accessPolicyAssociation:AccessPolicyAssociation": ["*"],
  "eks/addon:Addon": ["addonName", "clusterName"],
  "eks/cluster:Cluster": [
    "roleArn",
    "encryptionConfig.provider",
    "encryptionConfig.resources",
    "kubernetesNetworkConfig.serviceIpv4Cidr",
    "kubernetesNetworkConfig.ipFamily",
    "bootstrapSelfManagedAddons",
    "accessConfig.bootstrapClusterCreatorAdminPermissions",
    "outpostConfig",
  ],
  "eks/nodeGroup:NodeGroup": [
    "amiType",
    "capacityType",
    "clusterName",
    "diskSize",
    "instanceTypes",
    "launchTemplate.id",
    "launchTemplate.name",
    "nodeRoleArn",
    "remoteAccess",
    "subnetIds",
  ],
  "eks/podIdentityAssociation:PodIdentityAssociation": ["clusterName", "namespace", "serviceAccount"],
  "iam/instanceProfile:InstanceProfile": ["path"],
  "iam/openIdConnectProvider:OpenIdConnectProvider": ["url"],
  "iam/policy:Policy": ["description", "path"],
  "iam/role:Role": ["path"],
  "iam/rolePolicy:RolePolicy": ["role"],
  "iam/rolePolicyAttachment:RolePolicyAttachment": ["*"],
  "kms/key:Key": ["customerMasterKeySpec", "keyUsage", "multiRegion", "customKeyStoreId"],
  "kms/replicaKey:ReplicaKey": ["primaryKeyArn"],
  "lb/listener:Listener": ["loadBalancerArn"],
  "lb/loadBalancer:LoadBalancer": ["internal", "loadBalancerType", "customerOwnedIpv4Pool"],
  "lb/targetGroup:TargetGroup": ["port", "protocol", "protocolVersion", "targetType", "vpcId", "ipAddressType"],
  "rds/instance:Instance": [
    "characterSetName",
    "dbName",
    "engine",
    "kmsKeyId",
    "storageEncrypted",
    "username",
    "availabilityZone",
    "timezone",
    "snapshotIdentifier",
    "customIamInstanceProfile",
  ],
  "rds/parameterGroup:ParameterGroup": ["family", "description"],
  "rds/optionGroup:OptionGroup": ["engineName", "majorEngineVersion", "optionGroupDescription"],
  "route53/record:Record": ["zoneId", "name", "type", "setIdentifier"],
  "route53/zone:Zone": ["delegationSetId"],
  "s3/bucket:Bucket": ["objectLockEnabled"],
  "sns/topicSubscription:TopicSubscription": ["endpoint", "protocol", "topic"],
  "sns/topic:Topic": ["fifoTopic"],
  "vpc/securityGroupEgressRule:SecurityGroupEgressRule": ["securityGroupId"],
  "vpc/securityGroupIngressRule:SecurityGroupIngressRule": ["securityGroupId"],
  "wafv2/ipSet:IpSet": ["scope", "ipAddressVersion"],
  "wafv2/webAcl:WebAcl": ["scope"],
  "wafv2/webAclAssociation:WebAclAssociation": ["*"],
};

/** What is to be a bucket's own resource replaces with the bucket. */
const ofAnother = [
  "bucket",
  "vaultName",
  "backupVaultName",
  "vaultLockName",
  "secretId",
  "eventBusName",
  "repository",
  "keyId",
];

/** Types that have a name of which there can be one, although their ids are made up. */
const oneOfAName =
  /^(ec2\/securityGroup|lb\/|rds\/instance|secretsmanager\/secret|wafv2\/(ipSet|webAcl|ruleGroup|regexPatternSet)):/;

function nameProperty(token: string, schema: ResourceSchema | undefined): string | undefined {
  const type = typeIn(token);
  if (unnamed.has(type)) return undefined;
  const property = names[type] ?? "name";
  return schema?.inputs[property] && schema.outputs[property] ? property : undefined;
}

function nameOf({ token, schema, inputs, name }: Making): string {
  const property = nameProperty(token, schema);
  return (property && textIn(inputs, property)) ?? name;
}

function arnOf(making: Making & { readonly id?: string }): string {
  const [module = "", type = ""] = typeIn(making.token).split(/\/|:/);
  const name = nameOf(making);
  const place = textIn(making.inputs, "region") ?? region;
  const short = digits(making.seed, 6, "arn");
  switch (typeIn(making.token)) {
    case "s3/bucket:Bucket":
      return `arn:aws:s3:::${name}`;
    case "secretsmanager/secret:Secret":
      return `arn:aws:secretsmanager:${place}:${account}:secret:${name}-${short}`;
    case "kms/key:Key":
    case "kms/replicaKey:ReplicaKey":
      return `arn:aws:kms:${place}:${account}:key/${making.id}`;
    case "rds/instance:Instance":
      return `arn:aws:rds:${place}:${account}:db:${name}`;
    case "rds/subnetGroup:SubnetGroup":
      return `arn:aws:rds:${place}:${account}:subgrp:${name}`;
    case "rds/parameterGroup:ParameterGroup":
      return `arn:aws:rds:${place}:${account}:pg:${name}`;
    case "cloudwatch/logGroup:LogGroup":
      return `arn:aws:logs:${place}:${account}:log-group:${name}`;
    case "sns/topic:Topic":
      return `arn:aws:sns:${place}:${account}:${name}`;
    case "iam/openIdConnectProvider:OpenIdConnectProvider":
      return `arn:aws:iam::${account}:oidc-provider/${(textIn(making.inputs, "url") ?? "").replace("https://", "")}`;
    case "wafv2/webAcl:WebAcl":
      return `arn:aws:wafv2:${place}:${account}:regional/webacl/${name}/${making.id}`;
    case "lb/loadBalancer:LoadBalancer": {
      const kind = textIn(making.inputs, "loadBalancerType") === "network" ? "net" : "app";
      return `arn:aws:elasticloadbalancing:${place}:${account}:loadbalancer/${kind}/${name}/${digits(making.seed, 16, "arn")}`;
    }
  }
  if (module === "iam") return `arn:aws:iam::${account}:${kebab(type)}/${name}`;
  const generated = making.id !== undefined && !making.id.startsWith("arn:") ? making.id : `${name}-${short}`;
  return `arn:aws:${module === "lb" ? "elasticloadbalancing" : module}:${place}:${account}:${kebab(type)}/${generated}`;
}

/** A cluster's OIDC issuer. */
function issuer({ seed, inputs }: Making): string {
  return `https://oidc.eks.${textIn(inputs, "region") ?? region}.amazonaws.com/id/${digits(seed, 32, "oidc").toUpperCase()}`;
}

function special(making: Making & { readonly id: string }): Values {
  const { token, seed, inputs, id } = making;
  const place = textIn(inputs, "region") ?? region;
  const name = nameOf(making);
  switch (typeIn(token)) {
    case "eks/cluster:Cluster":
      return {
        endpoint: `https://${digits(seed, 32, "endpoint").toUpperCase()}.gr7.${place}.eks.amazonaws.com`,
        certificateAuthority: { data: Buffer.from(certificateText(name)).toString("base64") },
        identities: [{ oidcs: [{ issuer: issuer(making) }] }],
        status: "ACTIVE",
        version: textIn(inputs, "version") ?? "1.34",
      };
    case "eks/nodeGroup:NodeGroup": {
      const group = `eks-${id.split(":").at(-1)}-${uuid(seed)}`;
      return {
        status: "ACTIVE",
        resources: [{ autoscalingGroups: [{ name: group }], remoteAccessSecurityGroupId: "" }],
      };
    }
    case "rds/instance:Instance": {
      const address = `${name}.${digits(seed, 12, "address")}.${place}.rds.amazonaws.com`;
      const port = inputs["port"] ?? 5432;
      return { address, port, endpoint: `${address}:${port}`, resourceId: id, status: "available" };
    }
    case "ec2/eip:Eip":
      return { publicIp: `198.51.100.${1 + numberBelow(254, seed)}`, allocationId: id };
    case "lb/loadBalancer:LoadBalancer":
      return {
        dnsName: `${name}-${digits(seed, 10)}.elb.${place}.amazonaws.com`,
        zoneId: `Z${digits(seed, 13, "zone").toUpperCase()}`,
      };
    case "kms/key:Key":
      return { keyId: id };
    case "kms/alias:Alias":
      return { targetKeyArn: `arn:aws:kms:${place}:${account}:key/${textIn(inputs, "targetKeyId")}` };
    case "secretsmanager/secretVersion:SecretVersion":
      return { versionId: uuid(seed), arn: textIn(inputs, "secretId") };
    case "s3/bucket:Bucket":
      return {
        bucketDomainName: `${name}.s3.amazonaws.com`,
        bucketRegionalDomainName: `${name}.s3.${place}.amazonaws.com`,
      };
    case "ec2/vpcEndpoint:VpcEndpoint":
      return {
        dnsEntries: [{ dnsName: `${id}.vpce.amazonaws.com`, hostedZoneId: `Z${digits(seed, 13).toUpperCase()}` }],
      };
    case "route53/zone:Zone":
      return { zoneId: id, nameServers: [1, 2, 3, 4].map((each) => `ns-${each}.stand-in.example`) };
    case "acm/certificate:Certificate":
      return {
        domainValidationOptions: [
          {
            domainName: inputs["domainName"],
            resourceRecordName: `_${digits(seed, 16)}.${inputs["domainName"]}`,
            resourceRecordType: "CNAME",
            resourceRecordValue: `_${digits(seed, 16, "value")}.acm-validations.aws`,
          },
        ],
      };
    default:
      return {};
  }
}

/** Amazon Web Services. */
export const aws: Cloud = {
  autoName(token, schema) {
    const property = nameProperty(token, schema);
    return property !== undefined && schema?.inputs[property]?.optional ? property : undefined;
  },
  nameFrom: (name, suffix) => `${name}-${suffix}`,
  createOnly(token, schema) {
    const name = nameProperty(token, schema);
    const listed = createOnly[typeIn(token)] ?? [];
    const parents = ofAnother.filter((each) => schema?.inputs[each]?.optional === false);
    return [
      ...listed,
      ...parents,
      ...(name === undefined ? [] : [name]),
      "region",
      ...(schema?.documentedReplacements ?? []),
    ];
  },
  id(making) {
    const type = typeIn(making.token);
    const prefix = prefixes[type];
    if (prefix !== undefined) return `${prefix}0${digits(making.seed, 16)}`;
    if (byArn.has(type)) return arnOf(making);
    const parts = composed[type];
    if (parts !== undefined) return parts.inputs.map((input) => String(making.inputs[input])).join(parts.separator);
    if (type === "rds/instance:Instance") return `db-${digits(making.seed, 26).toUpperCase()}`;
    if (type === "route53/zone:Zone") return `Z${digits(making.seed, 20).toUpperCase()}`;
    if (type === "secretsmanager/secretVersion:SecretVersion")
      return `${making.inputs["secretId"]}|${uuid(making.seed)}`;
    const property = nameProperty(making.token, making.schema);
    if (property !== undefined && !type.startsWith("wafv2/")) return nameOf(making);
    // Settings of a bucket go by the bucket's name.
    if (type.startsWith("s3/bucket")) return String(making.inputs["bucket"]);
    return uuid(making.seed);
  },
  occupies(making) {
    const type = typeIn(making.token);
    if (oneOfAName.test(type))
      return [textIn(making.inputs, "region") ?? region, textIn(making.inputs, "vpcId"), nameOf(making)].join(" ");
    return type in prefixes ||
      (nameProperty(making.token, making.schema) === undefined && !(type in composed) && !type.startsWith("s3/"))
      ? undefined
      : this.id(making);
  },
  outputs(making) {
    const arn = making.schema?.outputs["arn"] === undefined ? {} : { arn: arnOf(making) };
    const place =
      making.schema?.outputs["region"] === undefined ? {} : { region: textIn(making.inputs, "region") ?? region };
    const tags = making.schema?.outputs["tagsAll"] === undefined ? {} : { tagsAll: making.inputs["tags"] ?? {} };
    return { ...arn, ...place, ...tags, ...special(making) };
  },
  text({ seed }, property) {
    if (property === "ownerId" || property === "accountId" || property === "registryId") return account;
    if (/securityGroupId$/i.test(property)) return `sg-0${digits(seed, 16, property)}`;
    if (/routeTableId$/i.test(property)) return `rtb-0${digits(seed, 16, property)}`;
    if (/networkAclId$/i.test(property)) return `acl-0${digits(seed, 16, property)}`;
    if (/networkInterfaceId$/i.test(property)) return `eni-0${digits(seed, 16, property)}`;
    return undefined;
  },
  handles: (id, { arn }) => (typeof arn === "string" && arn !== id ? [arn] : []),
};

function kebab(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
