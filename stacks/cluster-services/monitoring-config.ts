/** Who looks after the nodes, as the configuration of `cluster-services` has it. */

import { hostName } from "@pulumi-canton/components/ingress/route.ts";
import { metricSources, severities } from "@pulumi-canton/components/observability/alerts/alert.ts";
import { defaultThresholds, thresholdsWith } from "@pulumi-canton/components/observability/alerts/thresholds.ts";
import { channels } from "@pulumi-canton/components/observability/config/alertmanager.ts";
import { logStore } from "@pulumi-canton/components/observability/config/loki.ts";
import { z } from "zod";
import { nodeName } from "../config/nodes.ts";
import { cidr } from "../infrastructure/config.ts";

const secretUrl = z.string().regex(/^https:\/\/\S+$/, "expected an https URL");

const channelsSchema = z
  .strictObject({
    mail: z
      .strictObject({
        to: z.array(z.string().min(3)).min(1),
        from: z.string().min(3),
        smarthost: z.string().regex(/^\S+:\d{1,5}$/, "expected host:port"),
        user: z.string().min(1).optional(),
        password: z.string().min(1).optional(),
      })
      .refine(
        ({ user, password }) => (user === undefined) === (password === undefined),
        "expected user and password, or neither",
      )
      .optional(),
    slack: z.strictObject({ channel: z.string().min(1), webhookUrl: secretUrl }).optional(),
    pagerDuty: z.strictObject({ routingKey: z.string().min(1) }).optional(),
    /** Which severity goes where, when not as usual. */
    routes: z.partialRecord(z.enum(severities), z.array(z.enum(channels))).optional(),
  })
  .refine(
    ({ mail, slack, pagerDuty }) => mail ?? slack ?? pagerDuty,
    "expected at least one of mail, slack and pagerDuty",
  );

/** Limits of alerts that differ from the default. */
const thresholds = z
  .partialRecord(z.enum(Object.keys(defaultThresholds) as [keyof typeof defaultThresholds]), z.number())
  .default({})
  .superRefine((changes, context) => {
    try {
      thresholdsWith(changes as Parameters<typeof thresholdsWith>[0]);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
    }
  });

const common = {
  thresholds,
  /** Where the runbooks are, for links in messages. */
  runbooks: secretUrl.optional(),
};

const logs = z.strictObject({
  retentionDays: z.int().min(1).max(3650).default(365),
  /** Where they are kept. Default: Loki's own volume. */
  bucket: z.string().min(1).optional(),
  /** Of an S3 bucket. */
  region: z.string().min(1).optional(),
  /** By which Loki may use the bucket. */
  identity: z
    .strictObject({
      annotations: z.record(z.string(), z.string()).default({}),
      podLabels: z.record(z.string(), z.string()).default({}),
    })
    .optional(),
  volumeGiB: z.int().min(5).max(10_000).optional(),
  /** Megabytes a second that are taken from all nodes together. */
  ingestionMegabytes: z.int().min(1).max(1000).optional(),
  /** A SIEM that gets every line too. `authorization` is a secret. */
  siem: z.strictObject({ url: secretUrl, authorization: z.string().min(1) }).optional(),
});

const images = z.partialRecord(
  z.enum(["prometheus", "alertmanager", "loki", "fluentBit", "grafana", "postgresExporter"]),
  z.string().min(1),
);

const own = z.strictObject({
  by: z.literal("own"),
  /** Default: the name and `-monitoring`. */
  namespace: nodeName.optional(),
  /** False: it is there, and admits host paths where logs are collected. */
  createNamespace: z.boolean().default(true),
  /** Two of Prometheus and Alertmanager. Default: in production. */
  highlyAvailable: z.boolean().optional(),
  channels: channelsSchema,
  ...common,
  metrics: z
    .strictObject({
      intervalSeconds: z.int().min(5).max(60).default(30),
      retentionDays: z.int().min(1).max(3650).default(30),
      volumeGiB: z.int().min(5).max(10_000).default(50),
      /** Asks kubelets how full volumes are, which is a right for the whole cluster. */
      volumes: z.boolean().default(false),
    })
    .prefault({}),
  /** False: logs are not collected. */
  logs: z.union([z.literal(false), logs], "expected false, or a section").prefault({}),
  /** False: there is no Grafana. */
  grafana: z
    .union(
      [
        z.literal(false),
        z.strictObject({
          /** Where browsers find it, through the ingress. Default: by a port-forward. */
          url: secretUrl.optional(),
          /** Of the user `admin`; a secret. Default: made up, and an output. */
          adminPassword: z.string().min(8).optional(),
          /** Secret of the monitoring's namespace with `tls.crt` and `tls.key`: makes a route of the ingress. */
          certificateSecret: z.string().min(1).optional(),
          /** Whom that route lets in, in CIDR notation. */
          allowedRanges: z.array(cidr).min(1).optional(),
        }),
      ],
      "expected false, or a section",
    )
    .prefault({}),
  /** PostgreSQL servers that are looked at besides those of the stack, each with a login that has the role `pg_monitor`. */
  databases: z
    .array(
      z.strictObject({
        name: nodeName,
        host: z.string().min(1),
        port: z.int().min(1).max(65_535).default(5432),
        database: z.string().min(1).default("postgres"),
        user: z.string().min(1),
        password: z.string().min(1),
        caPem: z.string().min(1).optional(),
      }),
    )
    .default([]),
  /** Namespaces of nodes that run Canton's own images. */
  cantonNamespaces: z.array(nodeName).default([]),
  /** Images of the parts; in production each by its digest. */
  images: images.default({}),
  pullSecrets: z.array(z.string().min(1)).default([]),
});

const operator = z.strictObject({
  by: z.literal("operator"),
  /** Where it looks for its objects. */
  namespace: nodeName,
  /** By which it chooses them. */
  labels: z.record(z.string(), z.string()).default({}),
  intervalSeconds: z.int().min(5).max(300).default(30),
  /** Whose metrics its Prometheus has. */
  sources: z.array(z.enum(metricSources)).min(1).default(["nodes"]),
  /** Who is told. Default: as its Alertmanager is configured already. */
  channels: channelsSchema.optional(),
  ...common,
});

/** The section `monitoring`. */
export const monitoringSchema = z.discriminatedUnion("by", [own, operator]);

/** That section, checked. */
export type MonitoringConfig = z.output<typeof monitoringSchema>;
/** A monitoring of the stack's own. */
export type OwnMonitoring = z.output<typeof own>;

/** A way to Grafana through the ingress. */
export interface GrafanaRoute {
  readonly url: string;
  readonly certificateSecret: string;
  readonly allowedRanges: readonly string[];
}

/** The way to Grafana that the stack makes; undefined where it makes none. */
export function grafanaRoute(config: MonitoringConfig | undefined): GrafanaRoute | undefined {
  if (config?.by !== "own" || config.grafana === false) return undefined;
  const { url, certificateSecret, allowedRanges } = config.grafana;
  if (url === undefined || certificateSecret === undefined || allowedRanges === undefined) return undefined;
  return { url, certificateSecret, allowedRanges };
}

/**
 * What is wrong with how its keys go together.
 *
 * @param ingress whether the stack has one
 */
export function monitoringProblems(config: OwnMonitoring, ingress: boolean): string[] {
  const { logs: kept, grafana, cantonNamespaces, databases } = config;
  const problems: string[] = [];
  if (kept === false && cantonNamespaces.length > 0) {
    problems.push("monitoring.logs: got false; monitoring.cantonNamespaces needs them, as those tell in logs alone");
  }
  if (kept !== false) {
    try {
      logStore(kept.bucket, kept.region);
    } catch (error) {
      problems.push(`monitoring.${(error as Error).message}`);
    }
    if (kept.bucket === undefined && (kept.identity ?? kept.region) !== undefined) {
      problems.push(
        `monitoring.logs.${kept.identity ? "identity" : "region"}: is set without monitoring.logs.bucket, which it is for`,
      );
    }
  }
  const names = databases.map(({ name }) => name);
  for (const twice of new Set(names.filter((name, index) => names.indexOf(name) < index))) {
    problems.push(`monitoring.databases: got the name "${twice}" twice; expected each once`);
  }
  if (grafana === false) return problems;
  const { url, certificateSecret, allowedRanges } = grafana;
  if (url !== undefined && !ingress) {
    problems.push("monitoring.grafana.url: is set without ingress, through which browsers would come");
  }
  if (certificateSecret === undefined && allowedRanges === undefined) return problems;
  for (const [key, value] of Object.entries({ url, certificateSecret, allowedRanges })) {
    if (value !== undefined) continue;
    problems.push(
      `monitoring.grafana.${key} is required for a route; expected url, certificateSecret and allowedRanges`,
    );
  }
  if (url !== undefined && !hostName.test(url.replace("https://", ""))) {
    problems.push(`monitoring.grafana.url: got "${url}"; expected https://HOST for a route, without port and path`);
  }
  return problems;
}

/**
 * The images that an own monitoring pulls, by key.
 *
 * @param databases whether the stack has some, which are looked at
 */
export function imagesOf(config: OwnMonitoring, databases: boolean): Record<string, string | undefined> {
  const { prometheus, alertmanager, loki, fluentBit, grafana, postgresExporter } = config.images;
  return {
    prometheus,
    alertmanager,
    ...(config.logs !== false && { loki, fluentBit }),
    ...(config.grafana !== false && { grafana }),
    ...((databases || config.databases.length > 0) && { postgresExporter }),
  };
}
