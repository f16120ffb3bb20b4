import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { metricSources } from "@pulumi-canton/components/observability/alerts/alert.ts";
import {
  alertGroups,
  type RuleOptions,
  ruleGroups,
} from "@pulumi-canton/components/observability/alerts/rule-groups.ts";
import { prometheusConfig } from "@pulumi-canton/components/observability/config/prometheus.ts";
import { renderDashboard } from "@pulumi-canton/components/observability/dashboards/dashboard.ts";
import { dashboards } from "@pulumi-canton/components/observability/dashboards/dashboards.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { alertCases, type Series } from "./alert-cases.ts";
import { prometheusTool, runTool } from "./prometheus-tools.ts";

const promtool = await prometheusTool("promtool");
const missing = typeof promtool !== "string";
if (missing) console.warn(`SKIPPED: promtool checks of rules: ${promtool.unavailable}`);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rules-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// JSON is YAML.
const write = (name: string, content: unknown) => {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify(content));
  return file;
};
const run = (...args: string[]) => runTool(promtool as string, args, folder);

const all: RuleOptions = { sources: metricSources };
const alerts = alertGroups(all).flatMap((group) => group.alerts);

/** The rules with nothing but the summary told, so that a case says all that is expected. */
const summariesOnly = () =>
  ruleGroups(all).map(({ name, rules }) => ({
    name,
    rules: rules.map((rule) =>
      rule.annotations === undefined ? rule : { ...rule, annotations: { summary: rule.annotations["summary"] } },
    ),
  }));

test("every alert has a case", () => {
  expect(new Set(alertCases.map(({ alert }) => alert))).toEqual(new Set(alerts.map(({ name }) => name)));
});

describe.skipIf(missing)("promtool", () => {
  test("accepts the rules, with their templates", async () => {
    const result = await run("check", "rules", write("all.rules.yml", { groups: ruleGroups(all) }));
    expect(result.text).toContain("SUCCESS");
    expect(result.ok, result.text).toBe(true);
  });

  test("accepts the configuration", async () => {
    const config = prometheusConfig({
      namespaces: ["canton", "tenant-a"],
      podLabels: { "app.kubernetes.io/part-of": "canton" },
      portName: "metrics",
      ownNamespace: "canton-monitoring",
      intervalSeconds: 30,
      externalLabels: { deployment: "canton-prod" },
      volumes: true,
    });
    // Debian's build knows nothing of Kubernetes, and the files are those of a pod: the rest is checked.
    const here = JSON.parse(
      JSON.stringify(config).replaceAll("/var/run/secrets/kubernetes.io/serviceaccount/", `${folder}/`),
      (key, value) => (key === "kubernetes_sd_configs" ? undefined : value),
    );
    for (const file of ["token", "ca.crt"]) writeFileSync(join(folder, file), "");
    const result = await run("check", "config", write("prometheus.yml", here));
    expect(result.ok, result.text).toBe(true);
  });

  test("accepts every query of the dashboards", async () => {
    const queries = dashboards.flatMap((dashboard) =>
      renderDashboard(dashboard)
        .panels.flatMap((panel) => (panel as { targets?: { expr: string }[] }).targets ?? [])
        .map(({ expr }) => expr.replaceAll("$__rate_interval", "5m")),
    );
    expect(queries.length).toBeGreaterThan(30);
    const rules = queries.map((expr, index) => ({ record: `query:${index}`, expr }));
    const result = await run("check", "rules", write("queries.yml", { groups: [{ name: "queries", rules }] }));
    expect(result.ok, result.text).toBe(true);
  });

  /** Runs looks at alerts; promtool tells all that are not as expected. */
  function look(
    looks: readonly { name: string; alert: string; series: Series; at: string; expected: readonly object[] }[],
  ) {
    const tests = looks.map(({ name, alert, series, at, expected }) => ({
      name: `${alert}: ${name}`,
      interval: "1m",
      input_series: Object.entries(series).map(([metric, values]) => ({ series: metric, values })),
      alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts: expected }],
    }));
    write("summaries.rules.yml", { groups: summariesOnly() });
    const file = write("tests.yml", { rule_files: ["summaries.rules.yml"], evaluation_interval: "1m", tests });
    return run("test", "rules", file);
  }
  const firing = alertCases.map(({ alert, fires: { series, at, labels, summary } }) => {
    const severity = alerts.find(({ name }) => name === alert)?.severity;
    const expected = [{ exp_labels: { ...labels, severity }, exp_annotations: { summary } }];
    return { name: "fires", alert, series, at, expected };
  });

  test("every alert fires, and says what a person is to read", async () => {
    const result = await look(firing);
    expect(result.ok, result.text).toBe(true);
  });

  test("no alert fires without its reason", async () => {
    const quiet = alertCases.flatMap(({ alert, quiet }) =>
      quiet.map(({ why, series, at }) => ({ name: `quiet, as ${why}`, alert, series, at, expected: [] })),
    );
    expect(quiet.length).toBeGreaterThan(alertCases.length);
    const result = await look(quiet);
    expect(result.ok, result.text).toBe(true);
  });

  test("a look that expects the wrong thing fails", async () => {
    const result = await look(firing.map((each) => ({ ...each, expected: [] })));
    expect(result.ok).toBe(false);
    for (const { name } of alerts) expect(result.text).toContain(`alertname: ${name}`);
  });
});
