import type { Input } from "@pulumi/pulumi";
import { type Channels, type MailChannel, type Routes, type SlackChannel, secretFiles } from "./config/alertmanager.ts";

/** Who is told of alerts, with the secrets that it takes; at least one. */
export interface AlertChannels {
  /** Mail. With `user` the password of that user. */
  readonly mail?: MailChannel & { readonly password?: Input<string> };
  /** Slack, by an incoming webhook. */
  readonly slack?: SlackChannel & { readonly webhookUrl: Input<string> };
  /** PagerDuty, by the key of an integration of its Events API v2. */
  readonly pagerDuty?: { readonly routingKey: Input<string> };
  /**
   * Which severity goes where, when not as usual: critical to all, warnings to Slack and mail, info to mail or Slack.
   * Example: `{ warning: ["slack"] }`.
   */
  readonly routes?: Routes;
}

/** The channels without their secrets. @throws Error for a user of the mail server without password, and the reverse */
export function channelsOf({ mail, slack, pagerDuty }: AlertChannels): Channels {
  if (mail !== undefined && (mail.user === undefined) !== (mail.password === undefined)) {
    throw new Error("channels.mail: user and password belong together");
  }
  return {
    ...(mail && {
      mail: {
        to: mail.to,
        from: mail.from,
        smarthost: mail.smarthost,
        ...(mail.user !== undefined && { user: mail.user }),
      },
    }),
    ...(slack && { slack: { channel: slack.channel } }),
    ...(pagerDuty && { pagerDuty: {} }),
  };
}

/** The secrets, by the names of their files. */
export function alertSecrets({ mail, slack, pagerDuty }: AlertChannels): Record<string, Input<string>> {
  return {
    ...(mail?.password !== undefined && { [secretFiles.mail]: mail.password }),
    ...(slack && { [secretFiles.slack]: slack.webhookUrl }),
    ...(pagerDuty && { [secretFiles.pagerDuty]: pagerDuty.routingKey }),
  };
}
