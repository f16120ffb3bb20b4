import { isSecret as isSecretOutput, type Output } from "@pulumi/pulumi";
import { beforeAll, expect, test } from "vitest";
import { Collector, childrenOf, isSecret } from "../../test/kubernetes/collect.ts";
import { ClusterPostgres, type ClusterPostgresArgs } from "./cluster-postgres.ts";

let collector: Collector;
beforeAll(async () => {
  collector = await Collector.start();
});

const args: ClusterPostgresArgs = {
  deployment: { name: "canton", environment: "production" },
  purpose: "nodes",
  namespace: "ledger",
  storageClass: "encrypted",
  zones: ["a", "b", "c"],
  logins: ["participant1", "mediator"],
  backups: { url: "s3://canton-backups/prod", credentials: "identity" },
  monitoringNamespace: "monitoring",
};

function valueOf<T>(output: Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply((value) => resolve(value as T)));
}

test("a server is its cluster and all around it, below its component, and gives out how it is reached", async () => {
  let postgres: ClusterPostgres | undefined;
  const registered = await collector.registered(() => {
    postgres = new ClusterPostgres("nodes", args);
  });
  const made = postgres as ClusterPostgres;
  expect(await childrenOf(made)).toEqual([
    "kubernetes:barmancloud.cnpg.io/v1:ObjectStore canton-nodes-objectstore",
    "kubernetes:core/v1:Secret canton-nodes-administrator",
    "kubernetes:core/v1:Secret canton-nodes-authority",
    "kubernetes:monitoring.coreos.com/v1:PodMonitor canton-nodes-podmonitor",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy canton-nodes",
    "kubernetes:postgresql.cnpg.io/v1:Cluster canton-nodes-cluster",
    "kubernetes:postgresql.cnpg.io/v1:ScheduledBackup canton-nodes-scheduledbackup",
    "random:index/randomPassword:RandomPassword canton-nodes-administrator",
    "random:index/randomPassword:RandomPassword canton-nodes-mediator",
    "random:index/randomPassword:RandomPassword canton-nodes-participant1",
    "tls:index/privateKey:PrivateKey canton-nodes-authority",
    "tls:index/selfSignedCert:SelfSignedCert canton-nodes-authority",
  ]);
  const server = await valueOf(made.server);
  expect(server).toMatchObject({
    host: "canton-nodes-rw.ledger.svc",
    port: 5432,
    administrator: { user: "administrator" },
    caPem: expect.stringContaining("BEGIN CERTIFICATE"),
    logins: { participant1: { database: "participant1", user: "participant1" }, mediator: { user: "mediator" } },
  });
  const passwords = [server.administrator, ...Object.values(server.logins)].map(({ password }) => password);
  expect(new Set(passwords).size).toBe(3);
  expect(await isSecretOutput(made.server)).toBe(true);
  for (const { inputs, name } of registered.filter(({ type }) => type === "kubernetes:core/v1:Secret")) {
    expect({ name, secret: isSecret(inputs["stringData"]) }).toEqual({ name, secret: true });
  }
});

test("without backups and monitoring there is less, and dev has one instance", async () => {
  const { backups: _, monitoringNamespace: __, ...less } = args;
  let postgres: ClusterPostgres | undefined;
  const objects = await collector.objects(() => {
    postgres = new ClusterPostgres("less", { ...less, deployment: { name: "dev", environment: "dev" } });
  });
  expect(await childrenOf(postgres as ClusterPostgres)).toHaveLength(9);
  expect(objects.find(({ kind }) => kind === "Cluster")?.["spec"]).toMatchObject({ instances: 1 });
});

test("an exporter has a login that may look and nothing else, and gets in", async () => {
  let postgres: ClusterPostgres | undefined;
  const objects = await collector.objects(() => {
    postgres = new ClusterPostgres("watched", { ...args, exporterNamespace: "exporters" });
  });
  const spec = (kind: string) => objects.find((each) => each.kind === kind)?.["spec"] as any;
  expect(spec("Cluster").managed.roles[1]).toMatchObject({
    name: "monitoring",
    superuser: false,
    inRoles: ["pg_monitor"],
    passwordSecret: { name: "canton-nodes-monitoring" },
  });
  expect(JSON.stringify(spec("NetworkPolicy").ingress[0])).toContain("exporters");
  const { watcher } = postgres as ClusterPostgres;
  expect(await isSecretOutput(watcher)).toBe(true);
  const { password } = (await valueOf(watcher)) as { password: string };
  expect(objects.find(({ metadata }) => metadata.name === "canton-nodes-monitoring")?.["stringData"]).toEqual({
    username: "monitoring",
    password,
  });
  const taken = { ...args, exporterNamespace: "exporters", logins: ["monitoring"] };
  expect(() => new ClusterPostgres("taken", taken)).toThrow(/^logins: got "monitoring"/);
});

test("only the operator, clients and the instances themselves reach it", async () => {
  const objects = await collector.objects(() => new ClusterPostgres("closed", { ...args, clientNamespaces: ["apps"] }));
  const { ingress } = objects.find(({ kind }) => kind === "NetworkPolicy")?.["spec"] as any;
  const namespace = (name: string) => ({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } });
  const instances = { podSelector: { matchLabels: { "cnpg.io/cluster": "canton-nodes" } } };
  expect(ingress.map(({ from, ports }: any) => [from, ports.map(({ port }: any) => port)])).toEqual([
    [[{ podSelector: {} }, namespace("apps")], [5432]],
    [
      [instances, namespace("cnpg-system")],
      [5432, 8000],
    ],
    [[namespace("monitoring")], [9187]],
  ]);
});

test("refuses a login of the administrator's name, and what its plan refuses", async () => {
  const refused = (change: Partial<ClusterPostgresArgs>) =>
    collector.objects(() => new ClusterPostgres("x", { ...args, ...change }));
  await expect(refused({ logins: ["administrator"] })).rejects.toThrow(/^logins: got "administrator"/);
  await expect(refused({ instances: 1 })).rejects.toThrow(/^instances: got 1; production takes at least 3/);
});
