import { describe, expect, test } from "vitest";
import { alertGroups } from "../alerts/rule-groups.ts";
import { alertmanagerConfig, alertmanagerConfigSpec, type Channels, routing } from "./alertmanager.ts";

const mail = { to: ["a@example.com", "b@example.com"], from: "canton@example.com", smarthost: "smtp.example.com:587" };
const slack = { channel: "#canton" };
const groups = alertGroups({ sources: ["nodes", "postgres-exporter"] });

describe("who is told", () => {
  test("critical goes everywhere, warnings to Slack and mail, info to one of them", () => {
    expect(routing({ mail, slack, pagerDuty: {} })).toEqual({
      critical: ["mail", "slack", "pagerDuty"],
      warning: ["slack", "mail"],
      info: ["mail"],
    });
  });

  test("with one channel everything goes there", () => {
    expect(routing({ pagerDuty: {} })).toEqual({
      critical: ["pagerDuty"],
      warning: ["pagerDuty"],
      info: ["pagerDuty"],
    });
  });

  test("what is asked for wins; info may go nowhere", () => {
    expect(routing({ mail, slack }, { critical: ["slack"], info: [] })).toEqual({
      critical: ["slack"],
      warning: ["slack", "mail"],
      info: [],
    });
  });

  test.each<[Channels, Parameters<typeof routing>[1], RegExp]>([
    [{}, {}, /alerts: got no channel; expected at least one of mail, slack, pagerDuty/],
    [{ slack }, { critical: ["pagerDuty"] }, /alerts\.routes\.critical: got "pagerDuty"; there is slack/],
    [{ slack }, { critical: [] }, /alerts\.routes\.critical: got none/],
    [{ slack: { channel: "canton" } }, {}, /alerts\.slack\.channel: got "canton"/],
    [{ mail: { ...mail, smarthost: "smtp.example.com" } }, {}, /alerts\.mail\.smarthost: got "smtp\.example\.com"/],
    [{ mail: { ...mail, to: [] } }, {}, /alerts\.mail\.to: got nobody/],
    [{ mail: { ...mail, from: "canton" } }, {}, /alerts\.mail: got "canton"/],
  ])("%j with routes %j is refused", (channels, routes, message) => {
    expect(() => routing(channels, routes)).toThrow(message);
  });
});

test("secrets are files, and only those that are used", () => {
  const config = alertmanagerConfig({
    channels: { mail: { ...mail, user: "canton" }, slack, pagerDuty: {} },
    groups,
    secretsFolder: "/etc/alertmanager/secrets",
  });
  const critical = config.receivers.find(({ name }) => name === "critical");
  expect(critical).toMatchObject({
    email_configs: [
      { to: "a@example.com", auth_username: "canton", auth_password_file: "/etc/alertmanager/secrets/mail-password" },
      { to: "b@example.com" },
    ],
    slack_configs: [{ channel: "#canton", api_url_file: "/etc/alertmanager/secrets/slack-webhook-url" }],
    pagerduty_configs: [{ routing_key_file: "/etc/alertmanager/secrets/pagerduty-routing-key", severity: "critical" }],
  });
  const withoutUser = alertmanagerConfig({ channels: { mail }, groups, secretsFolder: "/s" });
  expect(JSON.stringify(withoutUser)).not.toContain("_file");
});

test("what an alert mutes is muted for the same thing alone", () => {
  const { inhibit_rules: rules } = alertmanagerConfig({ channels: { slack }, groups, secretsFolder: "/s" });
  expect(rules).toContainEqual({
    source_matchers: ['alertname="NodeDown"'],
    target_matchers: ['severity=~"warning|info"', 'node!=""'],
    equal: ["namespace", "node"],
  });
  for (const { equal } of rules) expect(equal).toContain("namespace");
});

test("the operator's object says the same", () => {
  const options = { channels: { mail: { ...mail, user: "canton" }, slack, pagerDuty: {} }, groups };
  const file = alertmanagerConfig({ ...options, secretsFolder: "/s" });
  const spec = alertmanagerConfigSpec({ ...options, secretName: "alert-channels" });
  expect(spec.route.routes.map(({ receiver }) => receiver)).toEqual(file.route.routes.map(({ receiver }) => receiver));
  expect(spec.inhibitRules).toHaveLength(file.inhibit_rules.length);
  expect(spec.inhibitRules[0]).toEqual({
    sourceMatch: [{ name: "alertname", matchType: "=", value: "NodeDown" }],
    targetMatch: [
      { name: "severity", matchType: "=~", value: "warning|info" },
      { name: "node", matchType: "!=", value: "" },
    ],
    equal: ["namespace", "node"],
  });
  expect(spec.receivers[0]).toMatchObject({
    name: "critical",
    emailConfigs: [{ to: "a@example.com", authPassword: { name: "alert-channels", key: "mail-password" } }, {}],
    slackConfigs: [{ apiURL: { name: "alert-channels", key: "slack-webhook-url" } }],
    pagerdutyConfigs: [{ routingKey: { name: "alert-channels", key: "pagerduty-routing-key" } }],
  });
});
