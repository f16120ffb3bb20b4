/** Who is told of which alert. Pure. */
import type { AlertGroup, Severity } from "../alerts/alert.ts";
import { severities } from "../alerts/alert.ts";

/** A way to tell people. */
export const channels = ["mail", "slack", "pagerDuty"] as const;
/** One of {@link channels}. */
export type Channel = (typeof channels)[number];

/** Mail, sent by somebody's own server with TLS. */
export interface MailChannel {
  /** Who gets it. Example: `["operations@example.com"]`. */
  readonly to: readonly string[];
  /** Example: `"canton@example.com"`. */
  readonly from: string;
  /** The mail server, `host:port`. Example: `"smtp.example.com:587"`. */
  readonly smarthost: string;
  /** User at the mail server; it then wants a password. Default: none. */
  readonly user?: string;
}

/** A channel of Slack, by an incoming webhook, whose URL is a secret. */
export interface SlackChannel {
  /** Example: `"#canton-alerts"`. */
  readonly channel: string;
}

/** The ways that there are, without their secrets. PagerDuty needs nothing but its secret. */
export interface Channels {
  readonly mail?: MailChannel;
  readonly slack?: SlackChannel;
  readonly pagerDuty?: Readonly<Record<never, never>>;
}

/** Which severity goes where. */
export type Routes = Readonly<Partial<Record<Severity, readonly Channel[]>>>;

/** The channels of every severity. */
export type Routing = Readonly<Record<Severity, readonly Channel[]>>;

/** Names of the files with secrets, and keys in the Secret that they come from. */
export const secretFiles = {
  mail: "mail-password",
  slack: "slack-webhook-url",
  pagerDuty: "pagerduty-routing-key",
} as const;

/** Folder of the files with secrets in a pod. */
export const alertSecretsFolder = "/etc/alertmanager-secrets";

/** How soon, and how often again, a severity is told. */
const pace: Readonly<Record<Severity, { groupWait: string; repeatInterval: string }>> = {
  critical: { groupWait: "10s", repeatInterval: "1h" },
  warning: { groupWait: "1m", repeatInterval: "12h" },
  info: { groupWait: "5m", repeatInterval: "24h" },
};

/** Alerts of the same thing that come within this time are one message. */
const groupBy = ["namespace", "alertname"];
const groupInterval = "5m";

const preferred: Readonly<Record<Severity, readonly Channel[]>> = {
  critical: channels,
  warning: ["slack", "mail"],
  info: ["mail", "slack"],
};

/**
 * Which channels a severity goes to. By default critical goes to all, warnings to Slack and mail, info to the first of mail
 * and Slack that is there; what would go nowhere goes to what there is.
 *
 * @throws Error naming what is wrong with the channels or routes
 */
export function routing(given: Channels, routes: Routes = {}): Routing {
  checkChannels(given);
  const present = channels.filter((channel) => given[channel] !== undefined);
  const first = present[0];
  if (first === undefined) {
    throw new Error(`alerts: got no channel; expected at least one of ${channels.join(", ")}`);
  }
  return Object.fromEntries(
    severities.map((severity) => {
      const asked = routes[severity];
      if (asked !== undefined) return [severity, checkedRoute(severity, asked, present)];
      const usual = preferred[severity].filter((channel) => present.includes(channel));
      const usable = severity === "info" ? usual.slice(0, 1) : usual;
      return [severity, usable.length === 0 ? [first] : usable];
    }),
  ) as unknown as Routing;
}

function checkedRoute(severity: Severity, asked: readonly Channel[], present: readonly Channel[]): readonly Channel[] {
  if (asked.length === 0 && severity === "critical") {
    throw new Error(`alerts.routes.critical: got none; expected at least one of ${present.join(", ")}`);
  }
  for (const channel of asked) {
    if (!present.includes(channel)) {
      throw new Error(`alerts.routes.${severity}: got "${channel}"; there is ${present.join(", ")}`);
    }
  }
  return asked;
}

function checkChannels({ mail, slack }: Channels): void {
  if (slack !== undefined && !/^[#@][^\s]+$/.test(slack.channel)) {
    throw new Error(`alerts.slack.channel: got "${slack.channel}"; expected a channel such as "#canton-alerts"`);
  }
  if (mail === undefined) return;
  for (const address of [mail.from, ...mail.to]) {
    if (!/^[^\s@]+@[^\s@]+$/.test(address)) {
      throw new Error(`alerts.mail: got "${address}"; expected an address such as "operations@example.com"`);
    }
  }
  if (mail.to.length === 0) throw new Error("alerts.mail.to: got nobody; expected at least one address");
  if (!/^[^\s:]+:\d{1,5}$/.test(mail.smarthost)) {
    throw new Error(
      `alerts.mail.smarthost: got "${mail.smarthost}"; expected host:port, for example "smtp.example.com:587"`,
    );
  }
}

/** What mutes what: from the alerts themselves. */
function inhibitions(groups: readonly AlertGroup[]) {
  return groups.flatMap(({ alerts }) =>
    alerts.flatMap(({ name, mutes }) =>
      mutes === undefined ? [] : [{ source: `alertname="${name}"`, targets: mutes.matchers, equal: mutes.equal }],
    ),
  );
}

const slackTitle =
  "[{{ .Status | toUpper }}] {{ .CommonLabels.severity }}: {{ .CommonLabels.alertname }} ({{ len .Alerts }})";
const slackText =
  "{{ range .Alerts }}*{{ .Annotations.summary }}*\n{{ .Annotations.description }}\nWhat to do: {{ .Annotations.runbook_url }}\n{{ end }}";

/**
 * Alertmanager's configuration file. Secrets are in files, never in it.
 *
 * @param secretsFolder where the files are
 * @throws Error as {@link routing}
 */
export function alertmanagerConfig(options: {
  readonly channels: Channels;
  readonly routes?: Routes;
  readonly groups: readonly AlertGroup[];
  readonly secretsFolder: string;
}) {
  const { channels: given, secretsFolder } = options;
  const plan = routing(given, options.routes);
  const file = (channel: Channel) => `${secretsFolder}/${secretFiles[channel]}`;
  const configs = {
    mail: ({ to, from, smarthost, user }: MailChannel) => ({
      email_configs: to.map((address) => ({
        to: address,
        from,
        smarthost,
        require_tls: true,
        send_resolved: true,
        ...(user !== undefined && { auth_username: user, auth_password_file: file("mail") }),
      })),
    }),
    slack: ({ channel }: SlackChannel) => ({
      slack_configs: [
        { channel, api_url_file: file("slack"), send_resolved: true, title: slackTitle, text: slackText },
      ],
    }),
    pagerDuty: (severity: Severity) => ({
      pagerduty_configs: [
        { routing_key_file: file("pagerDuty"), severity, send_resolved: true, description: slackTitle },
      ],
    }),
  };
  return {
    route: {
      // What has no severity of ours is told as a warning.
      receiver: "warning",
      group_by: groupBy,
      group_wait: pace.warning.groupWait,
      group_interval: groupInterval,
      repeat_interval: pace.warning.repeatInterval,
      routes: severities.map((severity) => ({
        receiver: severity,
        matchers: [`severity="${severity}"`],
        group_wait: pace[severity].groupWait,
        repeat_interval: pace[severity].repeatInterval,
      })),
    },
    inhibit_rules: inhibitions(options.groups).map(({ source, targets, equal }) => ({
      source_matchers: [source],
      target_matchers: targets,
      equal,
    })),
    receivers: severities.map((severity) => ({
      name: severity,
      ...(plan[severity].includes("mail") && given.mail && configs.mail(given.mail)),
      ...(plan[severity].includes("slack") && given.slack && configs.slack(given.slack)),
      ...(plan[severity].includes("pagerDuty") && configs.pagerDuty(severity)),
    })),
  };
}

/** The same as {@link alertmanagerConfig} as the spec of the operator's AlertmanagerConfig, with its secrets in a Secret. */
export function alertmanagerConfigSpec(options: {
  readonly channels: Channels;
  readonly routes?: Routes;
  readonly groups: readonly AlertGroup[];
  readonly secretName: string;
}) {
  const { channels: given, secretName } = options;
  const plan = routing(given, options.routes);
  const secret = (channel: Channel) => ({ name: secretName, key: secretFiles[channel] });
  const matcher = (text: string) => {
    const [, name = "", matchType = "=", value = ""] = /^(\w+)(=~|!=|!~|=)"(.*)"$/.exec(text) ?? [];
    return { name, matchType, value };
  };
  const { mail, slack } = given;
  return {
    route: {
      receiver: "warning",
      groupBy,
      groupWait: pace.warning.groupWait,
      groupInterval,
      repeatInterval: pace.warning.repeatInterval,
      routes: severities.map((severity) => ({
        receiver: severity,
        matchers: [matcher(`severity="${severity}"`)],
        groupWait: pace[severity].groupWait,
        repeatInterval: pace[severity].repeatInterval,
      })),
    },
    inhibitRules: inhibitions(options.groups).map(({ source, targets, equal }) => ({
      sourceMatch: [matcher(source)],
      targetMatch: targets.map(matcher),
      equal,
    })),
    receivers: severities.map((severity) => ({
      name: severity,
      ...(plan[severity].includes("mail") &&
        mail && {
          emailConfigs: mail.to.map((to) => ({
            to,
            from: mail.from,
            smarthost: mail.smarthost,
            requireTLS: true,
            sendResolved: true,
            ...(mail.user !== undefined && { authUsername: mail.user, authPassword: secret("mail") }),
          })),
        }),
      ...(plan[severity].includes("slack") &&
        slack && {
          slackConfigs: [
            { channel: slack.channel, apiURL: secret("slack"), sendResolved: true, title: slackTitle, text: slackText },
          ],
        }),
      ...(plan[severity].includes("pagerDuty") && {
        pagerdutyConfigs: [{ routingKey: secret("pagerDuty"), severity, sendResolved: true, description: slackTitle }],
      }),
    })),
  };
}
