import type { AlertGroup } from "./alert.ts";
import type { AlertThresholds } from "./thresholds.ts";

const node = "{{ $labels.role }} {{ $labels.node }}";
const percent = "{{ $value | humanizePercentage }}";
const seconds = "{{ $value | humanizeDuration }}";
const ready = "max by (namespace, role, node) (canton_node_ready)";
/** Remembers a node whose pods are gone, so that it is missed. */
const wasReady = "max by (namespace, role, node) (max_over_time(canton_node_ready[6h]))";
const ofTheNode = { equal: ["namespace", "node"] };

/** Alerts on the metrics that our nodes tell. Pure. */
export function nodeAlerts(limit: AlertThresholds): AlertGroup[] {
  return [
    {
      name: "canton-availability",
      source: "nodes",
      alerts: [
        {
          name: "NodeDown",
          expr: `${wasReady} == 1 unless ${ready} == 1`,
          for: "2m",
          severity: "critical",
          summary: `${node} is down`,
          description: `No replica of ${node} in {{ $labels.namespace }} does its work, and one did within the last 6 hours.`,
          mutes: { matchers: ['severity=~"warning|info"', 'node!=""'], ...ofTheNode },
        },
        {
          name: "ReplicaDown",
          expr: 'up{job=~".*canton-nodes"} == 0',
          for: "5m",
          severity: "warning",
          summary: "Pod {{ $labels.pod }} does not answer",
          description:
            "Pod {{ $labels.pod }} in {{ $labels.namespace }} tells no metrics. Its node works as long as another replica does.",
        },
        {
          name: "NodeRestarting",
          expr: 'changes(process_start_time_seconds{node!=""}[15m]) > 2',
          for: "0m",
          severity: "warning",
          summary: `${node} restarts again and again`,
          description: `${node} (pod {{ $labels.pod }}) has started {{ $value }} times within 15 minutes.`,
        },
        {
          name: "NodeDegraded",
          expr: "canton_component_health < 1 and on (namespace, pod, node) canton_node_ready == 1",
          for: "15m",
          severity: "warning",
          summary: `${node}: {{ $labels.component }} works less than it should`,
          description: `The part {{ $labels.component }} of ${node} is degraded; the node serves. Its log and /health/ready say why.`,
        },
        {
          name: "TwoActiveReplicas",
          expr: "sum by (namespace, node) (participant_active) > 1",
          for: "1m",
          severity: "critical",
          summary: "Participant {{ $labels.node }} has {{ $value }} active replicas",
          description: "More than one replica of the participant believes that it leads. They share one database lock.",
        },
      ],
    },
    {
      name: "canton-latency",
      source: "nodes",
      alerts: [
        {
          name: "HighLatency",
          expr: `canton_node_method:grpc_server_request_seconds:p99 > ${limit.latencySeconds}`,
          for: "10m",
          severity: "warning",
          summary: `${node} answers {{ $labels.method }} slowly`,
          description: `One call in a hundred to {{ $labels.method }} ({{ $labels.server }}) takes longer than ${seconds}; the limit is ${limit.latencySeconds} s.`,
        },
        {
          name: "SequencerSlow",
          expr: `canton_node:sequencer_batch_seconds:p99 > ${limit.batchSeconds}`,
          for: "10m",
          severity: "warning",
          summary: "Sequencer {{ $labels.node }} writes slowly",
          description: `One batch in a hundred takes longer than ${seconds} to write; the limit is ${limit.batchSeconds} s. All members of the domain wait for it.`,
        },
        {
          name: "TopologySlow",
          expr: `canton_node_step:canton_topology_step_seconds:p95{step="effective"} > ${limit.topologySeconds}`,
          for: "15m",
          severity: "warning",
          summary: `Topology takes effect late at ${node}`,
          description: `One topology transaction in twenty takes longer than ${seconds} from its sequencing until it takes effect; the limit is ${limit.topologySeconds} s.`,
        },
      ],
    },
    {
      name: "canton-sequencer",
      source: "nodes",
      alerts: [
        {
          name: "SequencerErrors",
          expr: `canton_node_server:grpc_server_faults:ratio5m{role="sequencer", server="publicApi"} > ${limit.sequencerErrors}`,
          for: "5m",
          severity: "critical",
          summary: `Sequencer {{ $labels.node }} fails ${percent} of its calls`,
          description: `${percent} of the calls of members end by the sequencer's fault; the limit is ${limit.sequencerErrors}.`,
        },
        {
          name: "SequencerBacklog",
          expr: `min_over_time(sequencer_queued_messages[5m]) > ${limit.queuedMessages}`,
          for: "5m",
          severity: "warning",
          summary: "Sequencer {{ $labels.node }} does not keep up",
          description: `{{ $value }} messages wait to be written, more than ${limit.queuedMessages} for minutes.`,
        },
      ],
    },
    {
      name: "canton-participant",
      source: "nodes",
      alerts: [
        {
          name: "ParticipantDisconnected",
          expr: "min by (namespace, role, node, domain_alias) (participant_domain_connected) == 0",
          for: "5m",
          severity: "critical",
          summary: "Participant {{ $labels.node }} is not connected to {{ $labels.domain_alias }}",
          description:
            "No sequencer of {{ $labels.domain_alias }} answers the participant, or it is not let in. It takes part in nothing there.",
        },
        {
          name: "TopologyRefused",
          expr: 'increase(participant_topology_dispatched_total{outcome=~"rejected|failed"}[15m]) > 0',
          for: "0m",
          severity: "warning",
          summary: "The domain refuses topology of participant {{ $labels.node }}",
          description: "{{ $labels.domain }} has {{ $labels.outcome }} topology transactions of the participant.",
        },
      ],
    },
    {
      name: "canton-topology",
      source: "nodes",
      alerts: [
        {
          name: "TopologyQueueStuck",
          expr: "min_over_time(canton_topology_queue[10m]) > 0",
          for: "5m",
          severity: "warning",
          summary: `Topology of ${node} does not get through`,
          description: `{{ $value }} topology transactions have waited in the queue {{ $labels.queue }} for more than 10 minutes.`,
        },
      ],
    },
    {
      name: "canton-resources",
      source: "nodes",
      alerts: [
        {
          name: "EventLoopLag",
          expr: `nodejs_eventloop_lag_p99_seconds{node!=""} > ${limit.eventLoopSeconds}`,
          for: "10m",
          severity: "warning",
          summary: `${node} is too busy to answer in time`,
          description: `The event loop of pod {{ $labels.pod }} is ${seconds} late; the limit is ${limit.eventLoopSeconds} s.`,
        },
        {
          name: "HeapNearlyFull",
          expr: `canton_pod:nodejs_heap_used:ratio > ${limit.usedShare}`,
          for: "10m",
          severity: "warning",
          summary: `${node} uses ${percent} of its heap`,
          description: "The process ends when its heap is full, and starts again.",
        },
        {
          name: "CpuSaturated",
          expr: 'rate(process_cpu_seconds_total{node!=""}[5m]) > 0.95',
          for: "15m",
          severity: "warning",
          summary: `${node} uses a whole processor`,
          description:
            "A node's program runs on one processor; the pod {{ $labels.pod }} has used {{ $value }} for a quarter of an hour.",
        },
        {
          name: "DatabasePoolExhausted",
          expr: "min_over_time(database_pool_waiting[5m]) > 0",
          for: "5m",
          severity: "warning",
          summary: `${node} waits for connections to its database`,
          description:
            "All connections of the pool {{ $labels.pool }} are in use, and {{ $value }} pieces of work wait, for minutes.",
        },
        {
          name: "FileDescriptorsNearlyUsedUp",
          expr: `process_open_fds{node!=""} / process_max_fds > ${limit.usedShare}`,
          for: "10m",
          severity: "warning",
          summary: `${node} uses ${percent} of its file descriptors`,
          description: "Without a free one it takes no new connection.",
        },
      ],
    },
    {
      name: "canton-certificates",
      source: "nodes",
      alerts: [
        {
          name: "CertificateExpires",
          expr: `(grpc_server_certificate_expiry_timestamp_seconds - time()) / 86400 < ${limit.certificateDays}`,
          for: "1h",
          severity: "warning",
          summary: `A certificate of ${node} expires soon`,
          description: "The certificate of {{ $labels.server }} expires in {{ $value | humanize }} days.",
        },
        {
          name: "CertificateExpiresInDays",
          expr: `(grpc_server_certificate_expiry_timestamp_seconds - time()) / 86400 < ${limit.certificateDays / 3}`,
          for: "10m",
          severity: "critical",
          summary: `A certificate of ${node} expires in days`,
          description:
            "The certificate of {{ $labels.server }} expires in {{ $value | humanize }} days; then nobody connects.",
          mutes: { matchers: ['alertname="CertificateExpires"'], equal: ["namespace", "node", "server"] },
        },
      ],
    },
  ];
}
