/** What a cluster of EKS is made of and how it is reached. Pure. */
import { partitionOf, policyOf } from "../identity/aws-policy.ts";

/** Addresses of services in the cluster: of no network. */
export const serviceRange = "172.20.0.0/16";

/** Storage class of disks encrypted with the deployment's own key; whoever uses the cluster makes it. */
export const storageClass = "canton-encrypted";

/** Image of machines of a type: families with a `g` behind their number have ARM processors. Example: `"m7g.large"`. */
export function imageOf(instanceType: string): string {
  return /^[a-z]+\d+g/.test(instanceType) ? "AL2023_ARM_64_STANDARD" : "AL2023_x86_64_STANDARD";
}

/** A control plane. */
export interface EksControlPlane {
  readonly name: string;
  readonly region: string;
  /** URL. */
  readonly endpoint: string;
  /** Authority of its certificate: PEM in Base64. */
  readonly authority: string;
}

/** A kubeconfig, as JSON. It holds no credential: `aws` makes a token for whoever uses it. */
export function eksKubeconfig({ name, region, endpoint, authority }: EksControlPlane): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server: endpoint, "certificate-authority-data": authority } }],
    users: [
      {
        name,
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1beta1",
            command: "aws",
            args: ["eks", "get-token", "--output", "json", "--cluster-name", name, "--region", region],
            installHint: "Install the AWS command line: https://aws.amazon.com/cli/",
            interactiveMode: "Never",
          },
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  });
}

/** A service account of a cluster. */
export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

/**
 * The policy of a role that pods of one service account take on, and no others.
 *
 * @param provider ARN of the cluster's identity provider
 * @param issuer its URL
 */
export function trustOfServiceAccount({ namespace, name }: ServiceAccount, provider: string, issuer: string): string {
  const claim = issuer.replace("https://", "");
  return policyOf({
    Effect: "Allow",
    Principal: { Federated: provider },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: {
      StringEquals: {
        [`${claim}:sub`]: `system:serviceaccount:${namespace}:${name}`,
        [`${claim}:aud`]: "sts.amazonaws.com",
      },
    },
  });
}

/**
 * What the nodes' role may do besides using their key: write backups and read them, write logs.
 *
 * @param key ARN of the key that encrypts the buckets
 */
export function workloadPolicy(
  region: string,
  { backups, logs, key }: { readonly backups: string; readonly logs: string; readonly key: string },
): string {
  return policyOf(
    { Sid: "Buckets", Effect: "Allow", Action: "s3:ListBucket", Resource: [backups, logs] },
    { Sid: "Backups", Effect: "Allow", Action: ["s3:GetObject", "s3:PutObject"], Resource: `${backups}/*` },
    { Sid: "Logs", Effect: "Allow", Action: ["s3:GetObject", "s3:PutObject"], Resource: `${logs}/*` },
    {
      Sid: "BucketKey",
      Effect: "Allow",
      Action: ["kms:Decrypt", "kms:GenerateDataKey"],
      Resource: key,
      Condition: { StringEquals: { "kms:ViaService": `s3.${region}.amazonaws.com` } },
    },
  );
}

/** ARN of a policy of EKS for people. */
export function clusterAdministration(region: string): string {
  return `arn:${partitionOf(region)}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy`;
}
