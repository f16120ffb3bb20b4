import { isSecret } from "@pulumi/pulumi";
import { beforeEach, describe, expect, test } from "vitest";
import { of, type Recorded, recordAws, settled } from "../network/testing/recorded-aws.ts";
import { AwsCluster, type AwsClusterArgs } from "./aws-cluster.ts";
import { eksKubeconfig, imageOf, trustOfServiceAccount, workloadPolicy } from "./aws-cluster-plan.ts";

let recorded: Recorded[];

beforeEach(async () => {
  recorded = await recordAws();
});

const args: AwsClusterArgs = {
  deployment: { name: "acme", environment: "production" },
  place: { account: "123456789012", region: "eu-central-1" },
  version: "1.34",
  zones: ["eu-central-1a", "eu-central-1b"],
  subnetIds: ["s1", "s2"],
  instanceType: "m7i.xlarge",
  machines: { min: 3, max: 9 },
  disk: 100,
  apiRanges: [],
  administrators: [],
  namespace: "canton",
  workloadPolicy: "{}",
  logDays: 365,
  key: "key",
  protect: true,
};

const control = () => of(recorded, "eks/cluster")["k8s"];

describe("a cluster", () => {
  test("makes as many resources as it says, all below itself", async () => {
    await settled(new AwsCluster("k8s", args).cluster);
    expect(recorded).toHaveLength(21);
    expect(recorded.filter(({ parent }) => parent !== "pulumi-canton:platform:AwsCluster")).toHaveLength(1);
  });

  test("is reached from inside the network only, encrypts secrets, and says who asked for what", async () => {
    await settled(new AwsCluster("k8s", args).cluster);
    expect(control()).toMatchObject({
      name: "k8s",
      version: "1.34",
      vpcConfig: { subnetIds: ["s1", "s2"], endpointPrivateAccess: true, endpointPublicAccess: false },
      encryptionConfig: { provider: { keyArn: "key" }, resources: ["secrets"] },
      accessConfig: { authenticationMode: "API" },
      deletionProtection: true,
    });
    expect(control()?.["enabledClusterLogTypes"]).toContain("audit");
    expect(of(recorded, "cloudwatch/logGroup")["k8s"]).toMatchObject({
      name: "/aws/eks/k8s/cluster",
      kmsKeyId: "key",
      retentionInDays: 365,
    });
  });

  test("is reached from the internet by those who are listed", async () => {
    await settled(new AwsCluster("k8s", { ...args, apiRanges: ["203.0.113.0/24"] }).cluster);
    expect(control()?.["vpcConfig"]).toMatchObject({
      endpointPrivateAccess: true,
      endpointPublicAccess: true,
      publicAccessCidrs: ["203.0.113.0/24"],
    });
  });

  test("lets in the bastion, and administrators as themselves", async () => {
    const administrators = ["arn:aws:iam::123456789012:role/ops"];
    await settled(new AwsCluster("k8s", { ...args, bastion: "sg-bastion", administrators }).cluster);
    expect(recorded).toHaveLength(21 + 1 + 2);
    expect(of(recorded, "vpc/securityGroupIngressRule")["k8s-from-bastion"]).toMatchObject({
      securityGroupId: "k8s-machines-group",
      referencedSecurityGroupId: "sg-bastion",
      fromPort: 443,
      toPort: 443,
    });
    expect(of(recorded, "eks/accessPolicyAssociation")["k8s-administrator-ops"]).toMatchObject({
      principalArn: administrators[0],
      policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
      accessScope: { type: "cluster" },
    });
  });

  test("has machines over its zones, with encrypted disks, that keep their identity from pods", async () => {
    await settled(new AwsCluster("k8s", args).cluster);
    expect(of(recorded, "ec2/launchTemplate")["k8s-machines"]).toMatchObject({
      metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
      blockDeviceMappings: [{ ebs: { encrypted: "true", kmsKeyId: "key", volumeType: "gp3", volumeSize: 100 } }],
    });
    expect(of(recorded, "eks/nodeGroup")["k8s-machines"]).toMatchObject({
      version: "1.34",
      subnetIds: ["s1", "s2"],
      instanceTypes: ["m7i.xlarge"],
      amiType: "AL2023_x86_64_STANDARD",
      scalingConfig: { minSize: 3, maxSize: 9 },
      launchTemplate: { id: "k8s-machines-id", version: "1" },
    });
  });

  test("enforces network policies, and gives add-ons roles of their own", async () => {
    await settled(new AwsCluster("k8s", args).cluster);
    const addons = of(recorded, "eks/addon");
    expect(Object.keys(addons)).toEqual(["k8s-aws-ebs-csi-driver", "k8s-coredns", "k8s-kube-proxy", "k8s-vpc-cni"]);
    expect(JSON.parse(addons["k8s-vpc-cni"]?.["configurationValues"])).toEqual({ enableNetworkPolicy: "true" });
    expect(addons["k8s-vpc-cni"]?.["serviceAccountRoleArn"]).toBe("arn:aws:iam/role:Role:k8s-network");
    expect(addons["k8s-aws-ebs-csi-driver"]?.["serviceAccountRoleArn"]).toBe("arn:aws:iam/role:Role:k8s-disks");
    const onMachines = Object.values(of(recorded, "iam/rolePolicyAttachment"))
      .filter(({ role }) => role === "k8s-machines")
      .map(({ policyArn }) => policyArn.split("/").at(-1));
    expect(onMachines.toSorted()).toEqual(["AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy"]);
  });

  test("hands over how it is reached, which disks are encrypted and which role pods have; secret", async () => {
    const { cluster } = new AwsCluster("k8s", args);
    expect(await isSecret(cluster)).toBe(true);
    const { kubeconfig, ...state } = await settled(cluster);
    expect(JSON.parse(kubeconfig).clusters[0].cluster).toEqual({
      server: "https://k8s.eks",
      "certificate-authority-data": "Q0E=",
    });
    expect(state).toEqual({
      zones: args.zones,
      storageClass: "canton-encrypted",
      storageClassToMake: {
        provisioner: "ebs.csi.aws.com",
        parameters: { type: "gp3", encrypted: "true", kmsKeyId: "key" },
      },
      workloadIdentity: {
        serviceAccount: "canton",
        annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam/role:Role:k8s-workload" },
        podLabels: {},
      },
    });
    expect(JSON.parse(of(recorded, "iam/role")["k8s-workload"]?.["assumeRolePolicy"]).Statement[0]).toMatchObject({
      Principal: { Federated: "arn:aws:iam/openIdConnectProvider:OpenIdConnectProvider:k8s" },
      Condition: { StringEquals: { "oidc.eks/k8s:sub": "system:serviceaccount:canton:canton" } },
    });
  });
});

test("the image of machines goes by their processors", () => {
  const arm = ["m7g.large", "t4g.medium", "c8gd.xlarge", "r7gn.2xlarge"];
  const intel = ["m7i.large", "g5.xlarge", "m7i-flex.large", "c7a.large"];
  expect(arm.map(imageOf)).toEqual(arm.map(() => "AL2023_ARM_64_STANDARD"));
  expect(intel.map(imageOf)).toEqual(intel.map(() => "AL2023_x86_64_STANDARD"));
});

test("a kubeconfig holds no credential, but how to get one", () => {
  const config = JSON.parse(
    eksKubeconfig({ name: "k", region: "eu-central-1", endpoint: "https://k", authority: "Q0E=" }),
  );
  expect(config.users[0].user).toEqual({ exec: expect.objectContaining({ command: "aws" }) });
  expect(config.users[0].user.exec.args.join(" ")).toBe(
    "eks get-token --output json --cluster-name k --region eu-central-1",
  );
  expect(config["current-context"]).toBe(config.contexts[0].name);
});

test("a role is taken on by one service account, for AWS", () => {
  const policy = JSON.parse(trustOfServiceAccount({ namespace: "n", name: "canton" }, "arn:p", "https://oidc/x"));
  expect(policy.Statement).toEqual([
    {
      Effect: "Allow",
      Principal: { Federated: "arn:p" },
      Action: "sts:AssumeRoleWithWebIdentity",
      Condition: {
        StringEquals: { "oidc/x:sub": "system:serviceaccount:n:canton", "oidc/x:aud": "sts.amazonaws.com" },
      },
    },
  ]);
});

test("nodes write to their buckets and delete nothing", () => {
  const { Statement: statements } = JSON.parse(workloadPolicy("eu-central-1", { backups: "b", logs: "l", key: "k" }));
  const actions = statements.flatMap(({ Action }: any) => Action);
  expect(actions).toContain("s3:PutObject");
  expect(actions.filter((action: string) => /Delete|\*/.test(action))).toEqual([]);
  expect(statements.flatMap(({ Resource }: any) => Resource)).toEqual(["b", "l", "b/*", "l/*", "k"]);
});
