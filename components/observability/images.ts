/** Images of the parts. Production names them by digest, of a registry of its own: pass them. */
export interface MonitoringImages {
  /** Default: `docker.io/prom/prometheus:v3.5.0`. */
  readonly prometheus: string;
  /** Default: `docker.io/prom/alertmanager:v0.28.1`. */
  readonly alertmanager: string;
  /** Default: `docker.io/grafana/loki:3.5.7`. */
  readonly loki: string;
  /** Default: `docker.io/fluent/fluent-bit:4.0.3`. */
  readonly fluentBit: string;
  /** Default: `docker.io/grafana/grafana:12.0.2`. */
  readonly grafana: string;
  /** Default: `quay.io/prometheuscommunity/postgres-exporter:v0.17.1`. */
  readonly postgresExporter: string;
}

/** The versions that the configuration is written for. */
export const defaultImages: MonitoringImages = {
  prometheus: "docker.io/prom/prometheus:v3.5.0",
  alertmanager: "docker.io/prom/alertmanager:v0.28.1",
  loki: "docker.io/grafana/loki:3.5.7",
  fluentBit: "docker.io/fluent/fluent-bit:4.0.3",
  grafana: "docker.io/grafana/grafana:12.0.2",
  postgresExporter: "quay.io/prometheuscommunity/postgres-exporter:v0.17.1",
};
