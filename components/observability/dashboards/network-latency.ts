import { chosen, type Dashboard, type Panel } from "./dashboard.ts";

const step = (name: string, title: string, description: string): Panel => ({
  title,
  description,
  kind: "timeseries",
  unit: "s",
  queries: [
    { expr: `canton_node_step:canton_topology_step_seconds:p95{${chosen}, step="${name}"}`, legend: "{{node}}" },
  ],
});

/** How long it takes between nodes: the way of a message through the domain, and what servers answer in. */
export const networkLatencyDashboard: Dashboard = {
  uid: "canton-network-latency",
  title: "Canton: network latency",
  roles: ".*",
  rows: [
    {
      title: "Through the domain, p95",
      panels: [
        step(
          "sequenced",
          "Domain manager to sequencer and back",
          "From broadcast until the domain manager has read it back.",
        ),
        step(
          "effective",
          "Sequencer to member",
          "From sequencing until it took effect at the member. A member far away, or whose clock is wrong, stands out.",
        ),
        step(
          "decided",
          "Participant to domain manager",
          "From the sequencing of a participant's request until the domain manager has decided.",
        ),
      ],
    },
    {
      title: "Servers",
      panels: [
        {
          title: "Sequencers' public API, p50 and p99",
          description:
            "The sequencer's own part of a member's call: what a member measures beyond it is the network's.",
          kind: "timeseries",
          unit: "s",
          queries: ["p50", "p99"].map((quantile) => ({
            expr: `max by (node) (canton_node_method:grpc_server_request_seconds:${quantile}{${chosen}, role="sequencer", server="publicApi"})`,
            legend: `{{node}} ${quantile}`,
          })),
        },
        {
          title: "Admin APIs, p99",
          description: "The slowest method of each node.",
          kind: "timeseries",
          unit: "s",
          queries: [
            {
              expr: `max by (node) (canton_node_method:grpc_server_request_seconds:p99{${chosen}, server="adminApi"})`,
              legend: "{{node}}",
            },
          ],
        },
        {
          title: "Messages to members",
          description: "Sent on the streams of sequencers' public APIs, a second.",
          kind: "timeseries",
          unit: "ops",
          queries: [
            {
              expr: `sum by (node) (rate(grpc_server_stream_messages_sent_total{${chosen}, role="sequencer", server="publicApi"}[$__rate_interval]))`,
              legend: "{{node}}",
            },
          ],
        },
      ],
    },
  ],
};
