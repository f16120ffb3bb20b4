import { Provider } from "@pulumi/aws/provider.js";
import { isSecret, secret } from "@pulumi/pulumi";
import { of, type Recorded, recordAws, settled } from "@pulumi-canton/components/network/testing/recorded-aws.ts";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { checkAwsConfig } from "./config.ts";
import { type AwsRegionArgs, awsInfrastructure } from "./infrastructure.ts";

let recorded: Recorded[];

beforeEach(async () => {
  recorded = await recordAws();
});

const base = { name: "acme", account: "123456789012", region: "eu-central-1", database: { caFile: "rds.pem" } };
const everything = {
  ...base,
  environment: "production",
  allowedRanges: ["203.0.113.0/24"],
  gateway: { peerRanges: ["10.30.0.0/16"] },
  waf: { certificate: "arn:aws:acm:eu-central-1:123456789012:certificate/x" },
  backup: { copyTo: "eu-west-1" },
  cluster: { administrators: ["arn:aws:iam::123456789012:role/ops"] },
};

/** Builds, and waits until all of it is there. */
async function build(given: Record<string, unknown>, args: Partial<AwsRegionArgs> = {}) {
  const config = checkAwsConfig(given);
  const provider = new Provider(`${config.region}${args.suffix ?? ""}`, { region: config.region });
  const { infrastructure, ids } = awsInfrastructure(config, { caPem: "PEM", ...args }, { provider });
  expect(await isSecret(infrastructure)).toBe(true);
  expect(await isSecret(ids)).toBe(false);
  return { infrastructure: await settled(infrastructure), ids: await settled(ids) };
}

describe.each(["dev", "staging", "production"])("the preset %s", (environment) => {
  let preset: Recorded[];

  beforeAll(async () => {
    recorded = await recordAws();
    await build({ ...base, environment });
    preset = recorded;
  });

  test("stays under 150 resources, each below a component and made by the region's provider", () => {
    expect(preset.length).toBeGreaterThan(90);
    expect(preset.length).toBeLessThan(150);
    for (const { type, name, parent, ownProvider } of preset) {
      if (type.startsWith("pulumi")) continue;
      expect(parent, `${type} ${name}`).toMatch(/^pulumi-canton:/);
      if (type.startsWith("aws:")) expect(ownProvider, `${type} ${name}`).toBe(true);
    }
  });

  test("encrypts disks, databases, buckets, secrets and logs with a key of the account", () => {
    const key = "arn:aws:kms/key:Key:acme-data";
    for (const instance of Object.values(of(preset, "rds/instance"))) {
      expect(instance).toMatchObject({ storageEncrypted: true, kmsKeyId: key, performanceInsightsKmsKeyId: key });
    }
    const buckets = of(preset, "s3/bucketServerSideEncryptionConfiguration");
    expect(Object.keys(buckets)).toEqual(["acme-backups", "acme-logs"]);
    for (const { rules } of Object.values(buckets)) {
      expect(rules[0].applyServerSideEncryptionByDefault).toEqual({ sseAlgorithm: "aws:kms", kmsMasterKeyId: key });
    }
    for (const template of Object.values(of(preset, "ec2/launchTemplate"))) {
      expect(template["blockDeviceMappings"][0].ebs).toMatchObject({ encrypted: "true", kmsKeyId: key });
      expect(template["metadataOptions"]).toMatchObject({ httpTokens: "required", httpPutResponseHopLimit: 1 });
    }
    for (const type of ["secretsmanager/secret", "cloudwatch/logGroup"]) {
      expect(Object.keys(of(preset, type)).length).toBeGreaterThan(1);
      for (const { kmsKeyId } of Object.values(of(preset, type))) expect(kmsKeyId).toBe(key);
    }
    expect(of(preset, "eks/cluster")["acme"]?.["encryptionConfig"]).toEqual({
      provider: { keyArn: key },
      resources: ["secrets"],
    });
  });

  test("lets nobody in from the internet", () => {
    expect(of(preset, "eks/cluster")["acme"]?.["vpcConfig"]).toMatchObject({ endpointPublicAccess: false });
    for (const { publiclyAccessible } of Object.values(of(preset, "rds/instance"))) {
      expect(publiclyAccessible).toBe(false);
    }
    for (const { ingress = [] } of Object.values(of(preset, "ec2/securityGroup"))) {
      for (const { cidrBlocks = [] } of ingress) expect(cidrBlocks).not.toContain("0.0.0.0/0");
    }
    for (const { mapPublicIpOnLaunch } of Object.values(of(preset, "ec2/subnet"))) {
      expect(mapPublicIpOnLaunch).toBe(false);
    }
  });

  test("marks everything that can be marked", () => {
    const untagged = preset.filter(
      ({ type, inputs }) =>
        /:(Vpc|Subnet|Instance|Cluster|Bucket|Key|Role|SecurityGroup)$/.test(type) && !inputs["tags"],
    );
    expect(untagged.map(({ name }) => name)).toEqual([]);
    expect(of(preset, "ec2/vpc")["acme"]?.["tags"]).toEqual({
      deployment: "acme",
      environment,
      "managed-by": "pulumi-canton",
      Name: "acme",
    });
  });

  test("databases, keys, buckets and vaults outlive a mistake in production alone", () => {
    const kept = preset.filter(({ protect, retainOnDelete }) => protect && retainOnDelete).map(({ name }) => name);
    const protectedOnes = [
      "acme-data",
      "acme-backups",
      "acme-logs",
      "acme-nodes",
      "acme-nodes",
      "acme-sequencer-backend",
    ];
    expect(kept.toSorted()).toEqual(environment === "production" ? [...protectedOnes, "acme-backup"].toSorted() : []);
  });
});

test.each(["gateway", "waf", "backup"] as const)("production with %s stays under 150 resources", async (key) => {
  const { allowedRanges, environment } = everything;
  await build({ ...base, environment, allowedRanges, [key]: everything[key] });
  expect(recorded.length).toBeLessThan(150);
});

test("all at once stays under 150 resources where the ways in are a stack of their own", async () => {
  const zones = ["a", "b", "c", "d"].map((letter) => `eu-central-1${letter}`);
  const cluster = { ...everything.cluster, machines: { min: 4, max: 8 } };
  await build({ ...everything, zones, cluster, gateway: undefined, waf: undefined });
  expect(recorded.length).toBeLessThan(150);
  recorded = await recordAws();
  await build(everything);
  expect(recorded.length).toBeGreaterThan(150);
});

test("what the stacks on top get is complete and leads to the servers", async () => {
  const { infrastructure, ids } = await build({
    ...base,
    environment: "dev",
    namespace: "canton",
    nodes: ["participant1"],
  });
  expect(infrastructure).toMatchObject({
    cloud: "aws",
    region: "eu-central-1",
    deployment: { name: "acme", environment: "dev" },
    namespace: "canton",
    databases: {
      nodes: {
        host: "acme-nodes.rds",
        port: 5432,
        caPem: "PEM",
        administrator: { user: "canton_admin", password: "password-of-acme-nodes-administrator" },
        logins: {
          participant1: {
            database: "participant1",
            user: "participant1",
            password: "password-of-acme-nodes-participant1",
          },
        },
      },
      sequencerBackend: {
        host: "acme-sequencer-backend.rds",
        logins: { "sequencer-backend": { database: "sequencer_backend" } },
      },
    },
    keyEncryption: { type: "aws-kms", keyId: "arn:aws:kms/key:Key:acme-nodes", region: "eu-central-1" },
    ingress: { allowedRanges: [] },
  });
  expect(infrastructure.storage.backups).toMatch(/^s3:\/\/acme-backups-[0-9a-f]{6}$/);
  expect(infrastructure.cluster).toMatchObject({
    zones: ["eu-central-1a", "eu-central-1b"],
    storageClass: "canton-encrypted",
    workloadIdentity: {
      serviceAccount: "canton",
      annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam/role:Role:acme-workload" },
    },
  });
  expect(ids).toMatchObject({
    clusterName: "acme",
    databases: { nodes: "arn:aws:rds/instance:Instance:acme-nodes" },
    bastion: { instanceId: "acme-bastion-id" },
  });
});

test("with a web ACL, clients come by a load balancer that has it, and the ingress listens where that forwards", async () => {
  const { infrastructure, ids } = await build(everything);
  const ranges = ["203.0.113.0/24", "10.30.0.0/16"];
  expect(of(recorded, "wafv2/ipSet")["acme-waf"]).toMatchObject({ addresses: ranges });
  expect(of(recorded, "ec2/securityGroup")["acme-ingress"]?.["ingress"]).toMatchObject([{ cidrBlocks: ranges }]);
  expect(of(recorded, "wafv2/webAclAssociation")["acme-ingress"]).toEqual({
    resourceArn: "arn:aws:lb/loadBalancer:LoadBalancer:acme-ingress",
    webAclArn: "arn:aws:wafv2/webAcl:WebAcl:acme-waf",
  });
  expect(of(recorded, "autoscaling/attachment")["acme-ingress"]).toMatchObject({
    autoscalingGroupName: "group-of-acme-machines",
  });
  expect(infrastructure.ingress).toEqual({
    annotations: {},
    nodePort: 30_443,
    allowedRanges: ["10.20.32.0/24", "10.20.96.0/24", "10.20.160.0/24"],
  });
  expect(ids.loadBalancer).toBe("acme-ingress.elb");
});

test("a network that is joined may reach the ingress besides those who are listed", async () => {
  const { infrastructure } = await build({ ...everything, waf: undefined });
  expect(infrastructure.ingress).toMatchObject({ allowedRanges: ["203.0.113.0/24", "10.30.0.0/16"] });
  expect(infrastructure.ingress.annotations).toMatchObject({
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
  });
});

test("an application user has no server for sequencers", async () => {
  const { infrastructure, ids } = await build({ ...base, environment: "dev", domain: false, nodes: ["participant1"] });
  expect(Object.keys(of(recorded, "rds/instance"))).toEqual(["acme-nodes"]);
  expect(infrastructure.databases.sequencerBackend).toBeUndefined();
  expect(ids.databases).toEqual({ nodes: "arn:aws:rds/instance:Instance:acme-nodes" });
});

test("no password is in the clear in what the engine is told", async () => {
  await build(everything);
  const passwords = recorded.filter(({ type }) => type.endsWith(":RandomPassword"));
  expect(passwords.length).toBeGreaterThan(5);
  for (const { type, name, inputs, secrets } of recorded) {
    for (const [key, value] of Object.entries(inputs)) {
      if (JSON.stringify(value)?.includes("password-of-")) expect(secrets, `${type} ${name}`).toContain(key);
    }
  }
  const written = recorded.filter(({ type }) => type.endsWith(":SecretVersion"));
  expect(written.map(({ secrets }) => secrets)).toEqual(written.map(() => ["secretString"]));
});

test("without NAT, machines reach what they need over endpoints, and there is no way to the internet", async () => {
  await build({ ...base, environment: "production", network: { nat: "none" } });
  for (const type of ["ec2/internetGateway", "ec2/natGateway", "ec2/route"]) expect(of(recorded, type)).toEqual({});
  const services = Object.values(of(recorded, "ec2/vpcEndpoint")).map(({ serviceName }) => serviceName);
  for (const service of ["s3", "ecr.dkr", "ec2", "eks", "sts", "kms", "ssm"]) {
    expect(services).toContain(`com.amazonaws.eu-central-1.${service}`);
  }
});

describe("a standby region", () => {
  const source = (path: string) => `arn:aws:rds:eu-central-1:123456789012:db:${path}`;

  async function standby(promoted: boolean) {
    const primary = await build({ ...base, environment: "production" });
    recorded = await recordAws();
    const ids = {
      ...primary.ids,
      nodeKey: "arn:aws:kms:eu-central-1:123456789012:key/mrk-1",
      databases: { nodes: source("acme-nodes"), sequencerBackend: source("acme-sequencer-backend") },
    };
    const known = secret(0);
    const replicaOf = {
      infrastructure: known.apply(() => primary.infrastructure),
      ids: known.apply(() => ids),
    };
    const given = { ...base, environment: "production", region: "eu-west-1" };
    const built = await build(given, { suffix: "standby", replicaOf, promoted });
    return { primary, ...built };
  }

  test("follows the databases with their logins, reads with a replica of the key, and has names of its own", async () => {
    const { primary, infrastructure } = await standby(false);
    const instances = of(recorded, "rds/instance");
    expect(Object.keys(instances)).toEqual(["acme-standby-nodes", "acme-standby-sequencer-backend"]);
    expect(instances["acme-standby-nodes"]).toMatchObject({
      replicateSourceDb: source("acme-nodes"),
      kmsKeyId: "arn:aws:kms/key:Key:acme-standby-data",
      storageEncrypted: true,
    });
    for (const key of ["username", "password", "engine", "allocatedStorage"]) {
      expect(instances["acme-standby-nodes"]).not.toHaveProperty(key);
    }
    expect(infrastructure.databases.nodes).toEqual({
      ...primary.infrastructure.databases.nodes,
      host: "acme-standby-nodes.rds",
    });
    expect(of(recorded, "kms/replicaKey")["acme-standby-nodes"]).toMatchObject({
      primaryKeyArn: "arn:aws:kms:eu-central-1:123456789012:key/mrk-1",
    });
    expect(recorded.filter(({ type }) => type.endsWith(":RandomPassword"))).toEqual([]);
    expect(of(recorded, "backup/selection")["acme-standby-backup"]?.["resources"]).toHaveLength(2);
    expect(recorded.length).toBeLessThan(150);
  });

  test("promoted, follows no more and is backed up itself", async () => {
    await standby(true);
    for (const instance of Object.values(of(recorded, "rds/instance"))) {
      expect(instance).not.toHaveProperty("replicateSourceDb");
    }
    expect(of(recorded, "backup/selection")["acme-standby-backup"]?.["resources"]).toHaveLength(4);
  });
});
