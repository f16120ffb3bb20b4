/**
 * The template `aws` on the real engine, made by real API calls in moto too, another implementation of AWS's APIs. The stand-in knows
 * the SDK; botocore's models know the APIs, and moto what does not go together.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../../../scripts/environment/paths.ts";
import { pythonEnvironment } from "../../python-environment.ts";
import { CloudStack, type Config, type Outcome } from "../cloud-stack.ts";
import { StandIn } from "../stand-in/stand-in.ts";
import type { Values } from "../stand-in/wire.ts";
import { configOf, filesOf, templates } from "../templates.ts";
import { type Comparison, Moto } from "./moto.ts";

const python = await pythonEnvironment(
  join(root, "node-images", "topology", "key-encryption", "testing", "moto-5.2.txt"),
);
const there = typeof python === "string";
if (!there) console.warn(`SKIPPED: no moto, so AWS is only the stand-in: ${python.unavailable}`);

const minutes = 60_000;
const region = "eu-central-1";
const start = () => new Moto(python as string, region);

describe.runIf(there)("the template aws", () => {
  /** What became of a stack. */
  interface Run {
    readonly up: Outcome;
    /** Types of AWS's resources that there were then. */
    readonly types: readonly string[];
    readonly comparisons: readonly Comparison[];
    readonly down?: Outcome;
    /** What there was in the end. */
    readonly left: readonly string[];
  }
  let folder: string;
  let production: Run;
  let dev: Run;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pulumi-canton-moto-"));
    // Together they have every type. One stack cannot have everything: it would have too many resources.
    production = await run("production", () => ({ backup: { copyTo: "eu-west-1" } }), false);
    dev = await run(
      "dev",
      ({ administrator, certificate }) => ({
        allowedRanges: ["203.0.113.0/24"],
        backup: { days: 14 },
        cluster: { administrators: [administrator] },
        gateway: { peerRanges: ["10.30.0.0/16"] },
        waf: { certificate },
      }),
      true,
    );
  }, 4 * minutes);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function run(
    environment: "dev" | "production",
    options: (found: Awaited<ReturnType<Moto["surroundings"]>>) => Config,
    destroyed: boolean,
  ): Promise<Run> {
    const template = templates.find(({ name }) => name === "aws");
    if (template === undefined) throw new Error("there is no template aws");
    await using standIn = await StandIn.start(join(folder, environment));
    await using moto = start();
    standIn.clouds.watcher = moto;
    const config = { ...configOf(template, environment), ...options(await moto.surroundings()) };
    await using stack = await CloudStack.create(standIn, "test", config, {
      files: filesOf(template),
      checkpoints: false,
    });
    const ofAws = () => standIn.clouds.resources.filter(({ token }) => token.startsWith("aws:"));
    const up = await stack.up("--refresh=false");
    const types = [...new Set(ofAws().map(({ token }) => token.slice("aws:".length)))].sort();
    const comparisons = await moto.compare();
    const down = destroyed ? await stack.destroy("--skip-preview", "--refresh=false") : undefined;
    const left = ofAws().map(({ token, name }) => `${token} ${name}`);
    return { up, types, comparisons, ...(down && { down }), left };
  }

  test("is taken by AWS's APIs: production, and dev with a gateway, a web ACL and administrators", () => {
    expect(production.up.exitCode, production.up.output).toBe(0);
    expect(dev.up.exitCode, dev.up.output).toBe(0);
  });

  test("is there as it was asked for", () => {
    const all = [...production.comparisons, ...dev.comparisons];
    const wrong = all.filter(({ compared, differences }) => compared.length === 0 || differences.length > 0);
    expect(wrong).toEqual([]);
  });

  test("is destroyed in an order that the APIs take", () => {
    expect(dev.down?.exitCode, dev.down?.output).toBe(0);
    expect(dev.left).toEqual([]);
  });

  test("has only types that are made in moto, or that are listed as unknown to it, and all of those", async () => {
    await using moto = start();
    const { made, unmade } = await moto.types();
    const known = [...made, ...Object.keys(unmade)].sort();
    expect([...new Set([...production.types, ...dev.types])].sort()).toEqual(known);
    expect(Object.entries(unmade).filter(([, byNow]) => byNow)).toEqual([]);
    const compared = new Set([...production.comparisons, ...dev.comparisons].map(({ type }) => type));
    expect(made.filter((type) => !compared.has(type))).toEqual(["ec2transitgateway/route:Route"]);
  });
});

describe.runIf(there)("moto", () => {
  let moto: Moto;
  let made = 0;
  beforeAll(() => {
    moto = start();
  });
  afterAll(() => moto[Symbol.asyncDispose]());

  const put = (type: string, inputs: Values, name = `it-${made++}`) => moto.put({ token: `aws:${type}`, name, inputs });
  const network = { cidrBlock: "10.0.0.0/16", enableDnsHostnames: true, enableDnsSupport: true };
  const vpc = async (name?: string) => String((await put("ec2/vpc:Vpc", network, name))?.id);
  const usual = { cidrBlock: "10.0.1.0/24", availabilityZone: `${region}a`, mapPublicIpOnLaunch: false };
  const subnet = (vpcId: string, inputs: Values = {}) => put("ec2/subnet:Subnet", { vpcId, ...usual, ...inputs });
  const policy = (statement: Values) => JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  const trust = (principal: Values) => policy({ Effect: "Allow", Principal: principal, Action: "sts:AssumeRole" });
  const role = (name: string) =>
    put("iam/role:Role", { name, assumeRolePolicy: trust({ Service: "ec2.amazonaws.com" }) });

  test("refuses what an API does not have: a property, a value of an enum, a text of another pattern", async () => {
    await expect(put("ec2/vpc:Vpc", { ...network, colour: "blue" })).rejects.toThrow(/colour: CreateVpcRequest has no/);
    await expect(put("ec2/vpc:Vpc", { ...network, instanceTenancy: "shared" })).rejects.toThrow(
      /'shared'; accepted are .*dedicated/,
    );
    await expect(put("ec2/vpc:Vpc", { ...network, cidrBlock: 10 })).rejects.toThrow(/Invalid type.*CidrBlock/);
    const key = { enableKeyRotation: true, deletionWindowInDays: 30 };
    const { outputs } = (await put("kms/key:Key", key)) ?? {};
    const vault = { forceDestroy: false, kmsKeyArn: outputs?.["arn"] };
    await expect(put("backup/vault:Vault", { ...vault, name: "a b" })).rejects.toThrow(/accepted is what matches/);
    await expect(put("eks/addon:Addon", { clusterName: "c", addonName: "a", version: 1 })).rejects.toThrow(/version/);
  });

  test("refuses what is nowhere sent", async () => {
    await expect(put("kms/key:Key", { deletionWindowInDays: 3, keyColour: "blue" })).rejects.toThrow(/keyColour/);
    await expect(put("iam/rolePolicy:RolePolicy", { role: "r", name: "n", policy: "{}" })).rejects.toThrow(/Malformed/);
    await role("r");
    const allowed = policy({ Effect: "Allow", Action: "s3:GetObject", Resource: "*" });
    const given = { role: "r", name: "n", policy: allowed, path: "/" };
    await expect(put("iam/rolePolicy:RolePolicy", given)).rejects.toThrow(/nothing sends path/);
  });

  test("refuses addresses that do not fit, and zones of elsewhere", async () => {
    const id = await vpc();
    await expect(subnet(id, { cidrBlock: "10.1.1.0/24" })).rejects.toThrow(/InvalidSubnet.Range/);
    await expect(subnet(id, { availabilityZone: "eu-west-1a" })).rejects.toThrow(/eu-west-1a/);
    await subnet(id);
    await expect(subnet(id, { cidrBlock: "10.0.0.0/20" })).rejects.toThrow(/InvalidSubnet.Conflict/);
  });

  test("refuses what refers to something that is not there, also where moto would not", async () => {
    await expect(subnet("vpc-00000000")).rejects.toThrow(/vpc-00000000/);
    const attached = { role: "nobody", policyArn: "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy" };
    const attach = "iam/rolePolicyAttachment:RolePolicyAttachment";
    await expect(put(attach, attached)).rejects.toThrow(/NoSuchEntity/);
    await role("attached");
    await put(attach, { ...attached, role: "attached" });
    const misspelt = { role: "attached", policyArn: "arn:aws:iam::aws:policy/AmazonEksClusterPolicy" };
    await expect(put(attach, misspelt)).rejects.toThrow(/AmazonEksClusterPolicy/);
    const nobody = "arn:aws:iam::123456789012:role/nobody";
    const open = policy({ Effect: "Allow", Principal: { AWS: nobody }, Action: "kms:*", Resource: "*" });
    await expect(put("kms/key:Key", { policy: open })).rejects.toThrow(/NotThere: Principal.AWS.*nobody/);
    const logged = { vpcId: await vpc(), trafficType: "ALL", iamRoleArn: nobody, logDestinationType: "s3" };
    await expect(put("ec2/flowLog:FlowLog", logged)).rejects.toThrow(/NotThere: DeliverLogsPermissionArn/);
  });

  test("refuses a machine with an address whose template has its security groups", async () => {
    const vpcId = await vpc();
    const { id: subnetId } = (await subnet(vpcId)) ?? {};
    const group = await put("ec2/securityGroup:SecurityGroup", { name: "g", description: "d", vpcId });
    const template = await put("ec2/launchTemplate:LaunchTemplate", {
      imageId: "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
      instanceType: "t4g.nano",
      vpcSecurityGroupIds: [group?.id],
    });
    const machine = { launchTemplate: { id: template?.id, version: "1" }, subnetId, associatePublicIpAddress: false };
    await expect(put("ec2/instance:Instance", machine)).rejects.toThrow(/security groups/);
  });

  test("refuses to delete what is in use, a change that nobody wrote, and a type that nobody knows", async () => {
    await subnet(await vpc("used"));
    await expect(moto.removed({ token: "aws:ec2/vpc:Vpc", name: "used" })).rejects.toThrow(/DependencyViolation/);
    await expect(put("ec2/vpc:Vpc", network, "used")).rejects.toThrow(/an update or a replacement/);
    await expect(put("sqs/queue:Queue", {})).rejects.toThrow(/neither made in moto nor listed/);
  });

  test("finds what is not as it was asked for", async () => {
    await put("s3/bucket:Bucket", { bucket: "canton" });
    const versioning = (status: string) => ({ bucket: "canton", versioningConfiguration: { status } });
    await put("s3/bucketVersioning:BucketVersioning", versioning("Enabled"), "first");
    await put("s3/bucketVersioning:BucketVersioning", versioning("Suspended"), "second");
    const wrong = (await moto.compare()).filter(({ differences }) => differences.length > 0);
    expect(wrong).toMatchObject([{ name: "first", differences: [expect.stringContaining("Suspended")] }]);
  });
});
