import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { metricSources } from "@pulumi-canton/components/observability/alerts/alert.ts";
import { alertGroups } from "@pulumi-canton/components/observability/alerts/rule-groups.ts";
import { alertmanagerConfig, type Routes } from "@pulumi-canton/components/observability/config/alertmanager.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prometheusTool, runTool } from "./prometheus-tools.ts";

const amtool = await prometheusTool("amtool");
const missing = typeof amtool !== "string";
if (missing) console.warn(`SKIPPED: amtool checks of routes: ${amtool.unavailable}`);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "alertmanager-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const channels = {
  mail: { to: ["a@example.com"], from: "canton@example.com", smarthost: "smtp.example.com:587", user: "canton" },
  slack: { channel: "#canton" },
  pagerDuty: {},
};
const groups = alertGroups({ sources: metricSources });

/** Writes the configuration, with its secrets' files, and gives back its file. */
function configure(routes?: Routes): string {
  const config = alertmanagerConfig({ channels, groups, secretsFolder: folder, ...(routes && { routes }) });
  const file = join(folder, "alertmanager.yml");
  writeFileSync(file, JSON.stringify(config));
  return file;
}

describe.skipIf(missing)("amtool", () => {
  const run = (...args: string[]) => runTool(amtool as string, args);

  test("accepts the configuration", async () => {
    for (const routes of [undefined, { info: [], warning: ["mail"] } satisfies Routes]) {
      const result = await run("check-config", configure(routes));
      expect(result.text).toContain("SUCCESS");
      expect(result.ok, result.text).toBe(true);
    }
  });

  test.each([
    ["critical", ["severity=critical", "alertname=NodeDown", "node=sequencer1"]],
    ["warning", ["severity=warning", "alertname=HighLatency"]],
    ["info", ["severity=info", "alertname=Any"]],
    ["warning", ["alertname=OfSomebodyElse"]],
  ])("tells %s of %j", async (receiver, labels) => {
    const file = configure();
    const result = await run("config", "routes", "test", "--config.file", file, ...labels);
    expect(result.stdout.trim()).toBe(receiver);
    const verified = await run(
      "config",
      "routes",
      "test",
      "--config.file",
      file,
      "--verify.receivers=critical",
      ...labels,
    );
    expect(verified.ok).toBe(receiver === "critical");
  });
});
