/** The stand-in's clouds without an engine: what they refuse, what they make up, what they keep. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkInputs } from "../schema/check.ts";
import { Schemas } from "../schema/schemas.ts";
import { packages } from "../schema/sdk.ts";
import { clouds as known } from "./clouds/clouds.ts";
import { invoke } from "./invokes.ts";
import { StandIn } from "./stand-in.ts";
import { HalfMade, StandInClouds } from "./stand-in-clouds.ts";
import { inTheClear, isSecret, secret, unknown, type Values } from "./wire.ts";

const schemas = new Schemas();
const seed = Buffer.from("the engine's seed");
let folder: string;
let clouds: StandInClouds;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pulumi-canton-stand-in-"));
  clouds = new StandInClouds(folder, schemas);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const vpc = { token: "aws:ec2/vpc:Vpc", name: "network" };
const subnet = { token: "aws:ec2/subnet:Subnet", name: "subnet" };
const cluster = { token: "aws:eks/cluster:Cluster", name: "cluster" };
const server = { token: "azure-native:dbforpostgresql:Server", name: "server" };
const bucket = { token: "gcp:storage/bucket:Bucket", name: "bucket" };

const goodCluster = { name: "c", roleArn: "arn:aws:iam::1:role/c", vpcConfig: { subnetIds: ["subnet-1", "subnet-2"] } };

/** What is wrong with a cluster's inputs after a change. */
function problemsOf(token: string, inputs: Values): Record<string, string> {
  const schema = schemas.of(token);
  if (schema === undefined) throw new Error(`there is no ${token}`);
  return Object.fromEntries(checkInputs(schema, inputs).problems.map(({ path, reason }) => [path, reason]));
}

test("inputs that are right are taken, unknown and secret ones too", () => {
  expect(problemsOf(cluster.token, goodCluster)).toEqual({});
  expect(problemsOf(cluster.token, { ...goodCluster, roleArn: unknown, vpcConfig: { subnetIds: [unknown] } })).toEqual(
    {},
  );
  expect(problemsOf(cluster.token, { ...goodCluster, vpcConfig: secret({ subnetIds: ["subnet-1"] }) })).toEqual({});
});

test.each([
  ["a missing input", { roleArn: undefined }, "roleArn", /^is missing; expected a string$/],
  ["a missing nested one", { vpcConfig: {} }, "vpcConfig.subnetIds", /^is missing; expected an array, each a string$/],
  ["an unknown one", { rolArn: "x" }, "rolArn", /^is unknown; expected one of .*roleArn/],
  [
    "an unknown nested one",
    { vpcConfig: { subnetIds: [], subnets: [] } },
    "vpcConfig.subnets",
    /^is unknown; expected one of .*subnetIds/,
  ],
  ["a wrong type", { version: 1.34 }, "version", /^is 1.34; expected a string$/],
  [
    "a wrong nested type",
    { vpcConfig: { subnetIds: ["subnet-1", 2] } },
    "vpcConfig.subnetIds[1]",
    /^is 2; expected a string$/,
  ],
  ["a wrong type in a secret", { version: secret(1) }, "version", /^is 1; expected a string$/],
  [
    "an object for an array",
    { enabledClusterLogTypes: {} },
    "enabledClusterLogTypes",
    /^is an object; expected an array, each a string$/,
  ],
  ["a wrong value in a map", { tags: { a: true } }, 'tags["a"]', /^is true; expected a string$/],
])("%s is refused by its path", (_, change, path, reason) => {
  const problems = problemsOf(cluster.token, { ...goodCluster, ...change });
  expect(Object.keys(problems)).toEqual([path]);
  expect(problems[path]).toMatch(reason);
});

test("a closed enum is refused, an open one is told as a warning", () => {
  const token = "azure-native:containerservice:ManagedCluster";
  const inputs = {
    resourceGroupName: "g",
    resourceName: "c",
    identity: { type: "Managed" },
    networkProfile: { outboundType: "carrierPigeon" },
  };
  const { problems, warnings } = checkInputs(schemas.of(token) as NonNullable<ReturnType<Schemas["of"]>>, inputs);
  expect(problems).toEqual([
    { path: "identity.type", reason: expect.stringMatching(/^is "Managed"; expected one of "SystemAssigned"/) },
  ]);
  expect(warnings).toEqual([
    {
      path: "networkProfile.outboundType",
      reason: expect.stringMatching(/^is "carrierPigeon"; known are "loadBalancer"/),
    },
  ]);
});

test("a type that the SDK does not have is refused; a custom resource of Kubernetes is taken if it is an object", () => {
  expect(clouds.check({ token: "aws:eks/clutser:Clutser", name: "x" }, {}, {}, seed).problems).toEqual([
    { path: "type", reason: "the SDK has no resource type aws:eks/clutser:Clutser" },
  ]);
  const monitor = { token: "kubernetes:monitoring.coreos.com/v1:ServiceMonitor", name: "monitor" };
  const good = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata: { namespace: "n" },
    spec: { any: 1 },
  };
  const { inputs, problems } = clouds.check(monitor, {}, good, seed);
  expect(problems).toEqual([]);
  expect(inputs["metadata"]).toEqual({ namespace: "n", name: expect.stringMatching(/^monitor-[0-9a-f]{8}$/) });
  expect(clouds.check(monitor, {}, { kind: "ServiceMonitor" }, seed).problems.map(({ path }) => path)).toEqual([
    "apiVersion",
  ]);
});

test("schemas are read from every SDK, and are the same from the cache", () => {
  const cache = join(folder, "schemas");
  const tokens = [
    "aws:wafv2/webAcl:WebAcl",
    "azure-native:network:VirtualNetwork",
    "gcp:projects/iAMMember:IAMMember",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "random:index/randomPassword:RandomPassword",
    "tls:index/privateKey:PrivateKey",
  ];
  expect(tokens.map((token) => token.split(":")[0])).toEqual([...packages]);
  const fresh = tokens.map((token) => new Schemas(cache).of(token));
  expect(fresh.map((schema) => Object.keys(schema?.inputs ?? {}).length > 0)).toEqual(tokens.map(() => true));
  expect(readdirSync(cache)).toHaveLength(packages.length);
  expect(tokens.map((token) => new Schemas(cache).of(token))).toEqual(fresh);
});

test("a name that the program does not give comes from the seed once and stays", () => {
  const first = clouds.check(server, {}, { resourceGroupName: "g" }, seed).inputs;
  expect(first["serverName"]).toMatch(/^server[0-9a-f]{8}$/);
  expect(clouds.check(server, {}, { resourceGroupName: "g" }, seed).inputs).toEqual(first);
  expect(clouds.check(server, first, { resourceGroupName: "g" }, Buffer.from("another")).inputs).toEqual(first);
  expect(clouds.check(server, { serverName: "given" }, { resourceGroupName: "g" }, seed).inputs).toEqual(first);
  expect(clouds.check(server, first, { resourceGroupName: "g", serverName: "given" }, seed).inputs["serverName"]).toBe(
    "given",
  );
});

test("a preview knows what was given and nothing else", async () => {
  const { id, outputs } = await clouds.create(cluster, goodCluster, true);
  expect(id).toBe("");
  expect(outputs).toMatchObject({ roleArn: goodCluster.roleArn, arn: unknown, endpoint: unknown });
  expect(outputs["vpcConfig"]).toMatchObject({ subnetIds: ["subnet-1", "subnet-2"], clusterSecurityGroupId: unknown });
  expect(clouds.resources).toEqual([]);
});

test("outputs look like the cloud's", async () => {
  const made = await clouds.create(cluster, goodCluster, false);
  expect(made.id).toBe("c");
  expect(made.outputs).toMatchObject({
    arn: "arn:aws:eks:eu-central-1:123456789012:cluster/c",
    endpoint: expect.stringMatching(/^https:\/\/[0-9A-F]{32}\.gr7\.eu-central-1\.eks\.amazonaws\.com$/),
    vpcConfig: { clusterSecurityGroupId: expect.stringMatching(/^sg-/) },
    identities: [{ oidcs: [{ issuer: expect.stringMatching(/^https:\/\/oidc\.eks/) }] }],
  });
  const postgres = await clouds.create(
    server,
    { resourceGroupName: "g", serverName: "db", identity: { type: "SystemAssigned" } },
    false,
  );
  expect(postgres.id).toMatch(/\/resourceGroups\/g\/providers\/Microsoft\.DBforPostgreSQL\/flexibleServers\/db$/);
  expect(postgres.outputs).toMatchObject({
    fullyQualifiedDomainName: "db.postgres.database.azure.com",
    type: "Microsoft.DBforPostgreSQL/flexibleServers",
    identity: { principalId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  });
  const instance = await clouds.create(
    { token: "gcp:sql/databaseInstance:DatabaseInstance", name: "db" },
    { region: "europe-west3", databaseVersion: "POSTGRES_17" },
    false,
  );
  expect(instance.outputs["dnsNames"]).toEqual([
    {
      name: expect.stringMatching(/^\w+\.\w+\.europe-west3\.sql-psa\.goog\.$/),
      connectionType: "PRIVATE_SERVICES_ACCESS",
      dnsScope: "INSTANCE",
    },
  ]);
  const pool = await clouds.create(
    { token: "gcp:container/nodePool:NodePool", name: "machines" },
    { name: "machines", cluster: "c", location: "europe-west3", nodeLocations: ["europe-west3-a", "europe-west3-b"] },
    false,
  );
  expect(pool.outputs["managedInstanceGroupUrls"]).toEqual([
    expect.stringMatching(/\/projects\/stand-in-project\/zones\/europe-west3-a\/instanceGroups\/gke-machines-\w+-grp$/),
    expect.stringMatching(/\/projects\/stand-in-project\/zones\/europe-west3-b\/instanceGroups\/gke-machines-\w+-grp$/),
  ]);
  const network = await clouds.create({ token: "gcp:compute/network:Network", name: "n" }, { name: "net" }, false);
  expect(network.id).toBe("projects/stand-in-project/global/networks/net");
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s", namespace: "n" },
    spec: { type: "LoadBalancer" },
  };
  const { id, outputs } = await clouds.create({ token: "kubernetes:core/v1:Service", name: "s" }, service, false);
  expect(id).toBe("n/s");
  expect(outputs).toMatchObject({
    status: { loadBalancer: { ingress: [{ ip: expect.stringMatching(/^203\.0\.113\./) }] } },
  });
});

test("a password is really one, is secret, and lies on the disk as a hash only", async () => {
  const password = { token: "random:index/randomPassword:RandomPassword", name: "password" };
  const inputs = { length: 20, special: false, minNumeric: 3 };
  const { id, outputs } = await clouds.create(password, inputs, false);
  const { result } = outputs as { result: { value: string } };
  expect(isSecret(result)).toBe(true);
  expect(result.value).toMatch(/^[A-Za-z0-9]{20}$/);
  expect(result.value.match(/\d/g)?.length).toBeGreaterThanOrEqual(3);
  const version = { token: "aws:secretsmanager/secretVersion:SecretVersion", name: "version" };
  const kept = await clouds.create(version, { secretId: "arn:aws:x", secretString: result }, false);
  for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name), "utf8")).not.toContain(result.value);
  expect(clouds.read(password.token, id, outputs, inputs)).toEqual({ id, outputs, inputs });
  const found = clouds.read(version.token, kept.id, kept.outputs, { secretId: "arn:aws:x", secretString: result });
  expect(found?.inputs["secretString"]).toEqual(result);
  const other = clouds.read(version.token, kept.id, kept.outputs, {
    secretId: "arn:aws:x",
    secretString: secret("another"),
  });
  expect(inTheClear(other?.inputs["secretString"])).toBe("changed by somebody else");
});

test("what cannot be changed replaces, what can does not", () => {
  const before = { cidrBlock: "10.0.0.0/16", enableDnsSupport: true };
  const changes = clouds.diff(vpc.token, before, { cidrBlock: "10.1.0.0/16", enableDnsSupport: false });
  expect(changes).toEqual([
    { path: "cidrBlock", kind: "update", replaces: true },
    { path: "enableDnsSupport", kind: "update", replaces: false },
  ]);
  expect(clouds.diff(vpc.token, before, { ...before, cidrBlock: secret("10.0.0.0/16") })).toEqual([]);
  expect(clouds.diff(vpc.token, before, { ...before, cidrBlock: unknown })).toEqual([
    { path: "cidrBlock", kind: "update", replaces: true },
  ]);
  const kubernetes = {
    metadata: { name: "a", labels: { x: "1" } },
    spec: { selector: { matchLabels: { app: "a" } }, replicas: 1 },
  };
  const changed = {
    metadata: { name: "a", labels: {} },
    spec: { selector: { matchLabels: { app: "b" } }, replicas: 2 },
  };
  expect(clouds.diff("kubernetes:apps/v1:Deployment", kubernetes, changed)).toEqual([
    { path: "metadata.labels.x", kind: "delete", replaces: false },
    { path: "spec.selector.matchLabels.app", kind: "update", replaces: true },
    { path: "spec.replicas", kind: "update", replaces: false },
  ]);
});

test("a replica of another server is another server, one whose primary is taken away is promoted", () => {
  const token = "gcp:sql/databaseInstance:DatabaseInstance";
  const replica = { masterInstanceName: "primary", instanceType: "READ_REPLICA_INSTANCE" };
  const alone = { instanceType: "CLOUD_SQL_INSTANCE" };
  const replacing = (before: Values, after: Values) =>
    clouds.diff(token, before, after).flatMap(({ path, replaces }) => (replaces ? [path] : []));
  expect(replacing(replica, alone)).toEqual([]);
  expect(replacing(replica, { ...replica, masterInstanceName: "other" })).toEqual(["masterInstanceName"]);
  expect(replacing(alone, replica)).toEqual(["masterInstanceName"]);
});

test("a cluster of Azure takes no pools but those that it was made with, and none with other machines", async () => {
  const token = "azure-native:containerservice:ManagedCluster";
  const made = (...agentPoolProfiles: Values[]) => ({
    resourceGroupName: "group",
    resourceName: "c",
    agentPoolProfiles,
  });
  const [system, nodes] = [
    { name: "system", vmSize: "Standard_D2ds_v5", maxCount: 3 },
    { name: "nodes", vmSize: "Standard_D4ds_v5", maxCount: 3 },
  ];
  const named = { token, name: "c" };
  const { id, outputs } = await clouds.create(named, made(system, nodes), false);
  const update = (...pools: Values[]) => clouds.update(named, id, outputs, made(...pools), false);
  await expect(update(system, { ...nodes, name: "others" })).rejects.toThrow("A new agent pool was introduced: others");
  await expect(update(system, { ...nodes, vmSize: "Standard_D8ds_v5" })).rejects.toThrow(
    "Changing property 'agentPoolProfiles.vmSize' is not allowed",
  );
  await update(system, { ...nodes, maxCount: 9 });
  await update(system);
});

test("all that is said to replace is an input of its type", () => {
  const tokens = [vpc, subnet, cluster, server, bucket].map(({ token }) => token);
  for (const token of tokens) {
    const schema = schemas.of(token);
    const cloud = known[token.split(":")[0] as keyof typeof known];
    const tops = cloud.createOnly(token, schema).map((path) => path.split(".")[0]);
    expect(Object.keys(schema?.inputs ?? {}), token).toEqual(
      expect.arrayContaining(tops.filter((top) => schema?.inputs[top as string])),
    );
    expect(
      tops.some((top) => schema?.inputs[top as string] !== undefined),
      token,
    ).toBe(true);
  }
});

test("a name is given once, and what is in use is not deleted", async () => {
  const network = await clouds.create(vpc, { cidrBlock: "10.0.0.0/16" }, false);
  const part = await clouds.create(subnet, { vpcId: network.id, cidrBlock: "10.0.0.0/24" }, false);
  await clouds.create(bucket, { name: "b", location: "EU" }, false);
  await expect(clouds.create({ ...bucket, name: "other" }, { name: "b", location: "US" }, false)).rejects.toThrow(
    "there is b already, made as bucket",
  );
  expect(() => clouds.delete(vpc, network.id)).toThrow(
    `${network.id} is in use by aws:ec2/subnet:Subnet subnet (vpcId)`,
  );
  clouds.delete(subnet, part.id);
  clouds.delete(vpc, network.id);
  clouds.delete(vpc, network.id);
  expect(clouds.resources.map(({ id }) => id)).toEqual(["b"]);
});

test("whom a binding gives rights to may go before it", async () => {
  const namespace = { token: "kubernetes:core/v1:Namespace", name: "ingress" };
  const { id } = await clouds.create(namespace, { metadata: { name: "ingress" } }, false);
  const binding = { token: "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", name: "ingress" };
  const subjects = [{ kind: "ServiceAccount", name: "ingress", namespace: id }];
  await clouds.create(binding, { metadata: { name: "binding" }, subjects }, false);
  clouds.delete(namespace, id);
  expect(clouds.resources.map(({ token }) => token)).toEqual([binding.token]);
});

test("what is inside of something in Azure goes with it", async () => {
  const group = { token: "azure-native:resources:ResourceGroup", name: "group" };
  const { id } = await clouds.create(group, { resourceGroupName: "g" }, false);
  const made = await clouds.create(server, { resourceGroupName: "g", serverName: "db" }, false);
  const database = { token: "azure-native:dbforpostgresql:Database", name: "database" };
  await clouds.create(database, { resourceGroupName: "g", serverName: "db", databaseName: "d" }, false);
  clouds.delete(server, made.id);
  expect(clouds.resources.map((resource) => resource.id)).toEqual([id]);
});

test("a name is in use only where the input is called after what has it", async () => {
  const role = { token: "aws:iam/role:Role", name: "role" };
  const group = { token: "aws:cloudwatch/logGroup:LogGroup", name: "log" };
  await clouds.create(role, { name: "nodes", assumeRolePolicy: "{}" }, false);
  await clouds.create(group, { name: "nodes" }, false);
  await clouds.create(
    { token: "aws:iam/rolePolicyAttachment:RolePolicyAttachment", name: "a" },
    { role: "nodes", policyArn: "arn:aws:iam::aws:policy/x" },
    false,
  );
  clouds.delete(group, "nodes");
  expect(() => clouds.delete(role, "nodes")).toThrow(
    "in use by aws:iam/rolePolicyAttachment:RolePolicyAttachment a (role)",
  );
});

test("it can be told to throttle, to fail halfway, to drift and to lose a resource", async () => {
  clouds.instruct({ what: "throttle", times: 1, type: vpc.token });
  await expect(clouds.create(vpc, { cidrBlock: "10.0.0.0/16" }, false)).rejects.toThrow("too many requests");
  clouds.instruct({ what: "fail-halfway", after: 1 });
  const { id } = await clouds.create(vpc, { cidrBlock: "10.0.0.0/16" }, false);
  const half = await clouds
    .create(subnet, { vpcId: id, cidrBlock: "10.0.0.0/24" }, false)
    .catch((error: unknown) => error);
  expect(half).toBeInstanceOf(HalfMade);
  expect(clouds.resources.map((resource) => resource.id)).toContain((half as HalfMade).made.id);
  clouds.instruct({ what: "drift", type: vpc.token, name: vpc.name, property: "cidrBlock", value: "192.168.0.0/16" });
  expect(clouds.read(vpc.token, id, {}, {})).toMatchObject({
    inputs: { cidrBlock: "192.168.0.0/16" },
    outputs: { cidrBlock: "192.168.0.0/16" },
  });
  clouds.instruct({ what: "vanish", type: vpc.token, name: vpc.name });
  expect(clouds.read(vpc.token, id, {}, {})).toBeUndefined();
  expect(() => clouds.instruct({ what: "vanish", type: vpc.token, name: vpc.name })).toThrow(
    "there is no aws:ec2/vpc:Vpc called network",
  );
});

test("questions that it does not know are refused by name", () => {
  expect(invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {})).toMatchObject({
    names: ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
  });
  expect(() => invoke("aws:ec2/getSpotPrice:getSpotPrice", {})).toThrow(
    /has no answer to aws:ec2\/getSpotPrice.*It knows aws:/,
  );
});

test("its state outlives it, and instructions come over its port", async () => {
  const { id } = await clouds.create(vpc, { cidrBlock: "10.0.0.0/16" }, false);
  await using standIn = await StandIn.start(folder);
  expect(standIn.attach).toMatch(/^aws:\d+,azure-native:\d+,gcp:\d+,kubernetes:\d+,random:\d+,tls:\d+$/);
  const post = (body: unknown) =>
    fetch(`${standIn.control}/instructions`, { method: "POST", body: JSON.stringify(body) });
  expect((await post({ what: "throttle", times: 0 })).status).toBe(400);
  expect((await post({ what: "vanish", type: vpc.token, name: "nobody" })).status).toBe(400);
  const resources = async () =>
    ((await (await fetch(`${standIn.control}/resources`)).json()) as { id: string }[]).map((each) => each.id);
  expect(await resources()).toEqual([id]);
  expect((await post({ what: "vanish", type: vpc.token, name: vpc.name })).status).toBe(200);
  expect(await resources()).toEqual([]);
});

test("what a watcher knows of a resource stands in its outputs, and what it sees gone is gone", async () => {
  let status: Values | null = { status: "PENDING" };
  clouds.watcher = {
    put: async () => ({ outputs: { status: "ACTIVE" } }),
    removed: async () => undefined,
    seen: async () => status,
  };
  const { id, outputs } = await clouds.create(cluster, goodCluster, false);
  expect(outputs).toMatchObject({ name: "c", status: "ACTIVE" });
  await clouds.look(cluster.token, id);
  expect(clouds.read(cluster.token, id, outputs, goodCluster)?.outputs).toMatchObject({ status: "PENDING" });
  status = null;
  await clouds.look(cluster.token, id);
  expect(clouds.read(cluster.token, id, outputs, goodCluster)).toBeUndefined();
});
