import { beforeAll, expect, test } from "vitest";
import { Collector, childrenOf } from "../../test/kubernetes/collect.ts";
import type { KubernetesObject } from "../../test/kubernetes/object-paths.ts";
import { TraefikIngress, type TraefikIngressArgs } from "./traefik-ingress.ts";

let collector: Collector;
beforeAll(async () => {
  collector = await Collector.start(({ type }) =>
    type === "kubernetes:core/v1:Service" ? { status: { loadBalancer: { ingress: [{ ip: "198.51.100.1" }] } } } : {},
  );
});

const args: TraefikIngressArgs = {
  deployment: { name: "canton", environment: "staging" },
  watchedNamespaces: ["canton", "keycloak"],
  allowedRanges: ["203.0.113.0/24"],
};

function specOf(objects: readonly KubernetesObject[], kind: string): any {
  return objects.find((each) => each.kind === kind)?.["spec"];
}

test("Traefik is a namespace of its own with all that it needs, below its component", async () => {
  let ingress: TraefikIngress | undefined;
  const objects = await collector.objects(() => {
    ingress = new TraefikIngress("ingress", args);
  });
  expect(await childrenOf(ingress as TraefikIngress)).toEqual([
    "kubernetes:apps/v1:Deployment ingress",
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler ingress",
    "kubernetes:core/v1:Namespace ingress",
    "kubernetes:core/v1:Service ingress",
    "kubernetes:core/v1:ServiceAccount ingress",
    "kubernetes:networking.k8s.io/v1:IngressClass ingress",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy ingress",
    "kubernetes:policy/v1:PodDisruptionBudget ingress",
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole ingress",
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding ingress",
    "kubernetes:rbac.authorization.k8s.io/v1:Role ingress-canton",
    "kubernetes:rbac.authorization.k8s.io/v1:Role ingress-canton-ingress",
    "kubernetes:rbac.authorization.k8s.io/v1:Role ingress-keycloak",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding ingress-canton",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding ingress-canton-ingress",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding ingress-keycloak",
    "kubernetes:traefik.io/v1alpha1:TLSOption ingress-tls",
  ]);
  expect(await new Promise((resolve) => ingress?.address.apply(resolve))).toBe("198.51.100.1");
  expect(specOf(objects, "Deployment")).not.toHaveProperty("replicas");
  expect(specOf(objects, "HorizontalPodAutoscaler")).toMatchObject({ minReplicas: 2, maxReplicas: 4 });
  expect(specOf(objects, "Service")).toMatchObject({
    type: "LoadBalancer",
    loadBalancerSourceRanges: ["203.0.113.0/24"],
  });
});

test("secrets are read in the watched namespaces only", async () => {
  const objects = await collector.objects(() => new TraefikIngress("rights", args));
  const rules = (kind: string) =>
    objects
      .filter((each) => each.kind === kind)
      .map(({ metadata, rules }) => ({ namespace: metadata.namespace, rules: rules as any[] }));
  for (const { rules: all } of rules("ClusterRole"))
    expect(all.flatMap(({ resources }) => resources)).toEqual(["nodes", "ingressclasses"]);
  expect(
    rules("Role")
      .map(({ namespace }) => namespace)
      .toSorted(),
  ).toEqual(["canton", "canton-ingress", "keycloak"]);
  for (const { rules: all } of [...rules("Role"), ...rules("ClusterRole")]) {
    const verbs = all.filter(({ resources }) => !resources.includes("ingresses/status")).flatMap(({ verbs }) => verbs);
    expect(new Set(verbs)).toEqual(new Set(["get", "list", "watch"]));
  }
});

test("where nobody is listed, nobody outside the cluster reaches it", async () => {
  const { allowedRanges: _, ...closed } = args;
  const objects = await collector.objects(() => new TraefikIngress("closed", closed));
  expect(specOf(objects, "Service")).toMatchObject({ type: "ClusterIP" });
  expect(specOf(objects, "Service")).not.toHaveProperty("loadBalancerSourceRanges");
});

test("behind a load balancer outside the cluster it has the port that this one forwards to, and asks for no other", async () => {
  const behind = { ...args, loadBalancer: { nodePort: 30_443 } };
  const objects = await collector.objects(() => new TraefikIngress("behind", behind));
  expect(specOf(objects, "Service")).toMatchObject({
    type: "NodePort",
    externalTrafficPolicy: "Local",
    ports: [{ port: 443, nodePort: 30_443 }],
  });
  expect(specOf(objects, "Service")).not.toHaveProperty("loadBalancerSourceRanges");
  const { allowedRanges: _, ...closed } = behind;
  const unlisted = await collector.objects(() => new TraefikIngress("unlisted", closed));
  expect(specOf(unlisted, "Service")).toMatchObject({ type: "ClusterIP" });
});

test("routes are of its class, and let it through to the pods that answer", async () => {
  const objects = await collector.objects(() => {
    const ingress = new TraefikIngress("routed", { ...args, ingressClass: "public" });
    const pods = { labels: { role: "participant" }, port: 5011 };
    const route = { name: "ledger", host: "ledger.example.com", services: ["participant1"], port: 5011, pods };
    ingress.routes("routes", { namespace: "canton", routes: [{ ...route, allowedRanges: ["203.0.113.0/24"] }] });
  });
  const routes = objects.filter(({ metadata }) => metadata.name.startsWith("routes-ledger"));
  expect(routes.map(({ kind }) => kind).toSorted()).toEqual([
    "IngressRouteTCP",
    "MiddlewareTCP",
    "MiddlewareTCP",
    "NetworkPolicy",
  ]);
  for (const { kind, metadata } of routes) {
    if (kind !== "NetworkPolicy") expect(metadata["annotations"]).toEqual({ "kubernetes.io/ingress.class": "public" });
  }
  expect(routes.find(({ kind }) => kind === "NetworkPolicy")?.["spec"]).toMatchObject({
    podSelector: { matchLabels: { role: "participant" } },
    ingress: [
      {
        from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "canton-ingress" } } }],
        ports: [{ port: 5011 }],
      },
    ],
  });
});

test.each([
  [{ watchedNamespaces: [] }, /watchedNamespaces: got none/],
  [{ watchedNamespaces: ["a", "a"] }, /watchedNamespaces: got "a", "a"; expected each once/],
  [{ watchedNamespaces: ["canton-ingress"] }, /and not "canton-ingress"/],
  [{ allowedRanges: ["10.0.0.0"] }, /allowedRanges: got "10.0.0.0"/],
])("refuses %j", async (change, reason) => {
  await expect(collector.objects(() => new TraefikIngress("refused", { ...args, ...change }))).rejects.toThrow(reason);
});
