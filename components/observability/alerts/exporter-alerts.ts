import type { AlertGroup } from "./alert.ts";
import type { AlertThresholds } from "./thresholds.ts";

const percent = "{{ $value | humanizePercentage }}";
const volume = "{{ $labels.persistentvolumeclaim }} in {{ $labels.namespace }}";
const usedVolume = "1 - kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes";
const daysLeft = "(certmanager_certificate_expiration_timestamp_seconds - time()) / 86400";

/** Alerts on the metrics that somebody else's exporters tell. Pure. */
export function exporterAlerts(limit: AlertThresholds): AlertGroup[] {
  return [
    {
      name: "canton-databases",
      source: "postgres-exporter",
      alerts: [
        {
          name: "DatabaseDown",
          expr: "pg_up == 0",
          for: "2m",
          severity: "critical",
          summary: "Database server {{ $labels.database }} does not answer",
          description: "The exporter cannot connect to it. The nodes that keep their state there wait for it.",
          mutes: { matchers: ['database!=""', 'severity="warning"'], equal: ["namespace", "database"] },
        },
        {
          name: "ReplicationLag",
          expr: `pg_replication_lag_seconds > ${limit.replicationLagSeconds} and on (namespace, pod) pg_replication_is_replica == 1`,
          for: "5m",
          severity: "warning",
          summary: "Replica {{ $labels.database }} is behind",
          description: "It has replayed nothing for {{ $value | humanizeDuration }}, though there is more to replay.",
        },
        {
          name: "ReplicationLagHigh",
          expr: `pg_replication_lag_seconds > ${limit.replicationLagSeconds * 10} and on (namespace, pod) pg_replication_is_replica == 1`,
          for: "5m",
          severity: "critical",
          summary: "Replica {{ $labels.database }} is far behind",
          description: "A switch-over now would lose {{ $value | humanizeDuration }} of what was acknowledged.",
          mutes: { matchers: ['alertname="ReplicationLag"'], equal: ["namespace", "database"] },
        },
        {
          name: "DatabaseConnectionsNearlyUsedUp",
          expr: `sum by (namespace, database) (pg_stat_database_numbackends) / max by (namespace, database) (pg_settings_max_connections) > ${limit.usedShare}`,
          for: "10m",
          severity: "warning",
          summary: `Database server {{ $labels.database }} has ${percent} of its connections in use`,
          description: "Without a free one nodes wait, and new replicas do not start.",
        },
      ],
    },
    {
      name: "canton-volumes",
      source: "kubelet",
      alerts: [
        {
          name: "VolumeNearlyFull",
          expr: `${usedVolume} > ${limit.volumeShare}`,
          for: "15m",
          severity: "warning",
          summary: `Volume ${volume} is ${percent} full`,
          description: "Make it larger, or keep less on it.",
        },
        {
          name: "VolumeFull",
          expr: `${usedVolume} > ${(1 + limit.volumeShare) / 2}`,
          for: "5m",
          severity: "critical",
          summary: `Volume ${volume} is ${percent} full`,
          description: "What writes to it is about to stop.",
          mutes: { matchers: ['alertname="VolumeNearlyFull"'], equal: ["namespace", "persistentvolumeclaim"] },
        },
      ],
    },
    {
      name: "canton-issued-certificates",
      source: "cert-manager",
      alerts: [
        {
          name: "CertificateNotRenewed",
          expr: `${daysLeft} < ${limit.certificateDays / 3}`,
          for: "1h",
          severity: "critical",
          summary: "Certificate {{ $labels.name }} in {{ $labels.exported_namespace }} was not renewed",
          description: "It expires in {{ $value | humanize }} days, and cert-manager has not renewed it.",
        },
      ],
    },
    {
      name: "canton-monitoring",
      source: "monitoring",
      alerts: [
        {
          name: "RulesFail",
          expr: "increase(prometheus_rule_evaluation_failures_total[15m]) > 0",
          for: "5m",
          severity: "warning",
          summary: "Prometheus cannot evaluate {{ $labels.rule_group }}",
          description: "Alerts of this group may not fire.",
        },
        {
          name: "AlertsNotDelivered",
          expr: "increase(prometheus_notifications_dropped_total[15m]) > 0",
          for: "5m",
          severity: "critical",
          summary: "Prometheus does not reach Alertmanager",
          description: "Alerts were dropped: nobody was told of them.",
        },
        {
          name: "NotificationsFail",
          expr: "sum by (namespace, integration) (increase(alertmanager_notifications_failed_total[15m])) > 0",
          for: "5m",
          severity: "critical",
          summary: "Alertmanager cannot notify by {{ $labels.integration }}",
          description: "Whoever is told by {{ $labels.integration }} alone is told nothing.",
        },
        {
          name: "LogsLost",
          expr: "sum by (namespace, name) (increase(fluentbit_output_retries_failed_total[15m]) + increase(fluentbit_output_dropped_records_total[15m])) > 0",
          for: "5m",
          severity: "warning",
          summary: "Logs do not get to {{ $labels.name }}",
          description: "Fluent Bit has given up on some: the logs kept for audit have a gap.",
        },
      ],
    },
  ];
}

/** The metrics of other exporters that alerts may use, with their labels; as of the versions in docs/observability.md. */
export const exporterMetrics: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "postgres-exporter": {
    pg_up: [],
    pg_replication_lag_seconds: [],
    pg_replication_is_replica: [],
    pg_stat_database_numbackends: ["datid", "datname"],
    pg_settings_max_connections: ["server"],
  },
  kubelet: {
    kubelet_volume_stats_available_bytes: ["namespace", "persistentvolumeclaim"],
    kubelet_volume_stats_capacity_bytes: ["namespace", "persistentvolumeclaim"],
  },
  "cert-manager": {
    certmanager_certificate_expiration_timestamp_seconds: ["name", "namespace", "exported_namespace"],
  },
  monitoring: {
    prometheus_rule_evaluation_failures_total: ["rule_group"],
    prometheus_notifications_dropped_total: [],
    alertmanager_notifications_failed_total: ["integration"],
    fluentbit_output_retries_failed_total: ["name"],
    fluentbit_output_dropped_records_total: ["name"],
  },
};
