/** What Grafana is given when it starts: where the data is, and the dashboards. Pure. */

/** Folder of the dashboards. */
export const dashboardsFolder = "/etc/grafana/dashboards";

/** Uids of the data sources, by which dashboards could name them. */
const uids = { prometheus: "canton-prometheus", loki: "canton-loki", alertmanager: "canton-alertmanager" } as const;

/** The file of data sources. Loki is absent where logs are not collected. */
export function grafanaDataSources(urls: { prometheus: string; alertmanager: string; loki?: string }) {
  const source = (name: string, type: keyof typeof uids, url: string, jsonData = {}) => ({
    name,
    type,
    uid: uids[type],
    url,
    access: "proxy",
    editable: false,
    isDefault: type === "prometheus",
    jsonData,
  });
  return {
    apiVersion: 1,
    datasources: [
      source("Prometheus", "prometheus", urls.prometheus, { httpMethod: "POST" }),
      source("Alertmanager", "alertmanager", urls.alertmanager, { implementation: "prometheus" }),
      ...(urls.loki === undefined
        ? []
        : [
            source("Loki", "loki", urls.loki, {
              // From a line to what all nodes logged of the same request or topology transaction.
              derivedFields: [
                {
                  name: "trace",
                  matcherRegex: '"trace-id":"([0-9a-f]{32})"',
                  datasourceUid: uids.loki,
                  // Grafana fills the value in; Grafana's own files write a dollar twice.
                  url: '{namespace=~".+"} |= "$${__value.raw}"',
                  urlDisplayLabel: "All nodes with this trace id",
                },
              ],
            }),
          ]),
    ],
  };
}

/** The file that says where the dashboards are. */
export function grafanaDashboardProvider() {
  return {
    apiVersion: 1,
    providers: [
      {
        name: "canton",
        folder: "Canton",
        type: "file",
        allowUiUpdates: false,
        disableDeletion: true,
        options: { path: dashboardsFolder },
      },
    ],
  };
}
