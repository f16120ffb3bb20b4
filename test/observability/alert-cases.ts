/** For every alert: series with which it fires, and series with which it does not, which differ from the first in one respect. */

/** Series by name with labels; values as promtool writes them, one a minute. */
export type Series = Readonly<Record<string, string>>;

/** An alert and what it makes of series. */
export interface AlertCase {
  readonly alert: string;
  readonly fires: {
    readonly series: Series;
    /** When somebody looks. */
    readonly at: string;
    /** Labels of the alert besides its name and severity. */
    readonly labels: Readonly<Record<string, string>>;
    /** What a person reads first. */
    readonly summary: string;
  };
  readonly quiet: readonly { readonly why: string; readonly series: Series; readonly at: string }[];
}

const of = (role: string, node: string, pod = `${node}-0`) =>
  `namespace="canton", pod="${pod}", role="${role}", node="${node}"`;
const sequencer = of("sequencer", "sequencer1");
const participant = of("participant", "alice");
const manager = of("domain-manager", "domain-manager");
const always = (value: number) => `${value}+0x120`;

/** Buckets of a histogram in which `share` of the calls take no longer than `within`, and all others up to the last bucket. */
const histogram = (metric: string, labels: string, within: number, share: number, longest: number): Series => ({
  [`${metric}_bucket{${labels}, le="${within}"}`]: `0+${Math.round(share * 600)}x120`,
  [`${metric}_bucket{${labels}, le="${longest}"}`]: "0+600x120",
  [`${metric}_bucket{${labels}, le="+Inf"}`]: "0+600x120",
});

const method = 'server="adminApi", method="/a.B/C", type="unary", code="OK"';
const faults = (labels: string, failed: number, code = "INTERNAL"): Series => ({
  [`grpc_server_request_seconds_count{${labels}, method="/a.B/C", type="unary", code="OK"}`]: `0+${100 - failed}x120`,
  [`grpc_server_request_seconds_count{${labels}, method="/a.B/C", type="unary", code="${code}"}`]: `0+${failed}x120`,
});
const replica = 'namespace="canton-monitoring", pod="exporter-0", database="nodes-replica"';
const volume = 'namespace="canton", persistentvolumeclaim="data-0"';
const nodesLabels = (role: string, node: string) => ({ namespace: "canton", role, node });
const podLabels = (role: string, node: string) => ({ ...nodesLabels(role, node), pod: `${node}-0` });

/** One or more for every alert on metrics. */
export const alertCases: readonly AlertCase[] = [
  {
    alert: "NodeDown",
    fires: {
      series: { [`canton_node_ready{${sequencer}}`]: "1+0x10 0+0x20" },
      at: "20m",
      labels: nodesLabels("sequencer", "sequencer1"),
      summary: "sequencer sequencer1 is down",
    },
    quiet: [
      {
        why: "another replica does the work",
        series: {
          [`canton_node_ready{${participant}}`]: "1+0x10 0+0x20",
          [`canton_node_ready{${of("participant", "alice", "alice-1")}}`]: "0+0x10 1+0x20",
        },
        at: "20m",
      },
      {
        why: "it was never ready: it is being set up",
        series: { [`canton_node_ready{${sequencer}}`]: always(0) },
        at: "20m",
      },
      { why: "a restart", series: { [`canton_node_ready{${sequencer}}`]: "1+0x10 0 1+0x20" }, at: "20m" },
    ],
  },
  {
    alert: "NodeDown",
    fires: {
      // The pod is gone, and with it all that it told.
      series: { [`canton_node_ready{${manager}}`]: "1+0x10 stale" },
      at: "30m",
      labels: nodesLabels("domain-manager", "domain-manager"),
      summary: "domain-manager domain-manager is down",
    },
    quiet: [
      {
        why: "it was removed long ago",
        series: { [`canton_node_ready{${manager}}`]: "1+0x10 stale" },
        at: "8h",
      },
    ],
  },
  {
    alert: "ReplicaDown",
    fires: {
      series: { 'up{job="canton-nodes", namespace="canton", pod="alice-1"}': always(0) },
      at: "10m",
      labels: { job: "canton-nodes", namespace: "canton", pod: "alice-1" },
      summary: "Pod alice-1 does not answer",
    },
    quiet: [
      {
        why: "it answers",
        series: { 'up{job="canton-nodes", namespace="canton", pod="alice-1"}': always(1) },
        at: "10m",
      },
      { why: "it is not ours", series: { 'up{job="others", namespace="canton", pod="x"}': always(0) }, at: "10m" },
    ],
  },
  {
    alert: "NodeRestarting",
    fires: {
      series: { [`process_start_time_seconds{${participant}}`]: "0+0x5 1+0x2 2+0x2 3+0x20" },
      at: "14m",
      labels: podLabels("participant", "alice"),
      summary: "participant alice restarts again and again",
    },
    quiet: [
      {
        why: "it restarted once",
        series: { [`process_start_time_seconds{${participant}}`]: "0+0x5 1+0x20" },
        at: "14m",
      },
    ],
  },
  {
    alert: "NodeDegraded",
    fires: {
      series: {
        [`canton_component_health{${manager}, component="sequencer"}`]: always(0.5),
        [`canton_node_ready{${manager}}`]: always(1),
      },
      at: "20m",
      labels: { ...podLabels("domain-manager", "domain-manager"), component: "sequencer" },
      summary: "domain-manager domain-manager: sequencer works less than it should",
    },
    quiet: [
      {
        why: "a passive replica, of which nothing else is expected",
        series: {
          [`canton_component_health{${participant}, component="participant"}`]: always(0),
          [`canton_node_ready{${participant}}`]: always(0),
        },
        at: "20m",
      },
      {
        why: "it works",
        series: {
          [`canton_component_health{${manager}, component="sequencer"}`]: always(1),
          [`canton_node_ready{${manager}}`]: always(1),
        },
        at: "20m",
      },
    ],
  },
  {
    alert: "TwoActiveReplicas",
    fires: {
      series: {
        [`participant_active{${participant}}`]: always(1),
        [`participant_active{${of("participant", "alice", "alice-1")}}`]: always(1),
      },
      at: "5m",
      labels: { namespace: "canton", node: "alice" },
      summary: "Participant alice has 2 active replicas",
    },
    quiet: [
      {
        why: "one is passive",
        series: {
          [`participant_active{${participant}}`]: always(1),
          [`participant_active{${of("participant", "alice", "alice-1")}}`]: always(0),
        },
        at: "5m",
      },
    ],
  },
  {
    alert: "HighLatency",
    fires: {
      series: histogram("grpc_server_request_seconds", `${participant}, ${method}`, 1, 0.98, 5),
      at: "30m",
      labels: { ...nodesLabels("participant", "alice"), server: "adminApi", method: "/a.B/C" },
      summary: "participant alice answers /a.B/C slowly",
    },
    quiet: [
      {
        why: "99.5 of 100 are within the limit",
        series: histogram("grpc_server_request_seconds", `${participant}, ${method}`, 1, 0.995, 5),
        at: "30m",
      },
      {
        why: "streams live long",
        series: histogram(
          "grpc_server_request_seconds",
          `${participant}, server="ledgerApi", method="/a.B/S", type="stream", code="OK"`,
          1,
          0.1,
          60,
        ),
        at: "30m",
      },
      {
        why: "it was slow for a short time",
        series: histogram("grpc_server_request_seconds", `${participant}, ${method}`, 1, 0.98, 5),
        at: "8m",
      },
    ],
  },
  {
    alert: "SequencerSlow",
    fires: {
      series: histogram("sequencer_batch_seconds", sequencer, 0.5, 0.9, 1),
      at: "30m",
      labels: nodesLabels("sequencer", "sequencer1"),
      summary: "Sequencer sequencer1 writes slowly",
    },
    quiet: [{ why: "it is fast", series: histogram("sequencer_batch_seconds", sequencer, 0.5, 1, 1), at: "30m" }],
  },
  {
    alert: "TopologySlow",
    fires: {
      series: histogram("canton_topology_step_seconds", `${participant}, step="effective"`, 10, 0.9, 60),
      at: "40m",
      labels: { ...nodesLabels("participant", "alice"), step: "effective" },
      summary: "Topology takes effect late at participant alice",
    },
    quiet: [
      {
        why: "another step takes its time",
        series: histogram("canton_topology_step_seconds", `${participant}, step="dispatched"`, 10, 0.9, 60),
        at: "40m",
      },
    ],
  },
  {
    alert: "SequencerErrors",
    fires: {
      series: faults(`${sequencer}, server="publicApi"`, 10),
      at: "20m",
      labels: { ...nodesLabels("sequencer", "sequencer1"), server: "publicApi" },
      summary: "Sequencer sequencer1 fails 10% of its calls",
    },
    quiet: [
      { why: "few fail", series: faults(`${sequencer}, server="publicApi"`, 4), at: "20m" },
      {
        why: "the callers' own fault",
        series: faults(`${sequencer}, server="publicApi"`, 50, "PERMISSION_DENIED"),
        at: "20m",
      },
    ],
  },
  {
    alert: "SequencerBacklog",
    fires: {
      series: { [`sequencer_queued_messages{${sequencer}}`]: always(3000) },
      at: "15m",
      labels: podLabels("sequencer", "sequencer1"),
      summary: "Sequencer sequencer1 does not keep up",
    },
    quiet: [
      {
        why: "a burst",
        series: { [`sequencer_queued_messages{${sequencer}}`]: "3000+0x4 0 3000+0x4 0+0x20" },
        at: "15m",
      },
    ],
  },
  {
    alert: "ParticipantDisconnected",
    fires: {
      series: { [`participant_domain_connected{${participant}, domain_alias="mydomain"}`]: always(0) },
      at: "10m",
      labels: { ...nodesLabels("participant", "alice"), domain_alias: "mydomain" },
      summary: "Participant alice is not connected to mydomain",
    },
    quiet: [
      {
        why: "it reconnects within minutes",
        series: { [`participant_domain_connected{${participant}, domain_alias="mydomain"}`]: "1+0x5 0+0x3 1+0x20" },
        at: "10m",
      },
    ],
  },
  {
    alert: "TopologyRefused",
    fires: {
      series: {
        [`participant_topology_dispatched_total{${participant}, domain="d::12", outcome="rejected"}`]: "0+0x5 1+0x20",
      },
      at: "10m",
      labels: { ...podLabels("participant", "alice"), domain: "d::12", outcome: "rejected" },
      summary: "The domain refuses topology of participant alice",
    },
    quiet: [
      {
        why: "it accepts",
        series: {
          [`participant_topology_dispatched_total{${participant}, domain="d::12", outcome="accepted"}`]: "0+1x20",
        },
        at: "10m",
      },
    ],
  },
  {
    alert: "TopologyQueueStuck",
    fires: {
      series: { [`canton_topology_queue{${participant}, queue="dispatcher"}`]: always(2) },
      at: "20m",
      labels: { ...podLabels("participant", "alice"), queue: "dispatcher" },
      summary: "Topology of participant alice does not get through",
    },
    quiet: [
      {
        why: "it empties in between",
        series: { [`canton_topology_queue{${participant}, queue="dispatcher"}`]: "2+0x6 0 5+0x6 0 2+0x20" },
        at: "20m",
      },
    ],
  },
  {
    alert: "EventLoopLag",
    fires: {
      series: { [`nodejs_eventloop_lag_p99_seconds{${participant}}`]: always(0.8) },
      at: "15m",
      labels: podLabels("participant", "alice"),
      summary: "participant alice is too busy to answer in time",
    },
    quiet: [
      {
        why: "it is in time",
        series: { [`nodejs_eventloop_lag_p99_seconds{${participant}}`]: always(0.1) },
        at: "15m",
      },
    ],
  },
  {
    alert: "HeapNearlyFull",
    fires: {
      series: {
        [`nodejs_heap_size_used_bytes{${participant}}`]: always(950),
        [`nodejs_heap_size_limit_bytes{${participant}}`]: always(1000),
      },
      at: "20m",
      labels: podLabels("participant", "alice"),
      summary: "participant alice uses 95% of its heap",
    },
    quiet: [
      {
        why: "there is room",
        series: {
          [`nodejs_heap_size_used_bytes{${participant}}`]: always(500),
          [`nodejs_heap_size_limit_bytes{${participant}}`]: always(1000),
        },
        at: "20m",
      },
    ],
  },
  {
    alert: "CpuSaturated",
    fires: {
      series: { [`process_cpu_seconds_total{${participant}}`]: "0+60x120" },
      at: "30m",
      labels: podLabels("participant", "alice"),
      summary: "participant alice uses a whole processor",
    },
    quiet: [
      { why: "half of one", series: { [`process_cpu_seconds_total{${participant}}`]: "0+30x120" }, at: "30m" },
      {
        why: "another program",
        series: { 'process_cpu_seconds_total{namespace="canton-monitoring", pod="prometheus-0"}': "0+60x120" },
        at: "30m",
      },
    ],
  },
  {
    alert: "DatabasePoolExhausted",
    fires: {
      series: { [`database_pool_waiting{${sequencer}, pool="backend"}`]: always(4) },
      at: "15m",
      labels: { ...podLabels("sequencer", "sequencer1"), pool: "backend" },
      summary: "sequencer sequencer1 waits for connections to its database",
    },
    quiet: [
      {
        why: "now and then",
        series: { [`database_pool_waiting{${sequencer}, pool="backend"}`]: "4 0 4 0 4 0 4 0 4 0 4 0 4 0 4 0 4 0 4" },
        at: "15m",
      },
    ],
  },
  {
    alert: "FileDescriptorsNearlyUsedUp",
    fires: {
      series: {
        [`process_open_fds{${sequencer}}`]: always(900),
        [`process_max_fds{${sequencer}}`]: always(1000),
      },
      at: "15m",
      labels: podLabels("sequencer", "sequencer1"),
      summary: "sequencer sequencer1 uses 90% of its file descriptors",
    },
    quiet: [
      {
        why: "there are more",
        series: { [`process_open_fds{${sequencer}}`]: always(100), [`process_max_fds{${sequencer}}`]: always(1000) },
        at: "15m",
      },
    ],
  },
  {
    // promtool's clock starts in 1970.
    alert: "CertificateExpires",
    fires: {
      series: {
        [`grpc_server_certificate_expiry_timestamp_seconds{${sequencer}, server="publicApi"}`]: always(20 * 86400),
      },
      at: "90m",
      labels: { ...podLabels("sequencer", "sequencer1"), server: "publicApi" },
      summary: "A certificate of sequencer sequencer1 expires soon",
    },
    quiet: [
      {
        why: "it lasts for months",
        series: {
          [`grpc_server_certificate_expiry_timestamp_seconds{${sequencer}, server="publicApi"}`]: always(90 * 86400),
        },
        at: "90m",
      },
    ],
  },
  {
    alert: "CertificateExpiresInDays",
    fires: {
      series: {
        [`grpc_server_certificate_expiry_timestamp_seconds{${sequencer}, server="publicApi"}`]: always(6 * 86400),
      },
      at: "30m",
      labels: { ...podLabels("sequencer", "sequencer1"), server: "publicApi" },
      summary: "A certificate of sequencer sequencer1 expires in days",
    },
    quiet: [
      {
        why: "it lasts for weeks",
        series: {
          [`grpc_server_certificate_expiry_timestamp_seconds{${sequencer}, server="publicApi"}`]: always(8 * 86400),
        },
        at: "30m",
      },
    ],
  },
  {
    alert: "DatabaseDown",
    fires: {
      series: { [`pg_up{${replica}}`]: always(0) },
      at: "5m",
      labels: { namespace: "canton-monitoring", pod: "exporter-0", database: "nodes-replica" },
      summary: "Database server nodes-replica does not answer",
    },
    quiet: [{ why: "it answers", series: { [`pg_up{${replica}}`]: always(1) }, at: "5m" }],
  },
  {
    alert: "ReplicationLag",
    fires: {
      series: {
        [`pg_replication_lag_seconds{${replica}}`]: always(60),
        [`pg_replication_is_replica{${replica}}`]: always(1),
      },
      at: "10m",
      labels: { namespace: "canton-monitoring", pod: "exporter-0", database: "nodes-replica" },
      summary: "Replica nodes-replica is behind",
    },
    quiet: [
      {
        why: "it keeps up",
        series: {
          [`pg_replication_lag_seconds{${replica}}`]: always(5),
          [`pg_replication_is_replica{${replica}}`]: always(1),
        },
        at: "10m",
      },
      {
        why: "it is no replica",
        series: {
          [`pg_replication_lag_seconds{${replica}}`]: always(60),
          [`pg_replication_is_replica{${replica}}`]: always(0),
        },
        at: "10m",
      },
    ],
  },
  {
    alert: "ReplicationLagHigh",
    fires: {
      series: {
        [`pg_replication_lag_seconds{${replica}}`]: always(400),
        [`pg_replication_is_replica{${replica}}`]: always(1),
      },
      at: "10m",
      labels: { namespace: "canton-monitoring", pod: "exporter-0", database: "nodes-replica" },
      summary: "Replica nodes-replica is far behind",
    },
    quiet: [
      {
        why: "it is a minute behind",
        series: {
          [`pg_replication_lag_seconds{${replica}}`]: always(60),
          [`pg_replication_is_replica{${replica}}`]: always(1),
        },
        at: "10m",
      },
    ],
  },
  {
    alert: "DatabaseConnectionsNearlyUsedUp",
    fires: {
      series: {
        [`pg_stat_database_numbackends{${replica}, datid="1", datname="a"}`]: always(60),
        [`pg_stat_database_numbackends{${replica}, datid="2", datname="b"}`]: always(30),
        [`pg_settings_max_connections{${replica}, server="db:5432"}`]: always(100),
      },
      at: "15m",
      labels: { namespace: "canton-monitoring", database: "nodes-replica" },
      summary: "Database server nodes-replica has 90% of its connections in use",
    },
    quiet: [
      {
        why: "there are more",
        series: {
          [`pg_stat_database_numbackends{${replica}, datid="1", datname="a"}`]: always(60),
          [`pg_settings_max_connections{${replica}, server="db:5432"}`]: always(100),
        },
        at: "15m",
      },
    ],
  },
  {
    alert: "VolumeNearlyFull",
    fires: {
      series: {
        [`kubelet_volume_stats_available_bytes{${volume}}`]: always(10),
        [`kubelet_volume_stats_capacity_bytes{${volume}}`]: always(100),
      },
      at: "20m",
      labels: { namespace: "canton", persistentvolumeclaim: "data-0" },
      summary: "Volume data-0 in canton is 90% full",
    },
    quiet: [
      {
        why: "there is room",
        series: {
          [`kubelet_volume_stats_available_bytes{${volume}}`]: always(20),
          [`kubelet_volume_stats_capacity_bytes{${volume}}`]: always(100),
        },
        at: "20m",
      },
    ],
  },
  {
    alert: "VolumeFull",
    fires: {
      series: {
        [`kubelet_volume_stats_available_bytes{${volume}}`]: always(2),
        [`kubelet_volume_stats_capacity_bytes{${volume}}`]: always(100),
      },
      at: "10m",
      labels: { namespace: "canton", persistentvolumeclaim: "data-0" },
      summary: "Volume data-0 in canton is 98% full",
    },
    quiet: [
      {
        why: "a warning is enough",
        series: {
          [`kubelet_volume_stats_available_bytes{${volume}}`]: always(10),
          [`kubelet_volume_stats_capacity_bytes{${volume}}`]: always(100),
        },
        at: "10m",
      },
    ],
  },
  {
    alert: "CertificateNotRenewed",
    fires: {
      series: {
        'certmanager_certificate_expiration_timestamp_seconds{name="nodes", exported_namespace="canton"}': always(
          5 * 86400,
        ),
      },
      at: "90m",
      labels: { name: "nodes", exported_namespace: "canton" },
      summary: "Certificate nodes in canton was not renewed",
    },
    quiet: [
      {
        why: "it lasts for weeks",
        series: {
          'certmanager_certificate_expiration_timestamp_seconds{name="nodes", exported_namespace="canton"}': always(
            30 * 86400,
          ),
        },
        at: "90m",
      },
    ],
  },
  {
    alert: "RulesFail",
    fires: {
      series: { 'prometheus_rule_evaluation_failures_total{namespace="m", pod="p", rule_group="g"}': "0+1x60" },
      at: "20m",
      labels: { namespace: "m", pod: "p", rule_group: "g" },
      summary: "Prometheus cannot evaluate g",
    },
    quiet: [
      {
        why: "they do not",
        series: { 'prometheus_rule_evaluation_failures_total{namespace="m", pod="p", rule_group="g"}': always(3) },
        at: "20m",
      },
    ],
  },
  {
    alert: "AlertsNotDelivered",
    fires: {
      series: { 'prometheus_notifications_dropped_total{namespace="m", pod="p"}': "0+1x60" },
      at: "20m",
      labels: { namespace: "m", pod: "p" },
      summary: "Prometheus does not reach Alertmanager",
    },
    quiet: [
      {
        why: "they are",
        series: { 'prometheus_notifications_dropped_total{namespace="m", pod="p"}': always(3) },
        at: "20m",
      },
    ],
  },
  {
    alert: "NotificationsFail",
    fires: {
      series: { 'alertmanager_notifications_failed_total{namespace="m", pod="p", integration="slack"}': "0+1x60" },
      at: "20m",
      labels: { namespace: "m", integration: "slack" },
      summary: "Alertmanager cannot notify by slack",
    },
    quiet: [
      {
        why: "it can",
        series: { 'alertmanager_notifications_failed_total{namespace="m", pod="p", integration="slack"}': always(3) },
        at: "20m",
      },
    ],
  },
  {
    alert: "LogsLost",
    fires: {
      series: {
        'fluentbit_output_retries_failed_total{namespace="m", pod="p", name="loki.0"}': always(0),
        'fluentbit_output_dropped_records_total{namespace="m", pod="p", name="loki.0"}': "0+1x60",
      },
      at: "20m",
      labels: { namespace: "m", name: "loki.0" },
      summary: "Logs do not get to loki.0",
    },
    quiet: [
      {
        why: "they do",
        series: {
          'fluentbit_output_retries_failed_total{namespace="m", pod="p", name="loki.0"}': always(0),
          'fluentbit_output_dropped_records_total{namespace="m", pod="p", name="loki.0"}': always(7),
        },
        at: "20m",
      },
    ],
  },
];
