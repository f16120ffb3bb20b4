import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  output,
  secret,
} from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import type { Deployment } from "../deployment/deployment.ts";
import { commonLabels } from "../platform/kubernetes/labels.ts";
import { type AlertChannels, alertSecrets } from "./alert-channels.ts";
import type { AlertThresholds } from "./alerts/thresholds.ts";
import { defaultImages, type MonitoringImages } from "./images.ts";
import { alertmanager } from "./kubernetes/alertmanager.ts";
import { fluentBit } from "./kubernetes/fluent-bit.ts";
import { grafana } from "./kubernetes/grafana.ts";
import { loki } from "./kubernetes/loki.ts";
import { partLabels } from "./kubernetes/names.ts";
import type { Place } from "./kubernetes/place.ts";
import { postgresExporter, type WatchedDatabase } from "./kubernetes/postgres-exporter.ts";
import { prometheus } from "./kubernetes/prometheus.ts";
import { type MonitoringPlan, monitoringPlan, urlOf } from "./monitoring-plan.ts";

/** Metrics: how often, and how long they are kept. */
export interface MetricsArgs {
  /** Seconds between two scrapes, 5 to 60. Default: 30. */
  readonly intervalSeconds?: number;
  /** Days after which they are deleted. Default: 30. */
  readonly retentionDays?: number;
  /** GiB of the volume of each replica; what does not fit is deleted, oldest first. Default: 50. */
  readonly volumeGiB?: number;
  /**
   * Ask the kubelets of all machines how full volumes are: needs a right for the cluster, `nodes/metrics`. Default: false; there
   * are then no alerts of volumes.
   */
  readonly volumes?: boolean;
}

/** Logs: where they are kept, how long, and who else gets them. */
export interface LogArgs {
  /** Days after which they are deleted; what the audit asks for. Default: 365. */
  readonly retentionDays?: number;
  /**
   * Where they are kept: `s3://bucket`, `gs://bucket`, `https://account.blob.core.windows.net/container`. Default: Loki's own
   * volume.
   */
  readonly bucket?: string;
  /** Region of an S3 bucket. Example: `"eu-central-1"`. */
  readonly region?: string;
  /** Annotations of Loki's service account and labels of its pod, by which it acts as an identity that may use the bucket. */
  readonly identity?: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly podLabels?: Readonly<Record<string, string>>;
  };
  /** GiB of Loki's volume. Default: 100; with a bucket 20. */
  readonly volumeGiB?: number;
  /** Megabytes a second that are taken from all nodes together. Default: 8. */
  readonly ingestionMegabytes?: number;
  /** A SIEM that gets every line too, as JSON over HTTPS, and what it wants in the header Authorization. */
  readonly siem?: { readonly url: string; readonly authorization: Input<string> };
}

/** Grafana: who gets in, and how. */
export interface GrafanaSettings {
  /** Of the user `admin`. Default: made up, and an output. */
  readonly adminPassword?: Input<string>;
  /** Where browsers find it. Example: `"https://grafana.example.com"`. Default: by a port-forward. */
  readonly url?: string;
  /** Namespace of the ingress that leads to it. Default: nobody reaches it but by a port-forward. */
  readonly ingressNamespace?: string;
}

/** Arguments of `Monitoring`. */
export interface MonitoringArgs {
  /** The deployment that it is part of. */
  readonly deployment: Deployment;
  /** Namespaces of the nodes. Example: `["canton"]`. */
  readonly nodes: readonly string[];
  /** Namespace of the monitoring. Default: `<name of the deployment>-monitoring`. */
  readonly namespace?: string;
  /** The namespace is there; it has to admit host paths where logs are collected. Default: false; it is made. */
  readonly existingNamespace?: boolean;
  /** Who is told of alerts. */
  readonly channels: AlertChannels;
  /** Limits of alerts that differ from the default. Example: `{ latencySeconds: 0.5 }`. */
  readonly thresholds?: Partial<AlertThresholds>;
  /** Where the runbooks are, for links in messages. Example: `"https://wiki.example.com/canton"`. Default: `docs/runbooks.md`. */
  readonly runbooks?: string;
  /** Metrics. */
  readonly metrics?: MetricsArgs;
  /** Logs. Default: collected, and kept on Loki's own volume; false: not collected. */
  readonly logs?: LogArgs | false;
  /** Grafana. Default: there; false: somebody else's is used. */
  readonly grafana?: GrafanaSettings | false;
  /** PostgreSQL servers that are looked at, replicas too: without them there are no alerts of databases. Default: none. */
  readonly databases?: readonly WatchedDatabase[];
  /** Namespaces in which Canton's own images run: their logs tell of a commitment mismatch, which is then an alert. Default: none. */
  readonly cantonNamespaces?: readonly string[];
  /** Two of Prometheus and Alertmanager. Default: true in production. */
  readonly highlyAvailable?: boolean;
  /** Storage class of volumes. Default: the cluster's own. */
  readonly storageClass?: Input<string>;
  /** Images that differ from the default. */
  readonly images?: Partial<MonitoringImages>;
  /** Secrets, in the monitoring's namespace, with which images are pulled. Default: none. */
  readonly imagePullSecrets?: readonly string[];
}

/**
 * Metrics, alerts, logs and dashboards of a deployment: Prometheus, Alertmanager, Loki, Fluent Bit on every machine, Grafana, and
 * an exporter for every database. In a namespace of its own, which nothing reaches that it does not name.
 *
 * Resources: 35 with one namespace of nodes in production; 2 less without second replicas, 2 more for every further namespace,
 * 3 for a database and 2 for every further one, 2 for volumes; 7 less without Grafana, 8 less without logs.
 *
 * Cost: about 2 GiB of memory and 1 processor, 150 GiB of disk; in a cloud some 60 to 120 a month, driven by the logs that are
 * kept: a bucket costs a fifth of the disk.
 */
export class Monitoring extends ComponentResource {
  /** Namespace of the monitoring. */
  declare readonly namespace: Output<string>;
  /** That namespace, where the monitoring makes it. */
  readonly madeNamespace: Namespace | undefined;
  /** Who scrapes nodes: what a network policy of their namespaces has to let in. */
  readonly scraper: { readonly namespace: string; readonly podLabels: Readonly<Record<string, string>> };
  /** URL of Prometheus in the cluster. */
  declare readonly prometheusUrl: Output<string>;
  /** URL of Grafana in the cluster; undefined where there is none. */
  declare readonly grafanaUrl: Output<string | undefined>;
  /** Password of Grafana's user `admin`; secret. */
  declare readonly grafanaPassword: Output<string | undefined>;

  constructor(name: string, args: MonitoringArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:observability:Monitoring", name, {}, options);
    const plan = monitoringPlan(args);
    this.scraper = { namespace: plan.namespace, podLabels: partLabels("prometheus") };
    this.madeNamespace = args.existingNamespace ? undefined : this.#makeNamespace(name, args, plan);
    const place = this.#place(name, args, plan, options);
    const images = { ...defaultImages, ...args.images };

    for (const policy of plan.policies) {
      new NetworkPolicy(
        `${name}-${policy.name}`,
        { metadata: { name: policy.name, namespace: place.namespace, labels: place.labels }, spec: policy.spec },
        place.options,
      );
    }
    prometheus(place, { image: images.prometheus, ...plan.prometheus });
    alertmanager(place, {
      image: images.alertmanager,
      ...plan.alertmanager,
      secrets: alertSecrets(args.channels),
    });
    if (plan.loki !== undefined) loki(place, { image: images.loki, ...plan.loki });
    if (plan.fluentBit !== undefined) {
      const authorization = args.logs === false ? undefined : args.logs?.siem?.authorization;
      fluentBit(place, {
        image: images.fluentBit,
        ...plan.fluentBit,
        ...(authorization !== undefined && { siemAuthorization: authorization }),
      });
    }
    for (const database of args.databases ?? []) postgresExporter(place, images.postgresExporter, database);
    const password = args.grafana === false ? undefined : this.#grafanaPassword(name, args.grafana ?? {});
    if (plan.grafana !== undefined && password !== undefined) {
      grafana(place, { image: images.grafana, ...plan.grafana, adminPassword: password });
    }

    this.namespace = output(place.namespace);
    this.prometheusUrl = output(urlOf("prometheus", plan.namespace));
    this.grafanaUrl = output(plan.grafana && urlOf("grafana", plan.namespace));
    this.grafanaPassword = output(password);
    this.registerOutputs({
      namespace: this.namespace,
      prometheusUrl: this.prometheusUrl,
      grafanaUrl: this.grafanaUrl,
      grafanaPassword: this.grafanaPassword,
    });
  }

  #place(name: string, args: MonitoringArgs, plan: MonitoringPlan, { dependsOn }: ComponentResourceOptions): Place {
    const labels = commonLabels(args.deployment);
    // Roles are made in the nodes' namespaces: who makes these is waited for.
    const children = { parent: this, ...(dependsOn !== undefined && { dependsOn }) };
    const { imagePullSecrets = [], storageClass } = args;
    return {
      name,
      labels,
      namespace: this.madeNamespace?.metadata.name ?? plan.namespace,
      imagePullSecrets,
      options: children,
      ...(storageClass !== undefined && { storageClass }),
    };
  }

  #makeNamespace(name: string, args: MonitoringArgs, plan: MonitoringPlan): Namespace {
    // Fluent Bit reads files of the machine as root, which no stricter standard admits.
    const level = plan.fluentBit === undefined ? "restricted" : "privileged";
    return new Namespace(
      name,
      {
        metadata: {
          name: plan.namespace,
          labels: {
            ...commonLabels(args.deployment),
            "pod-security.kubernetes.io/enforce": level,
            "pod-security.kubernetes.io/warn": level,
          },
        },
      },
      { parent: this },
    );
  }

  #grafanaPassword(name: string, { adminPassword }: GrafanaSettings): Output<string> {
    if (adminPassword !== undefined) return secret(adminPassword);
    return secret(new RandomPassword(`${name}-grafana`, { length: 32, special: false }, { parent: this }).result);
  }
}
