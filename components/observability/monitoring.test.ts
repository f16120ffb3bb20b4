import * as pulumi from "@pulumi/pulumi";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { Monitoring, type MonitoringArgs } from "./monitoring.ts";
import { MonitoringObjects } from "./monitoring-objects.ts";

interface Registered {
  readonly type: string;
  readonly name: string;
  // Kubernetes objects are read here as what they are: JSON.
  readonly inputs: any;
}

let registered: Registered[];
beforeAll(async () => {
  await pulumi.runtime.setMocks(
    {
      call: () => ({}),
      newResource: ({ type, name, inputs }) => {
        registered.push({ type, name, inputs });
        return { id: `${name}-id`, state: { ...inputs, result: "made-up" } };
      },
    },
    "project",
    "stack",
    false,
  );
});
beforeEach(() => {
  registered = [];
});

/** What the engine knows a secret by. */
const markOfSecrets = "4dabf18193072939515e22adb298388d";

const production: MonitoringArgs = {
  deployment: { name: "canton-prod", environment: "production" },
  nodes: ["canton"],
  channels: {
    slack: { channel: "#canton", webhookUrl: "https://hooks.slack.com/services/x" },
    pagerDuty: { routingKey: "routing-key-1" },
  },
};

function valueOf<T>(value: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => value.apply(resolve));
}

/** Makes it, and waits until all of it is registered. */
async function monitoring(changes: Partial<MonitoringArgs> = {}): Promise<Monitoring> {
  const made = new Monitoring("monitoring", { ...production, ...changes });
  await pulumi.runtime.disconnect();
  return made;
}

const kinds = () => {
  const count: Record<string, number> = {};
  for (const { type } of registered) {
    const kind = type.split(":").at(-1) ?? "";
    count[kind] = (count[kind] ?? 0) + 1;
  }
  return count;
};
const inputs = (kind: string, name: string) => {
  const found = registered.find((each) => each.type.endsWith(`:${kind}`) && each.inputs.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found.inputs;
};
const workloads = () =>
  registered
    .filter(({ type }) => /:(Deployment|StatefulSet|DaemonSet)$/.test(type))
    .map(({ inputs: { metadata, spec } }) => ({ name: metadata.name as string, spec, pod: spec.template.spec }));

describe("what is made", () => {
  test("in production, with two replicas", async () => {
    await monitoring();
    expect(kinds()).toEqual({
      Monitoring: 1,
      Namespace: 1,
      NetworkPolicy: 7,
      ServiceAccount: 2,
      Role: 2,
      RoleBinding: 2,
      ConfigMap: 6,
      Service: 4,
      StatefulSet: 3,
      PodDisruptionBudget: 2,
      Secret: 2,
      DaemonSet: 1,
      Deployment: 1,
      RandomPassword: 1,
    });
    expect(registered).toHaveLength(35);
  });

  test("by the arguments that add or take", async () => {
    const sizes: number[] = [];
    const database = { name: "nodes-replica", host: "db", user: "monitoring", password: "x" };
    for (const changes of [
      { highlyAvailable: false },
      { nodes: ["canton", "tenant-a"] },
      { databases: [database] },
      { metrics: { volumes: true } },
      { grafana: false },
      { logs: false },
      { existingNamespace: true },
    ] satisfies Partial<MonitoringArgs>[]) {
      registered = [];
      await monitoring(changes);
      sizes.push(registered.length);
    }
    expect(sizes).toEqual([33, 37, 38, 37, 28, 27, 34]);
  });
});

describe("pods", () => {
  const full: Partial<MonitoringArgs> = {
    databases: [{ name: "nodes", host: "db.internal", user: "monitoring", password: "secret-password", caPem: "PEM" }],
    logs: { siem: { url: "https://siem.example.com/in", authorization: "Splunk x" } },
  };

  test("may do nothing that they do not need; only Fluent Bit reads the machine, as root without any capability", async () => {
    await monitoring(full);
    expect(workloads()).toHaveLength(6);
    for (const { name, pod } of workloads()) {
      const collector = name === "fluent-bit";
      expect(pod.securityContext, name).toMatchObject({ seccompProfile: { type: "RuntimeDefault" } });
      expect(pod.securityContext.runAsNonRoot ?? false, name).toBe(!collector);
      expect(pod.automountServiceAccountToken, name).toBe(name === "prometheus");
      for (const container of pod.containers) {
        expect(container.securityContext, name).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(container.resources.limits.memory, name).toBe(container.resources.requests.memory);
        for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
          expect(container[probe].httpGet.port, name).toBe("http");
        }
        // Every mount has its volume; what is written has one of its own.
        const volumes = [...(pod.volumes ?? [])].map((volume) => volume.name);
        const mounted = container.volumeMounts.map((mount: { name: string }) => mount.name);
        expect(
          mounted.filter((mount: string) => mount !== "data" && !volumes.includes(mount)),
          name,
        ).toEqual([]);
        const paths = container.volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath);
        for (const path of paths) {
          expect(
            paths.filter((other: string) => other.startsWith(`${path}/`)),
            "a mount within another",
          ).toEqual([]);
        }
      }
      const hostPaths = (pod.volumes ?? []).filter((volume: { hostPath?: object }) => volume.hostPath !== undefined);
      expect(hostPaths.length > 0, name).toBe(collector);
    }
  });

  test("are chosen by labels that they have", async () => {
    await monitoring(full);
    for (const { name, spec } of workloads()) {
      expect(spec.template.metadata.labels, name).toMatchObject(spec.selector.matchLabels);
      expect(spec.template.metadata.labels, name).toMatchObject({
        "app.kubernetes.io/component": "monitoring",
        "app.kubernetes.io/part-of": "canton-prod",
      });
    }
  });

  test("start anew when their configuration changes, and only then", async () => {
    const revision = (name: string) =>
      workloads().find((workload) => workload.name === name)?.spec.template.metadata.annotations["canton/revision"];
    await monitoring();
    const before = [revision("prometheus"), revision("loki")];
    registered = [];
    await monitoring({ thresholds: { latencySeconds: 0.5 } });
    expect(revision("prometheus")).not.toBe(before[0]);
    expect(revision("loki")).toBe(before[1]);
  });
});

test("Prometheus may list pods in the nodes' namespaces and its own, and nothing else", async () => {
  await monitoring({ nodes: ["canton", "tenant-a"] });
  const roles = registered.filter(({ type }) => type.endsWith(":Role"));
  expect(roles.map(({ inputs: role }) => role.metadata.namespace).sort()).toEqual([
    "canton",
    "canton-prod-monitoring",
    "tenant-a",
  ]);
  for (const { inputs: role } of roles) {
    expect(role.rules).toEqual([{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }]);
  }
  expect(kinds()).not.toHaveProperty("ClusterRole");
  registered = [];
  await monitoring({ metrics: { volumes: true } });
  expect(inputs("ClusterRole", "monitoring-volumes").rules).toEqual([
    { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] },
    { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
  ]);
});

test("alerts are on what there is: databases and volumes only when they are looked at", async () => {
  const alertsOf = () => {
    const rules = parse(inputs("ConfigMap", "prometheus").data["canton.rules.yml"]);
    return rules.groups.map(({ name }: { name: string }) => name);
  };
  await monitoring();
  expect(alertsOf()).toContain("canton-availability");
  expect(alertsOf()).not.toContain("canton-databases");
  registered = [];
  const database = { name: "nodes-replica", host: "db", user: "monitoring", password: "x" };
  await monitoring({ databases: [database], metrics: { volumes: true } });
  expect(alertsOf()).toEqual(expect.arrayContaining(["canton-databases", "canton-volumes"]));
});

test("secrets are secret, and in no file of the configuration", async () => {
  const { grafanaPassword } = await monitoring({
    databases: [{ name: "nodes", host: "db.internal", user: "monitoring", password: "password-1" }],
  });
  expect(await pulumi.isSecret(grafanaPassword)).toBe(true);
  const secrets = registered.filter(({ type }) => type.endsWith(":Secret"));
  expect(secrets).toHaveLength(3);
  for (const { inputs: kept } of secrets) expect(kept.stringData).toHaveProperty(markOfSecrets);
  expect(inputs("Secret", "alertmanager").stringData.value).toEqual({
    "slack-webhook-url": "https://hooks.slack.com/services/x",
    "pagerduty-routing-key": "routing-key-1",
  });
  const others = JSON.stringify(registered.filter(({ type }) => !type.endsWith(":Secret")));
  for (const secret of ["hooks.slack.com", "routing-key-1", "password-1", "made-up"])
    expect(others).not.toContain(secret);
});

describe("network", () => {
  test("everything is closed; a call between parts is let out and let in", async () => {
    await monitoring({ databases: [{ name: "nodes", host: "db", user: "m", password: "x" }] });
    const policies = registered
      .filter(({ type }) => type.endsWith(":NetworkPolicy"))
      .map(({ inputs: { spec } }) => spec);
    expect(policies[0]).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
    const pair = (from: object, to: object, ports: object) => JSON.stringify([from, to, ports]);
    const sides = { out: new Set<string>(), in: new Set<string>() };
    for (const { podSelector, ingress = [], egress = [] } of policies) {
      for (const { to = [], ports } of egress) {
        for (const peer of to) {
          if (peer.podSelector) sides.out.add(pair(podSelector.matchLabels, peer.podSelector.matchLabels, ports));
        }
      }
      for (const { from, ports } of ingress) {
        for (const peer of from) {
          if (peer.podSelector) sides.in.add(pair(peer.podSelector.matchLabels, podSelector.matchLabels, ports));
        }
      }
    }
    expect(sides.out.size).toBeGreaterThan(10);
    expect(sides.out).toEqual(sides.in);
  });

  test("Grafana is reached from the namespace of the ingress alone", async () => {
    await monitoring({ grafana: { ingressNamespace: "traefik" } });
    const from = inputs("NetworkPolicy", "grafana").spec.ingress.flatMap((rule: { from: object[] }) => rule.from);
    expect(from).toContainEqual({
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "traefik" } },
    });
    registered = [];
    await monitoring();
    expect(JSON.stringify(inputs("NetworkPolicy", "grafana").spec.ingress)).not.toContain("namespaceSelector");
  });
});

test("replicas of Alertmanager know each other", async () => {
  await monitoring();
  const [container] = inputs("StatefulSet", "alertmanager").spec.template.spec.containers;
  expect(container.args).toEqual(
    expect.arrayContaining([
      "--cluster.peer=alertmanager-0.alertmanager:9094",
      "--cluster.peer=alertmanager-1.alertmanager:9094",
    ]),
  );
  registered = [];
  await monitoring({ highlyAvailable: false });
  const [alone] = inputs("StatefulSet", "alertmanager").spec.template.spec.containers;
  expect(alone.args).toContain("--cluster.listen-address=");
});

test("a commitment mismatch is an alert where Canton's images run", async () => {
  await monitoring({ cantonNamespaces: ["canton-images"] });
  const { data } = inputs("ConfigMap", "loki");
  expect(data["canton.yaml"]).toContain("ACS_COMMITMENT_MISMATCH");
  expect(parse(data["loki.yaml"]).ruler.alertmanager_url).toBe("http://alertmanager.canton-prod-monitoring.svc:9093");
  expect(inputs("ConfigMap", "fluent-bit").data["fluent-bit.conf"]).toContain("*_canton-images_*.log");
  registered = [];
  await monitoring();
  expect(inputs("ConfigMap", "loki").data["canton.yaml"]).not.toContain("ACS_COMMITMENT_MISMATCH");
});

test.each<[Partial<MonitoringArgs>, RegExp]>([
  [{ nodes: [] }, /nodes: got none/],
  [{ nodes: ["Canton"] }, /nodes: got "Canton"/],
  [{ nodes: ["a", "a"] }, /nodes: got a name twice/],
  [{ namespace: "canton" }, /namespace: got "canton", which is one of nodes/],
  [{ channels: {} }, /got no channel/],
  [
    { channels: { mail: { to: ["a@b"], from: "c@d", smarthost: "s:25", user: "u" } } },
    /channels\.mail: user and password belong together/,
  ],
  [{ metrics: { intervalSeconds: 1 } }, /metrics\.intervalSeconds: got 1; expected a whole number from 5 to 60/],
  [{ logs: { retentionDays: 0 } }, /logs\.retentionDays: got 0/],
  [{ logs: { bucket: "s3://logs-bucket" } }, /logs\.region: got none/],
  [{ logs: false, cantonNamespaces: ["x"] }, /logs: got false; cantonNamespaces needs them/],
  [{ thresholds: { usedShare: 2 } }, /thresholds\.usedShare: got 2/],
])("%j is refused", (changes, message) => {
  expect(() => new Monitoring("refused", { ...production, ...changes })).toThrow(message);
});

describe("objects for an operator", () => {
  const args = { deployment: production.deployment, namespace: "monitoring", nodes: ["canton", "tenant-a"] };

  test("are monitors, rules and dashboards, with the operator's labels", async () => {
    new MonitoringObjects("objects", { ...args, labels: { release: "kube-prometheus-stack" } });
    await pulumi.runtime.disconnect();
    expect(kinds()).toEqual({ MonitoringObjects: 1, PodMonitor: 1, PrometheusRule: 1, ConfigMap: 4 });
    const monitor = inputs("PodMonitor", "canton-prod-canton-nodes");
    expect(monitor.spec).toMatchObject({
      namespaceSelector: { matchNames: ["canton", "tenant-a"] },
      podMetricsEndpoints: [{ port: "health", path: "/metrics" }],
    });
    const own = registered.filter(({ inputs: { metadata } }) => metadata !== undefined);
    expect(own).toHaveLength(6);
    for (const { inputs: object } of own) {
      expect(object.metadata.namespace).toBe("monitoring");
      expect(object.metadata.labels.release).toBe("kube-prometheus-stack");
    }
    for (const { inputs: map } of registered.filter(({ type }) => type.endsWith(":ConfigMap"))) {
      expect(map.metadata.labels.grafana_dashboard).toBe("1");
      for (const text of Object.values<string>(map.data)) expect(JSON.parse(text).panels.length).toBeGreaterThan(3);
    }
  });

  test("with channels there are routes and their secrets", async () => {
    new MonitoringObjects("objects", { ...args, channels: production.channels });
    await pulumi.runtime.disconnect();
    // The operator has a route take alerts of the namespace that it is in.
    const routes = registered.filter(({ type }) => type.endsWith(":AlertmanagerConfig"));
    expect(routes.map(({ inputs: { metadata } }) => metadata.namespace)).toEqual(["canton", "tenant-a"]);
    expect(registered).toHaveLength(11);
    const { spec } = inputs("AlertmanagerConfig", "canton-prod-alerts");
    expect(spec.receivers[0].slackConfigs[0].apiURL.name).toBe(
      inputs("Secret", "canton-prod-alert-channels").metadata.name,
    );
    expect(JSON.stringify(spec)).not.toContain("hooks.slack.com");
  });

  test("nodes that are nowhere are refused", () => {
    expect(() => new MonitoringObjects("refused", { ...args, nodes: [] })).toThrow(/nodes: got none/);
  });
});
