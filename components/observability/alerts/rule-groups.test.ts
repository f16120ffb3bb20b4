import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { metricSources } from "./alert.ts";
import { alertGroups, logRuleGroups, type RuleGroup, ruleGroups } from "./rule-groups.ts";
import { defaultThresholds, thresholdsWith } from "./thresholds.ts";

const all = ruleGroups({ sources: metricSources });
const alertRulesOf = (groups: readonly RuleGroup[]) =>
  groups.flatMap(({ rules }) => rules.filter(({ alert }) => alert !== undefined));
const alerts = alertRulesOf([...all, ...logRuleGroups(["canton"])]);

test("names of alerts are told once", () => {
  const names = alerts.map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
});

describe.each(alerts)("$alert", ({ alert, labels, annotations }) => {
  test("says how urgent it is, what is wrong, and where to read on", () => {
    expect(["critical", "warning", "info"]).toContain(labels?.["severity"]);
    expect(annotations?.["summary"]).toBeTruthy();
    expect(annotations?.["description"]).toBeTruthy();
    expect(annotations?.["runbook_url"]).toBe(`docs/runbooks.md#${alert?.toLowerCase()}`);
  });
});

test("every alert has its section in the runbooks, and every section its alert", () => {
  const runbooks = readFileSync(new URL("../../../docs/runbooks.md", import.meta.url), "utf8");
  const sections = [...runbooks.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
  expect(sections.sort()).toEqual(alerts.map(({ alert }) => alert).sort());
});

test("only alerts on metrics that there are", () => {
  expect(alertGroups().every(({ source }) => source === "nodes")).toBe(true);
  expect(ruleGroups({ sources: ["kubelet"] }).map(({ name }) => name)).toEqual(["canton-volumes"]);
});

test("nothing is told of commitments of our own nodes, which have none", () => {
  expect(JSON.stringify(all)).not.toMatch(/commitment/i);
});

test("runbooks may be elsewhere", () => {
  const [first] = alertRulesOf(ruleGroups({ runbooks: "https://wiki.example.com/canton" }));
  expect(first?.annotations?.["runbook_url"]).toBe("https://wiki.example.com/canton#nodedown");
});

test("limits reach the rules", () => {
  const { rules } = ruleGroups({ thresholds: { latencySeconds: 0.25 } }).find(
    ({ name }) => name === "canton-latency",
  ) ?? {
    rules: [],
  };
  expect(rules.find(({ alert }) => alert === "HighLatency")?.expr).toMatch(/> 0\.25$/);
});

describe("limits", () => {
  test("are the defaults but for what is changed", () => {
    expect(thresholdsWith({ certificateDays: 30 })).toEqual({ ...defaultThresholds, certificateDays: 30 });
  });

  test.each([
    [{ usedShare: 1 }, "thresholds.usedShare: got 1; expected a number above 0 and below 1"],
    [{ latencySeconds: 0 }, "thresholds.latencySeconds: got 0; expected a number above 0"],
    [{ latencySeconds: Number.NaN }, "thresholds.latencySeconds: got NaN"],
    [{ latency: 1 } as object, "thresholds.latency: there is no such limit; there are latencySeconds"],
  ])("%j are refused", (changes, message) => {
    expect(() => thresholdsWith(changes)).toThrow(message);
  });
});
