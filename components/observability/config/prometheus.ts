/** Prometheus' configuration. Pure. */
import { databaseLabel, monitoringLabels, type Part, partLabel, partLabels } from "../kubernetes/names.ts";

/** What Prometheus scrapes and whom it tells. */
export interface PrometheusOptions {
  /** Namespaces of the nodes. */
  readonly namespaces: readonly string[];
  /** Labels that the nodes' pods have. */
  readonly podLabels: Readonly<Record<string, string>>;
  /** Name of the container port that serves metrics. */
  readonly portName: string;
  /** Namespace that Prometheus and the rest of the monitoring are in. */
  readonly ownNamespace: string;
  /** Seconds between two scrapes. */
  readonly intervalSeconds: number;
  /** Put on what is told to others. Example: `{ deployment: "canton-prod" }`. */
  readonly externalLabels: Readonly<Record<string, string>>;
  /** How full volumes are, from every machine's kubelet. */
  readonly volumes: boolean;
}

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
const pod = "__meta_kubernetes_pod_";

/** Labels that tell where a series is from. */
const whereFrom = [
  { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
  { source_labels: [`${pod}name`], target_label: "pod" },
];
const onPort = (name: string) => ({ source_labels: [`${pod}container_port_name`], regex: name, action: "keep" });
const labelOfPod = (label: string) => [`${pod}label_${label.replaceAll(/[^A-Za-z0-9_]/g, "_")}`];
/** A pod that has ended keeps its address for a while. */
const noEndedPods = { source_labels: [`${pod}phase`], regex: "Succeeded|Failed", action: "drop" };

function podsOf(namespaces: readonly string[], labels: Readonly<Record<string, string>>) {
  const label = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  return [{ role: "pod", namespaces: { names: namespaces }, selectors: [{ role: "pod", label }] }];
}

/** The configuration file; the rules are in files beside it. */
export function prometheusConfig(options: PrometheusOptions) {
  const { namespaces, podLabels, portName, ownNamespace, intervalSeconds, externalLabels } = options;
  return {
    global: {
      scrape_interval: `${intervalSeconds}s`,
      scrape_timeout: `${Math.min(10, intervalSeconds)}s`,
      evaluation_interval: `${intervalSeconds}s`,
      external_labels: externalLabels,
    },
    rule_files: ["/etc/prometheus/*.rules.yml"],
    alerting: {
      // Replicas of Prometheus tell the same alert: without their own label Alertmanager sees that it is one.
      alert_relabel_configs: [{ regex: "prometheus_replica", action: "labeldrop" }],
      alertmanagers: [
        {
          kubernetes_sd_configs: podsOf([ownNamespace], partLabels("alertmanager")),
          relabel_configs: [onPort("http")],
        },
      ],
    },
    scrape_configs: [
      {
        job_name: "canton-nodes",
        kubernetes_sd_configs: podsOf(namespaces, podLabels),
        relabel_configs: [onPort(portName), noEndedPods, ...whereFrom],
      },
      {
        job_name: "databases",
        kubernetes_sd_configs: podsOf([ownNamespace], partLabels("postgres-exporter")),
        relabel_configs: [
          noEndedPods,
          ...whereFrom,
          { source_labels: labelOfPod(databaseLabel), target_label: "database" },
        ],
      },
      {
        job_name: "monitoring",
        kubernetes_sd_configs: podsOf([ownNamespace], monitoringLabels),
        relabel_configs: [
          onPort("http"),
          { source_labels: labelOfPod(partLabel), regex: "postgres-exporter" satisfies Part, action: "drop" },
          noEndedPods,
          ...whereFrom,
          {
            source_labels: labelOfPod(partLabel),
            regex: "fluent-bit" satisfies Part,
            target_label: "__metrics_path__",
            replacement: "/api/v1/metrics/prometheus",
          },
        ],
      },
      ...(options.volumes ? [kubeletJob([...namespaces, ownNamespace])] : []),
    ],
  };
}

/** The kubelets know how full volumes are; of all that they tell only that is kept, and only of our namespaces. */
function kubeletJob(namespaces: readonly string[]) {
  return {
    job_name: "volumes",
    scheme: "https",
    kubernetes_sd_configs: [{ role: "node" }],
    authorization: { credentials_file: `${serviceAccount}/token` },
    // A kubelet's certificate is its own in many clusters; what it is shown is a token that may read metrics and nothing else.
    tls_config: { ca_file: `${serviceAccount}/ca.crt`, insecure_skip_verify: true },
    metric_relabel_configs: [
      { source_labels: ["__name__"], regex: "kubelet_volume_stats_(available|capacity)_bytes", action: "keep" },
      { source_labels: ["namespace"], regex: [...new Set(namespaces)].join("|"), action: "keep" },
    ],
  };
}
