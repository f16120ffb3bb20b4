import { chosen, type Dashboard } from "./dashboard.ts";
import { availability, calls, partsOfNodes, resources } from "./panels.ts";

const roles = "domain-manager|sequencer|mediator";

/** For who runs a domain: sequencers, mediators, domain manager. */
export const domainDashboard: Dashboard = {
  uid: "canton-domain",
  title: "Canton: domain",
  roles,
  rows: [
    { title: "State", panels: [availability(roles), partsOfNodes(roles)] },
    {
      title: "Sequencers",
      panels: [
        {
          title: "Messages sequenced",
          description: "A second, refused ones included.",
          kind: "timeseries",
          unit: "ops",
          queries: [
            { expr: `rate(sequencer_messages_total{${chosen}}[$__rate_interval])`, legend: "{{node}} {{pod}}" },
          ],
        },
        {
          title: "Messages waiting",
          description: "More and more of them: the sequencer, or its backend, does not keep up.",
          kind: "timeseries",
          unit: "short",
          queries: [{ expr: `sequencer_queued_messages{${chosen}}`, legend: "{{node}} {{pod}}" }],
          limit: 2000,
        },
        {
          title: "Time to write a batch, p99",
          description: "Mostly the backend's commit.",
          kind: "timeseries",
          unit: "s",
          queries: [{ expr: `canton_node:sequencer_batch_seconds:p99{${chosen}}`, legend: "{{node}}" }],
          limit: 0.5,
        },
        {
          title: "Members connected",
          description: "With an open subscription: participants, mediators and the domain manager.",
          kind: "timeseries",
          unit: "short",
          queries: [{ expr: `sequencer_connected_members{${chosen}}`, legend: "{{node}} {{pod}}" }],
        },
      ],
    },
    calls(roles),
    resources(roles),
  ],
};
