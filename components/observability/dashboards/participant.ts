import { chosen, type Dashboard } from "./dashboard.ts";
import { availability, calls, partsOfNodes, resources } from "./panels.ts";

/** For who runs participants: are they there, connected, fast enough. */
export const participantDashboard: Dashboard = {
  uid: "canton-participant",
  title: "Canton: participants",
  roles: "participant",
  rows: [
    {
      title: "State",
      panels: [
        availability("participant"),
        {
          title: "Connected",
          description: "Every domain that the participant is to be connected to.",
          kind: "stat",
          unit: "bool_on_off",
          queries: [
            {
              expr: `min by (node, domain_alias) (participant_domain_connected{${chosen}})`,
              legend: "{{node}} to {{domain_alias}}",
            },
          ],
          limit: 1,
          lowIsBad: true,
        },
        {
          title: "Active replicas",
          description: "Exactly one.",
          kind: "stat",
          unit: "short",
          queries: [{ expr: `sum by (node) (participant_active{${chosen}})`, legend: "{{node}}" }],
          limit: 1,
          lowIsBad: true,
        },
      ],
    },
    {
      title: "Latency",
      panels: [
        {
          title: "Ledger API, p99",
          description: "Unary calls; streams live as long as their callers.",
          kind: "timeseries",
          unit: "s",
          queries: [
            {
              expr: `canton_node_method:grpc_server_request_seconds:p99{${chosen}, role="participant", server="ledgerApi"}`,
              legend: "{{node}} {{method}}",
            },
          ],
          limit: 1,
        },
        {
          title: "Streams open",
          description: "Calls in progress on the Ledger API.",
          kind: "timeseries",
          unit: "short",
          queries: [
            {
              expr: `sum by (node, method) (grpc_server_active_requests{${chosen}, role="participant", server="ledgerApi"}) > 0`,
              legend: "{{node}} {{method}}",
            },
          ],
        },
        partsOfNodes("participant"),
      ],
    },
    calls("participant"),
    resources("participant"),
  ],
};
