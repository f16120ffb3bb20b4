import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import type { Input } from "@pulumi/pulumi";
import { stringify } from "yaml";
import { dashboardsFolder, grafanaDashboardProvider } from "../config/grafana.ts";
import { renderDashboard } from "../dashboards/dashboard.ts";
import { dashboards } from "../dashboards/dashboards.ts";
import { httpPorts, partLabels } from "./names.ts";
import { metadata, type Place, podDefaults } from "./place.ts";
import { containerSecurity, podSecurity, probes, resources, revisionOf } from "./pods.ts";

const part = "grafana";
const user = 472;
const secretsFolder = "/etc/grafana-secrets";

/** What Grafana runs with. */
export interface GrafanaArgs {
  readonly image: string;
  /** Of the user `admin`. */
  readonly adminPassword: Input<string>;
  /** The file of data sources. */
  readonly dataSources: object;
  /** Where browsers find it. */
  readonly url?: string;
}

/** Grafana with our dashboards. All that it shows is given to it when it starts, so that it keeps nothing. */
export function grafana(place: Place, args: GrafanaArgs): void {
  const { name, options } = place;
  const objectMetadata = metadata(place, part);
  const provisioning = {
    "datasources.yaml": stringify(args.dataSources),
    "dashboards.yaml": stringify(grafanaDashboardProvider()),
  };
  const shown = Object.fromEntries(
    dashboards.map((dashboard) => [`${dashboard.uid}.json`, JSON.stringify(renderDashboard(dashboard))]),
  );
  const secret = new Secret(
    `${name}-grafana`,
    { metadata: objectMetadata, stringData: { "admin-password": args.adminPassword } },
    options,
  );
  const config = new ConfigMap(`${name}-grafana`, { metadata: objectMetadata, data: provisioning }, options);
  const dashboardFiles = new ConfigMap(
    `${name}-grafana-dashboards`,
    { metadata: metadata(place, part, "grafana-dashboards"), data: shown },
    options,
  );
  new Service(
    `${name}-grafana`,
    {
      metadata: objectMetadata,
      spec: { selector: partLabels(part), ports: [{ name: "http", port: httpPorts[part], targetPort: "http" }] },
    },
    options,
  );
  const item = (key: string) => ({ name: config.metadata.name, items: [{ key, path: key }] });
  const settings: Record<string, string> = {
    GF_SECURITY_ADMIN_PASSWORD__FILE: `${secretsFolder}/admin-password`,
    GF_SECURITY_COOKIE_SAMESITE: "strict",
    GF_SECURITY_DISABLE_GRAVATAR: "true",
    GF_USERS_ALLOW_SIGN_UP: "false",
    GF_AUTH_ANONYMOUS_ENABLED: "false",
    // It asks nobody outside for anything.
    GF_ANALYTICS_ENABLED: "false",
    GF_ANALYTICS_REPORTING_ENABLED: "false",
    GF_ANALYTICS_CHECK_FOR_UPDATES: "false",
    GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: "false",
    GF_PLUGINS_PREINSTALL_DISABLED: "true",
    GF_NEWS_NEWS_FEED_ENABLED: "false",
    ...(args.url !== undefined && { GF_SERVER_ROOT_URL: args.url, GF_SECURITY_COOKIE_SECURE: "true" }),
  };
  new Deployment(
    `${name}-grafana`,
    {
      metadata: objectMetadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: partLabels(part) },
        template: {
          metadata: {
            labels: objectMetadata.labels,
            annotations: revisionOf(...Object.values(provisioning), ...Object.values(shown)),
          },
          spec: {
            ...podDefaults(place),
            securityContext: podSecurity(user),
            containers: [
              {
                name: part,
                image: args.image,
                env: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
                ports: [{ name: "http", containerPort: httpPorts[part] }],
                ...probes("/api/health"),
                resources: resources({ cpu: "50m", memory: "512Mi" }),
                securityContext: containerSecurity,
                volumeMounts: [
                  { name: "data-sources", mountPath: "/etc/grafana/provisioning/datasources", readOnly: true },
                  { name: "provider", mountPath: "/etc/grafana/provisioning/dashboards", readOnly: true },
                  { name: "dashboards", mountPath: dashboardsFolder, readOnly: true },
                  { name: "secrets", mountPath: secretsFolder, readOnly: true },
                  { name: "data", mountPath: "/var/lib/grafana" },
                  { name: "tmp", mountPath: "/tmp" },
                ],
              },
            ],
            volumes: [
              { name: "data-sources", configMap: item("datasources.yaml") },
              { name: "provider", configMap: item("dashboards.yaml") },
              { name: "dashboards", configMap: { name: dashboardFiles.metadata.name } },
              { name: "secrets", secret: { secretName: secret.metadata.name, defaultMode: 0o440 } },
              { name: "data", emptyDir: { sizeLimit: "1Gi" } },
              { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
            ],
          },
        },
      },
    },
    options,
  );
}
