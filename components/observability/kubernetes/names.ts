/** What the parts of the monitoring are called, and how they are marked, so that they find each other. Pure. */
import { componentLabel } from "../../platform/kubernetes/labels.ts";

/** The parts, by the name that their objects have. */
export const parts = ["prometheus", "alertmanager", "loki", "fluent-bit", "grafana", "postgres-exporter"] as const;
/** One of {@link parts}. */
export type Part = (typeof parts)[number];

/** Label of a part's objects: its name. */
export const partLabel = "app.kubernetes.io/name";
/** Label of an exporter's pods: the database server that it looks at. */
export const databaseLabel = "canton/database";
/** What all pods of the monitoring have. */
export const monitoringLabels = { [componentLabel]: "monitoring" };

/** What the pods of a part have, and no others. */
export function partLabels(part: Part): Record<string, string> {
  return { ...monitoringLabels, [partLabel]: part };
}

/** Ports that parts serve HTTP on. */
export const httpPorts: Readonly<Record<Part, number>> = {
  prometheus: 9090,
  alertmanager: 9093,
  loki: 3100,
  "fluent-bit": 2020,
  grafana: 3000,
  "postgres-exporter": 9187,
};
/** Port on which replicas of Alertmanager talk to each other. */
export const alertmanagerPeerPort = 9094;
