/** The questions that programs may ask a cloud, all of them. */
import { account, region as awsRegion } from "./clouds/aws.ts";
import { subscription, tenant } from "./clouds/azure.ts";
import { certificateText } from "./clouds/certificate-text.ts";
import { digits, uuid } from "./clouds/cloud.ts";
import { region as gcpRegion, project, projectNumber } from "./clouds/gcp.ts";
import { secret, type Values } from "./wire.ts";

type Answer = (args: Values) => Values;

const answers: Readonly<Record<string, Answer>> = {
  "aws:index/getAvailabilityZones:getAvailabilityZones": ({ region = awsRegion }) => {
    const names = ["a", "b", "c"].map((letter) => `${region}${letter}`);
    return {
      id: region,
      region,
      names,
      zoneIds: ["az1", "az2", "az3"].map((zone) => `euc1-${zone}`),
      groupNames: [region],
    };
  },
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({
    id: account,
    accountId: account,
    arn: `arn:aws:iam::${account}:role/deployer`,
    userId: "AROASTANDINDEPLOYER",
  }),
  "aws:index/getPartition:getPartition": () => ({
    id: "aws",
    partition: "aws",
    dnsSuffix: "amazonaws.com",
    reverseDnsPrefix: "com.amazonaws",
  }),
  "aws:index/getRegion:getRegion": ({ region = awsRegion }) => ({
    id: region,
    region,
    name: region,
    description: "Europe (Frankfurt)",
    endpoint: `ec2.${region}.amazonaws.com`,
  }),
  "aws:ec2/getManagedPrefixList:getManagedPrefixList": ({ name }) => ({
    id: `pl-${digits(String(name), 8)}`,
    name,
    arn: `arn:aws:ec2:${awsRegion}:aws:prefix-list/pl-${digits(String(name), 8)}`,
  }),
  "aws:ec2/getPrefixList:getPrefixList": ({ name, prefixListId }) => ({
    id: prefixListId ?? `pl-${digits(String(name), 8)}`,
    name,
    cidrBlocks: ["3.5.136.0/22"],
  }),
  "aws:ssm/getParameter:getParameter": ({ name }) => ({
    id: name,
    name,
    type: "String",
    value: `ami-0${digits(String(name), 16)}`,
    version: 1,
  }),
  "aws:ec2/getAmi:getAmi": (args) => ({
    id: `ami-0${digits(JSON.stringify(args), 16)}`,
    architecture: "x86_64",
    name: "stand-in",
  }),
  "aws:eks/getClusterAuth:getClusterAuth": ({ name }) => ({
    id: name,
    name,
    token: secret(`k8s-aws-v1.${digits(String(name), 40)}`),
  }),
  "aws:iam/getPolicyDocument:getPolicyDocument": policyDocument,
  "azure-native:authorization:getClientConfig": () => ({
    clientId: uuid("client"),
    objectId: uuid("object"),
    subscriptionId: subscription,
    tenantId: tenant,
  }),
  "azure-native:containerservice:listManagedClusterUserCredentials": kubeconfigs,
  "azure-native:containerservice:listManagedClusterAdminCredentials": kubeconfigs,
  "azure-native:storage:listStorageAccountKeys": ({ accountName }) => ({
    keys: [1, 2].map((key) => ({
      keyName: `key${key}`,
      permissions: "Full",
      value: digits(`${accountName} ${key}`, 64),
      creationTime: "2026-01-01T00:00:00Z",
    })),
  }),
  "azure-native:operationalinsights:getSharedKeys": ({ workspaceName }) => ({
    primarySharedKey: digits(`${workspaceName} 1`, 64),
    secondarySharedKey: digits(`${workspaceName} 2`, 64),
  }),
  "gcp:organizations/getClientConfig:getClientConfig": () => ({
    id: "client",
    project,
    region: gcpRegion,
    zone: `${gcpRegion}-a`,
    accessToken: secret("ya29.stand-in"),
    defaultLabels: {},
  }),
  "gcp:organizations/getProject:getProject": ({ projectId = project }) => ({
    id: `projects/${projectId}`,
    projectId,
    name: projectId,
    number: projectNumber,
    labels: {},
  }),
  "gcp:compute/getZones:getZones": ({ region = gcpRegion }) => ({
    id: region,
    region,
    project,
    names: ["a", "b", "c"].map((letter) => `${region}-${letter}`),
  }),
  "gcp:container/getEngineVersions:getEngineVersions": () => ({
    id: "versions",
    latestMasterVersion: "1.34.1-gke.1000000",
    latestNodeVersion: "1.34.1-gke.1000000",
    defaultClusterVersion: "1.34.1-gke.1000000",
  }),
  "gcp:kms/getKMSCryptoKey:getKMSCryptoKey": ({ name, keyRing }) => ({
    id: `${keyRing}/cryptoKeys/${name}`,
    name,
    keyRing,
    purpose: "ENCRYPT_DECRYPT",
  }),
  "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": () => {
    const emailAddress = `service-${projectNumber}@gs-project-accounts.iam.gserviceaccount.com`;
    return { id: emailAddress, emailAddress, member: `serviceAccount:${emailAddress}`, project };
  },
};

/**
 * Answers a program's question.
 *
 * @throws Error naming the question and those that are known
 */
export function invoke(token: string, args: Values): Values {
  const answer = answers[token];
  if (answer === undefined) {
    const [pkg] = token.split(":");
    const known = Object.keys(answers).filter((each) => each.startsWith(`${pkg}:`));
    throw new Error(
      `the stand-in has no answer to ${token}; add one to invokes.ts. It knows ${known.join(", ") || "none of this package"}`,
    );
  }
  return answer(args);
}

function kubeconfigs({ resourceName }: Values): Values {
  const name = String(resourceName);
  const cluster = {
    server: `https://${name}.hcp.azmk8s.io:443`,
    "certificate-authority-data": Buffer.from(certificateText(name)).toString("base64"),
  };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    users: [{ name, user: { token: digits(name, 32) } }],
  };
  return { kubeconfigs: [{ name: "clusterUser", value: Buffer.from(JSON.stringify(config)).toString("base64") }] };
}

function policyDocument({ statements, version = "2012-10-17" }: Values): Values {
  const one = (values: unknown) => (Array.isArray(values) && values.length === 1 ? values[0] : values);
  const json = JSON.stringify({
    Version: version,
    Statement: ((statements as Values[] | undefined) ?? []).map((statement) => ({
      ...(statement["sid"] !== undefined && { Sid: statement["sid"] }),
      Effect: statement["effect"] ?? "Allow",
      Action: one(statement["actions"]),
      Resource: one(statement["resources"]),
      ...(statement["principals"] !== undefined && {
        Principal: Object.fromEntries(
          (statement["principals"] as Values[]).map(({ type, identifiers }) => [type, one(identifiers)]),
        ),
      }),
      ...(statement["conditions"] !== undefined && {
        Condition: Object.fromEntries(
          (statement["conditions"] as Values[]).map(({ test, variable, values }) => [
            test,
            { [String(variable)]: one(values) },
          ]),
        ),
      }),
    })),
  });
  return { id: digits(json, 10), json, minifiedJson: json };
}
