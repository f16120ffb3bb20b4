/** A few resources of every cloud that use each other, for the tests of the stand-in. */

import { Subnet } from "@pulumi/aws/ec2/subnet.js";
import { Vpc } from "@pulumi/aws/ec2/vpc.js";
import { Cluster } from "@pulumi/aws/eks/cluster.js";
import { getAvailabilityZonesOutput } from "@pulumi/aws/getAvailabilityZones.js";
import { Secret } from "@pulumi/aws/secretsmanager/secret.js";
import { SecretVersion } from "@pulumi/aws/secretsmanager/secretVersion.js";
import { VirtualNetwork } from "@pulumi/azure-native/network/virtualNetwork.js";
import { ResourceGroup } from "@pulumi/azure-native/resources/resourceGroup.js";
import { Network } from "@pulumi/gcp/compute/network.js";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork.js";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import { Config } from "@pulumi/pulumi/config.js";
import { interpolate } from "@pulumi/pulumi/output.js";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { PrivateKey } from "@pulumi/tls/privateKey.js";
import { SelfSignedCert } from "@pulumi/tls/selfSignedCert.js";

const config = new Config();
// Inputs that the types of the SDKs do not let pass: those that come from JSON, say.
const wrong = config.getBoolean("wrong") === true;

const zones = getAvailabilityZonesOutput();
const vpc = new Vpc("network", {
  cidrBlock: config.get("cidrBlock") ?? "10.0.0.0/16",
  tags: { of: config.get("tag") ?? "nobody" },
});
const subnets = [0, 1].map(
  (index) =>
    new Subnet(`subnet-${index}`, {
      vpcId: vpc.id,
      cidrBlock: `10.0.${index}.0/24`,
      availabilityZone: zones.names.apply((names) => names[index] as string),
    }),
);
const cluster = new Cluster("cluster", {
  roleArn: "arn:aws:iam::123456789012:role/cluster",
  vpcConfig: wrong ? ({ subnets: [] } as never) : { subnetIds: subnets.map(({ id }) => id) },
});
const password = new RandomPassword("password", { length: 24, special: false });
const secret = new Secret("secret", {});
new SecretVersion("secret-version", { secretId: secret.id, secretString: password.result });

const group = new ResourceGroup("group", {});
const virtual = new VirtualNetwork("virtual", {
  resourceGroupName: group.name,
  addressSpace: { addressPrefixes: ["10.1.0.0/16"] },
});

const network = new Network("network", { autoCreateSubnetworks: false });
new Subnetwork("subnetwork", { network: network.id, ipCidrRange: "10.2.0.0/24", region: "europe-west3" });

const provider = new Provider("provider", { kubeconfig: interpolate`{"server": "${cluster.endpoint}"}` });
const namespace = new Namespace("namespace", { metadata: { name: "canton" } }, { provider });
const service = new Service(
  "service",
  { metadata: { namespace: namespace.metadata.name }, spec: { type: "LoadBalancer", ports: [{ port: 443 }] } },
  { provider },
);
new CustomResource(
  "monitor",
  {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata: { namespace: "canton" },
    spec: { selector: {} },
  },
  { provider, dependsOn: [namespace] },
);

const key = new PrivateKey("key", { algorithm: "ECDSA", ecdsaCurve: "P256" });
const certificate = new SelfSignedCert("certificate", {
  privateKeyPem: key.privateKeyPem,
  subject: { commonName: "stand-in" },
  dnsNames: ["node.stand-in.example"],
  validityPeriodHours: 24,
  allowedUses: ["server_auth"],
});

export const clusterSecurityGroup = cluster.vpcConfig.clusterSecurityGroupId;
export const kubernetesCa = cluster.certificateAuthority.data;
export const issuer = cluster.identities.apply((identities) => identities[0]?.oidcs?.[0]?.issuer);
export const virtualId = virtual.id;
export const networkLink = network.selfLink;
export const address = service.status.apply((status) => status.loadBalancer.ingress[0]?.ip);
export const certificatePem = certificate.certPem;
export const passwordLength = password.result.apply((text) => text.length);
