import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { beforeAll, expect, test, vi } from "vitest";
import { checkKubernetesConfig } from "./config.ts";
import { base as common, image, type Runs, services, templateRuns } from "./testing/run-template.ts";

// Vitest rewrites import(), which Pulumi then cannot store.
vi.mock("@pulumi-canton/components/dynamic/thin-provider.ts", () => ({
  thinProvider: () => ({ create: async () => ({ id: "x" }) }),
}));

const reverseProxy = { image, host: "sequencers.example.com", allowedRanges: ["203.0.113.0/24"] };
const base = { ...common, domain: {}, reverseProxy };
let runs: Runs;
beforeAll(async () => {
  runs = await templateRuns();
});

const certified = (node: string): string[] => runs.inputsOf(":CertRequest", `${node}-server`)?.dnsNames;

test("a reverse proxy leads to all sequencers that are ready, and their certificates bear its name", async () => {
  const outputs = await runs.run(base);
  const config: string = runs.inputsOf("core/v1:ConfigMap", "reverse-proxy").data["haproxy.cfg"];
  for (const name of ["sequencer1", "sequencer2"]) {
    expect(config).toContain(`server ${name} ${name}.canton-prod.svc.cluster.local:5001 check port 8080 no-check-ssl`);
    expect(certified(name)).toContain(reverseProxy.host);
  }
  expect(config).toContain("acl allowed src 203.0.113.0/24");
  expect(config).not.toContain("ssl crt");
  expect(runs.inputsOf(":NetworkPolicy", "reverse-proxy-to-sequencers").spec).toMatchObject({
    podSelector: { matchLabels: { "app.kubernetes.io/name": "sequencer" } },
    ingress: [{ ports: [{ port: 5001 }, { port: 8080 }] }],
  });
  expect(outputs["reverseProxy"]).toMatchObject({ host: reverseProxy.host });
  expect(certified("mediator")).not.toContain(reverseProxy.host);
});

test("a reverse proxy has the load balancer of a cloud, for which the quota has a place, unless the ingress has it", async () => {
  await runs.run(base);
  expect(runs.inputsOf("core/v1:Service", "reverse-proxy").spec).toMatchObject({
    type: "NodePort",
    ports: [{ nodePort: 30_443 }],
  });
  const quota = () => runs.inputsOf(":ResourceQuota", "kubernetes-namespace-quota").spec.hard;
  expect(quota()).toMatchObject({ "services.loadbalancers": "1", "services.nodeports": "1" });

  await runs.run(base, services);
  expect(runs.inputsOf("core/v1:Service", "reverse-proxy").spec.type).toBe("ClusterIP");
  expect(quota()).toMatchObject({ "services.loadbalancers": "0", "services.nodeports": "0" });
  const rules = runs.inputsOf(":NetworkPolicy", "reverse-proxy").spec.ingress;
  expect(JSON.stringify(rules)).toContain("canton-prod-monitoring");
});

test("a reverse proxy may end TLS, and goes on to the sequencers by their authority; NGINX lets it through", async () => {
  const issued = {
    ...services,
    issuer: { namespace: "canton-prod", name: "issuer", caPem: "-----BEGIN CERTIFICATE-----" },
  };
  await runs.run({ ...base, reverseProxy: { ...reverseProxy, certificateSecret: "proxy-tls" } }, issued);
  const { data } = runs.inputsOf("core/v1:ConfigMap", "reverse-proxy");
  expect(data["haproxy.cfg"]).toContain("verifyhost sequencers.example.com");
  expect(data["ca.crt"]).toBe("-----BEGIN CERTIFICATE-----");

  await runs.run({ ...base, reverseProxy: { ...reverseProxy, software: "nginx", to: ["sequencer2"] } });
  const nginx: string = runs.inputsOf("core/v1:ConfigMap", "reverse-proxy").data["nginx.conf"];
  expect(nginx).toContain("server sequencer2.canton-prod.svc.cluster.local:5001");
  expect(nginx).not.toContain("sequencer1");
});

test("a reverse proxy is where those who are invited go", async () => {
  await runs.run({ ...base, domain: { invitation: {} } });
  expect(runs.inputsOf("invitation:Invitation", "invitation").sequencers).toMatchObject([
    { url: "https://sequencers.example.com:443" },
  ]);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  [
    "an image that can change",
    { reverseProxy: { ...reverseProxy, image: "haproxy:3.2" } },
    /reverseProxy\.image: got "haproxy:3\.2"/,
  ],
  ["one pod in production", { reverseProxy: { ...reverseProxy, replicas: 1 } }, /reverseProxy\.replicas: got 1/],
  ["a load balancer in somebody else's quota", { sharedNamespace: true }, /reverseProxy\.loadBalancer: has no place/],
])("a reverse proxy is refused with %s before anything is made", async (_what, given, why) => {
  await expect(runs.run({ ...base, ...given })).rejects.toThrow(why);
  expect(runs.registered.filter(({ type }) => type.startsWith("kubernetes:"))).toEqual([]);
});

const problems = (given: Record<string, unknown>): readonly string[] => {
  try {
    checkKubernetesConfig({ ...base, ...given });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};
const proxy = (more: object) => ({ reverseProxy: { ...reverseProxy, ...more } });
test.each<[string, Record<string, unknown>, RegExp]>([
  ["no domain", { domain: undefined, participants: [{ name: "alice" }] }, /^reverseProxy: is set without a domain/],
  [
    "a sequencer that is not there",
    proxy({ to: ["sequencer9"] }),
    /^reverseProxy\.to: got "sequencer9"; expected one of sequencer1, sequencer2/,
  ],
  ["nobody who may come", proxy({ allowedRanges: [] }), /^reverseProxy\.allowedRanges/],
  ["a host that is none", proxy({ host: "10.0.0.1:443" }), /^reverseProxy\.host: got "10\.0\.0\.1:443"/],
  [
    "NGINX that ends TLS",
    proxy({ software: "nginx", certificateSecret: "tls" }),
    /^reverseProxy\.certificateSecret: is set with software nginx/,
  ],
  [
    "NGINX that counts new connections",
    proxy({ software: "nginx", connectionRatePerAddress: 5 }),
    /^reverseProxy\.connectionRatePerAddress: is set with software nginx/,
  ],
  [
    "more for one than for all",
    proxy({ connections: 10 }),
    /^reverseProxy\.connectionsPerAddress: got 100; expected no more than reverseProxy\.connections, which is 10/,
  ],
  ["a participant of its name", { participants: [{ name: "reverse-proxy" }] }, /^participants: got "reverse-proxy"/],
  [
    "the host of a route",
    { routes: { sequencers: [{ host: reverseProxy.host, allowedRanges: ["10.0.0.0/8"] }] } },
    /^reverseProxy\.host: got "sequencers\.example\.com", which a route is for/,
  ],
  [
    "an invitation to an authority that nobody knows",
    { domain: { invitation: {} }, ...proxy({ certificateSecret: "tls" }) },
    /^domain\.invitation\.sequencers is required with reverseProxy\.certificateSecret/,
  ],
])("a reverse proxy is refused with %s", (_what, given, why) => {
  expect(problems(given).join("\n")).toMatch(why);
});
