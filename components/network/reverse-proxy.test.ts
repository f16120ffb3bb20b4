import { beforeAll, expect, test } from "vitest";
import { Collector, childrenOf } from "../../test/kubernetes/collect.ts";
import { ReverseProxy, type ReverseProxyArgs } from "./reverse-proxy.ts";

let collector: Collector;
beforeAll(async () => {
  collector = await Collector.start();
});

const args: ReverseProxyArgs = {
  deployment: { name: "canton-prod", environment: "production" },
  namespace: "canton-prod",
  sequencers: [{ name: "sequencer1", host: "sequencer1.canton-prod.svc.cluster.local", port: 5001, healthPort: 8080 }],
  allowedRanges: ["203.0.113.0/24"],
  sequencerPods: { role: "sequencer" },
};

test("a proxy is six objects below its component, of pods that have no rights and lie apart", async () => {
  let proxy: ReverseProxy | undefined;
  const objects = await collector.objects(() => {
    proxy = new ReverseProxy("proxy", args);
  });
  expect(await childrenOf(proxy as ReverseProxy)).toEqual([
    "kubernetes:apps/v1:Deployment proxy",
    "kubernetes:core/v1:ConfigMap proxy",
    "kubernetes:core/v1:Service proxy",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy proxy",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy proxy-to-sequencers",
    "kubernetes:policy/v1:PodDisruptionBudget proxy",
  ]);
  const object = (kind: string, name = "proxy") =>
    objects.find((each) => each.kind === kind && each.metadata.name === name) as unknown as { spec: any; data: any };
  const { replicas, template, selector } = object("Deployment").spec;
  expect(replicas).toBe(3);
  expect(template.metadata.labels).toMatchObject(selector.matchLabels);
  expect(template.spec.automountServiceAccountToken).toBe(false);
  expect(template.spec.containers[0].securityContext).toMatchObject({
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
  });
  expect(
    template.spec.topologySpreadConstraints.map(({ topologyKey }: { topologyKey: string }) => topologyKey),
  ).toEqual(["topology.kubernetes.io/zone", "kubernetes.io/hostname"]);
  expect(object("PodDisruptionBudget").spec.selector).toEqual(selector);
  expect(object("Service").spec).toMatchObject({ type: "ClusterIP", selector: selector.matchLabels });
  expect(object("ConfigMap").data["haproxy.cfg"]).toContain("acl allowed src 203.0.113.0/24");
  expect(object("NetworkPolicy", "proxy-to-sequencers").spec).toMatchObject({
    podSelector: { matchLabels: { role: "sequencer" } },
    ingress: [{ from: [{ podSelector: selector }], ports: [{ port: 5001 }, { port: 8080 }] }],
  });
});

test("a load balancer lets in those on the allow-list only, and tells the proxy who they are", async () => {
  const objects = await collector.objects(
    () => new ReverseProxy("outside", { ...args, loadBalancer: { address: "198.51.100.1" } }),
  );
  expect(objects.find(({ kind }) => kind === "Service")?.["spec"]).toMatchObject({
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    loadBalancerSourceRanges: ["203.0.113.0/24"],
    loadBalancerIP: "198.51.100.1",
  });
});

test("a load balancer outside of the cluster finds the port that it forwards to", async () => {
  const objects = await collector.objects(
    () => new ReverseProxy("forwarded", { ...args, loadBalancer: { nodePort: 30_443 } }),
  );
  expect(objects.find(({ kind }) => kind === "Service")?.["spec"]).toMatchObject({
    type: "NodePort",
    ports: [{ port: 443, nodePort: 30_443 }],
  });
});

test("another configuration makes new pods, the same does not", async () => {
  const revisionOf = async (name: string, change: Partial<ReverseProxyArgs>) => {
    const objects = await collector.objects(() => new ReverseProxy(name, { ...args, ...change }));
    const { template } = objects.find(({ kind }) => kind === "Deployment")?.["spec"] as { template: any };
    return template.metadata.annotations["pulumi-canton/revision"] as string;
  };
  const first = await revisionOf("a", {});
  expect(await revisionOf("b", { monitoringNamespace: "monitoring" })).toBe(first);
  expect(await revisionOf("c", { idleSeconds: 100 })).not.toBe(first);
});

test("what cannot work is refused before anything is made", async () => {
  const refused = () => new ReverseProxy("refused", { ...args, software: "nginx" });
  await expect(collector.objects(refused)).rejects.toThrow(/NGINX does not ask servers for their health/);
});
