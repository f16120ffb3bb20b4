import { expect, test } from "vitest";
import { prometheusConfig } from "./prometheus.ts";

const options = {
  namespaces: ["canton", "tenant-a"],
  podLabels: { "app.kubernetes.io/component": "node" },
  portName: "health",
  ownNamespace: "canton-monitoring",
  intervalSeconds: 30,
  externalLabels: { deployment: "canton-prod" },
  volumes: false,
};
const discovered = (config: ReturnType<typeof prometheusConfig>) =>
  config.scrape_configs.map(({ job_name, kubernetes_sd_configs: [first] }) => [job_name, first]);

test("looks for pods in the namespaces that it may, by their labels", () => {
  expect(discovered(prometheusConfig(options))).toEqual([
    [
      "canton-nodes",
      {
        role: "pod",
        namespaces: { names: ["canton", "tenant-a"] },
        selectors: [{ role: "pod", label: "app.kubernetes.io/component=node" }],
      },
    ],
    ["databases", expect.objectContaining({ namespaces: { names: ["canton-monitoring"] } })],
    ["monitoring", expect.objectContaining({ namespaces: { names: ["canton-monitoring"] } })],
  ]);
});

test("a node's pod is scraped once: on its one port with metrics", () => {
  const [nodes] = prometheusConfig(options).scrape_configs;
  const onThePort = { source_labels: ["__meta_kubernetes_pod_container_port_name"], regex: "health", action: "keep" };
  expect(nodes).toMatchObject({ relabel_configs: expect.arrayContaining([onThePort]) });
});

test("kubelets are asked only when that is wanted, and kept is what is ours", () => {
  const volumes = prometheusConfig({ ...options, volumes: true }).scrape_configs.at(-1);
  expect(volumes).toMatchObject({
    job_name: "volumes",
    metric_relabel_configs: [
      { regex: "kubelet_volume_stats_(available|capacity)_bytes" },
      { regex: "canton|tenant-a|canton-monitoring" },
    ],
  });
  expect(prometheusConfig(options).scrape_configs.map(({ job_name }) => job_name)).not.toContain("volumes");
});

test("a scrape ends before the next one begins", () => {
  for (const intervalSeconds of [5, 30]) {
    const { global } = prometheusConfig({ ...options, intervalSeconds });
    expect(Number.parseInt(global.scrape_timeout)).toBeLessThanOrEqual(intervalSeconds);
  }
});
