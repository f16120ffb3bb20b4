import type { Dashboard } from "./dashboard.ts";
import { domainDashboard } from "./domain.ts";
import { ledgerStateDashboard } from "./ledger-state.ts";
import { networkLatencyDashboard } from "./network-latency.ts";
import { participantDashboard } from "./participant.ts";

/** All dashboards. */
export const dashboards: readonly Dashboard[] = [
  participantDashboard,
  domainDashboard,
  ledgerStateDashboard,
  networkLatencyDashboard,
];
