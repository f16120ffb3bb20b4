import { chosen, type Dashboard } from "./dashboard.ts";

/** What the ledger's members agree on: the topology state, and changes of it on their way. */
export const ledgerStateDashboard: Dashboard = {
  uid: "canton-ledger-state",
  title: "Canton: ledger and topology state",
  roles: ".*",
  rows: [
    {
      title: "On the way",
      panels: [
        {
          title: "Topology transactions waiting",
          description:
            "dispatcher: authorised and not sent; clients: sent and not yet back. Not 0 for minutes: TopologyQueueStuck.",
          kind: "timeseries",
          unit: "short",
          queries: [{ expr: `max by (node, queue) (canton_topology_queue{${chosen}})`, legend: "{{node}} {{queue}}" }],
        },
        {
          title: "Topology transactions by what the domain answered",
          description: "Of participants, a minute. Rejected or failed: TopologyRefused.",
          kind: "timeseries",
          unit: "short",
          queries: [
            {
              expr: `60 * sum by (node, outcome) (rate(participant_topology_dispatched_total{${chosen}}[$__rate_interval]))`,
              legend: "{{node}} {{outcome}}",
            },
          ],
        },
      ],
    },
    {
      title: "What changes",
      panels: [
        {
          title: "Topology transactions, by step",
          description: "A minute, over all nodes: what is sequenced at one takes effect at every member.",
          kind: "timeseries",
          unit: "short",
          queries: [
            {
              expr: `60 * sum by (step) (rate(canton_topology_step_seconds_count{${chosen}}[$__rate_interval]))`,
              legend: "{{step}}",
            },
          ],
        },
        {
          title: "Refused by members",
          description:
            "Transactions that a member has verified and does not accept. Members that differ: look at their logs.",
          kind: "timeseries",
          unit: "short",
          queries: [
            {
              expr: `sum by (node) (increase(canton_topology_step_seconds_count{${chosen}, step="rejected"}[$__rate_interval]))`,
              legend: "{{node}}",
            },
          ],
        },
      ],
    },
    {
      title: "Who takes part",
      panels: [
        {
          title: "Members connected to the domain",
          description: "Over all sequencers.",
          kind: "stat",
          unit: "short",
          queries: [{ expr: `sum by (namespace) (sequencer_connected_members{${chosen}})`, legend: "{{namespace}}" }],
        },
        {
          title: "Participants connected",
          description: "Connections that a sequencer answers.",
          kind: "stat",
          unit: "short",
          queries: [
            {
              expr: `sum by (domain_alias) (max by (node, domain_alias) (participant_domain_connected{${chosen}}))`,
              legend: "{{domain_alias}}",
            },
          ],
        },
      ],
    },
  ],
};
