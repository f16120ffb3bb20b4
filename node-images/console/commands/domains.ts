import { readFile } from "node:fs/promises";
import type { Client } from "@grpc/grpc-js";
import type { SequencerConnection } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connection.ts";
import {
  DomainConnectionConfig,
  DomainConnectivityServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import type { Duration } from "@pulumi-canton/protocol/gen/google/protobuf/duration.ts";
import { durationToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { formatDuration } from "@pulumi-canton/runtime/durations.ts";
import type { RequestOf, ResponseOf, UnaryMethodName } from "@pulumi-canton/runtime/grpc-client.ts";
import type { Command } from "commander";
import type { ConsoleContext } from "../console-context.ts";
import { participantOf } from "../network.ts";
import { collect, durationArgument, json, node as nodeOption, timeout } from "../options.ts";
import { table } from "../table.ts";
import { print, printJson } from "../terminal.ts";
import { traceHint } from "../trace-hint.ts";

/** A domain as a participant knows it. */
export interface DomainView {
  alias: string;
  connected: boolean;
  healthy: boolean;
  /** As the domain said, or as it was pinned; empty before. */
  domainId: string;
  manual: boolean;
  priority: number;
  /** Every endpoint of every sequencer. */
  sequencers: { alias: string; urls: string[] }[];
  initialRetryDelay: string | undefined;
  maxRetryDelay: string | undefined;
}

interface ConnectionOptions {
  certificates?: string;
  domainId?: string;
  priority?: string;
  manual?: boolean;
  initialRetryDelay?: number;
  maxRetryDelay?: number;
}

interface NodeOption {
  node?: string;
}

const PRIORITY = /^-?\d{1,9}$/;

function withConnectionOptions(command: Command): Command {
  return command
    .option("--certificates <file>", "PEM certificates to trust for https instead of the machine's")
    .option("--domain-id <id>", "the id that the domain must have: anything else is refused")
    .option("--priority <number>", "higher is preferred where there is a choice")
    .option(
      "--initial-retry-delay <duration>",
      "first pause between two attempts",
      durationArgument("--initial-retry-delay"),
    )
    .option(
      "--max-retry-delay <duration>",
      "longest pause between two attempts",
      durationArgument("--max-retry-delay"),
    );
}

/** The sequencers of a domain from `URL` or `NAME=URL`, one a sequencer; several endpoints of one separated by commas. */
export function sequencersFrom(given: readonly string[], certificates: Buffer | undefined): SequencerConnection[] {
  return given.map((text, index) => {
    const named = /^([\w-]+)=(.*)$/.exec(text);
    const connections = (named?.[2] ?? text).split(",").map((url) => url.trim());
    for (const url of connections) {
      if (!/^https?:\/\/[^/]+/.test(url) || !URL.canParse(url)) {
        throw new ConsoleError(`${url} is not the URL of a sequencer.`, "Give http://host:port or https://host:port.");
      }
    }
    return {
      type: {
        $case: "grpc",
        value: {
          connections,
          transportSecurity: connections.every((url) => url.startsWith("https:")),
          customTrustCertificates: certificates,
        },
      },
      alias: named?.[1] ?? (given.length === 1 ? "DefaultSequencer" : `sequencer${index + 1}`),
    };
  });
}

async function connectionFields(options: ConnectionOptions): Promise<Partial<DomainConnectionConfig>> {
  const { domainId, priority, manual, initialRetryDelay, maxRetryDelay } = options;
  if (priority !== undefined && !PRIORITY.test(priority)) {
    throw new ConsoleError(`--priority ${priority} is not a number.`, "Give a whole number.");
  }
  return {
    ...(domainId === undefined ? {} : { domainId }),
    ...(priority === undefined ? {} : { priority: Number(priority) }),
    ...(manual === undefined ? {} : { manualConnect: manual }),
    ...(initialRetryDelay === undefined
      ? {}
      : { initialRetryDelay: durationToProto(BigInt(initialRetryDelay) * 1000n) }),
    ...(maxRetryDelay === undefined ? {} : { maxRetryDelay: durationToProto(BigInt(maxRetryDelay) * 1000n) }),
  };
}

async function certificatesFrom(file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  const pem = await readFile(file).catch((error: Error) => {
    throw new ConsoleError(`${file} cannot be read: ${error.message}`, "Name a PEM file with --certificates.");
  });
  if (pem.includes("BEGIN CERTIFICATE")) return pem;
  throw new ConsoleError(`${file} holds no certificate.`, "Name a file with PEM certificates.");
}

function durationText(duration: Duration | undefined): string | undefined {
  return duration === undefined ? undefined : formatDuration(Number(duration.seconds) * 1000 + duration.nanos / 1e6);
}

/** `domains` */
export function registerDomains(program: Command, context: ConsoleContext): void {
  const domains = program.command("domains").description("the domains of a participant: registered, connected, left");

  const participant = async (given: NodeOption) => {
    const { adminApi, name } = participantOf(await context.network(), given.node);
    type Connectivity = DomainConnectivityServiceClient;
    const call = <M extends UnaryMethodName<Connectivity & Client>>(
      method: M,
      request: RequestOf<Connectivity, M>,
      deadlineMs = 40_000,
    ): Promise<ResponseOf<Connectivity, M>> =>
      context.api().call<Connectivity, M>(adminApi, DomainConnectivityServiceClient, method, request, { deadlineMs });
    const configOf = async (alias: string): Promise<DomainConnectionConfig> => {
      const { results } = await call("listConfiguredDomains", {});
      const found = results.find(({ config }) => config?.domainAlias === alias)?.config;
      if (found !== undefined) return found;
      const known = results.map(({ config }) => config?.domainAlias).join(", ") || "none";
      throw new ConsoleError(
        `${name} knows no domain ${alias}.`,
        `Known: ${known}. Register it: console domains register.`,
      );
    };
    return { name, call, configOf };
  };

  domains
    .command("list", { isDefault: true })
    .description("the domains that a participant knows, and whether it is connected (the default)")
    .addOption(nodeOption("the only participant"))
    .option("--connected", "only those that are connected", false)
    .addOption(json())
    .action(
      async ({ connected: onlyConnected, json, ...given }: NodeOption & { connected: boolean; json: boolean }) => {
        const { call } = await participant(given);
        const [{ results }, { connectedDomains }] = await Promise.all([
          call("listConfiguredDomains", {}),
          call("listConnectedDomains", {}),
        ]);
        const rows = results.flatMap(({ config, connected }): DomainView[] => {
          if (config === undefined || (onlyConnected && !connected)) return [];
          const live = connectedDomains.find(({ domainAlias }) => domainAlias === config.domainAlias);
          return [
            {
              alias: config.domainAlias,
              connected,
              healthy: live?.healthy ?? false,
              domainId: live?.domainId ?? config.domainId,
              manual: config.manualConnect,
              priority: config.priority,
              sequencers: config.sequencerConnections.map(({ alias, type }) => ({
                alias,
                urls: type?.value.connections ?? [],
              })),
              initialRetryDelay: durationText(config.initialRetryDelay),
              maxRetryDelay: durationText(config.maxRetryDelay),
            },
          ];
        });
        if (json) return printJson(rows);
        print(
          table(
            ["alias", "state", "connects", "priority", "domain", "sequencers"],
            rows.map((r) => [
              r.alias,
              r.connected ? (r.healthy ? "connected" : "no sequencer answers") : "not connected",
              r.manual ? "when asked" : "by itself",
              String(r.priority),
              r.domainId === "" ? undefined : context.identity(r.domainId),
              r.sequencers.flatMap(({ urls }) => urls).join("\n"),
            ]),
          ),
        );
      },
    );

  const register = (command: Command) =>
    withConnectionOptions(
      command
        .argument("<alias>", "the name that the participant uses for the domain")
        .argument("<sequencers...>", "URL or NAME=URL of each sequencer; several endpoints of one separated by commas")
        .addOption(nodeOption("the only participant")),
    );

  const newConfig = async (alias: string, sequencers: string[], options: ConnectionOptions) =>
    DomainConnectionConfig.fromPartial({
      domainAlias: alias,
      sequencerConnections: sequencersFrom(sequencers, await certificatesFrom(options.certificates)),
      sequencerTrustThreshold: 1,
      ...(await connectionFields(options)),
    });

  register(domains.command("register"))
    .description("tells a participant of a domain")
    .option("--manual", "connect when asked only, not by itself at every start", false)
    .action(async (alias: string, sequencers: string[], options: NodeOption & ConnectionOptions) => {
      const { name, call } = await participant(options);
      await call("registerDomain", { add: await newConfig(alias, sequencers, options) });
      print(`${name} knows ${alias}. Connect it: console domains reconnect ${alias}`);
    });

  const connect =
    (what: string) =>
    async (
      alias: string,
      sequencers: string[],
      {
        acceptAgreement,
        timeout,
        ...options
      }: NodeOption & ConnectionOptions & { acceptAgreement?: string; timeout: number },
    ): Promise<void> => {
      const { name, call } = await participant(options);
      const config = await newConfig(alias, sequencers, options);
      // As Canton's console does: by hand until the first connection has worked.
      await call("registerDomain", { add: { ...config, manualConnect: true } });
      const { agreement, accepted } = await call("getAgreement", { domainAlias: alias });
      if (agreement !== undefined && !accepted) {
        if (acceptAgreement !== agreement.id) {
          print(agreement.text);
          throw new ConsoleError(
            `${alias} has terms of service (${agreement.id}) that are not accepted.`,
            `Read them above, then: console domains accept-agreement ${alias} ${agreement.id} --node ${name}, and ${what} again (or give --accept-agreement ${agreement.id}).`,
          );
        }
        await call("acceptAgreement", { domainAlias: alias, agreementId: agreement.id });
      }
      const { connectedSuccessfully } = await call("connectDomain", { domainAlias: alias, retry: false }, timeout);
      if (!connectedSuccessfully) {
        throw new ConsoleError(`${name} could not connect to ${alias}.`, `See console logs ${name}.`);
      }
      await call("modifyDomain", { modify: { ...config, manualConnect: options.manual ?? false } });
      print(`${name} is connected to ${alias}.`);
      print(traceHint());
    };

  for (const [name, description] of [
    ["connect", "registers a domain, accepts nothing unseen, and connects"],
    ["connect-multi", "the same, of a domain with several sequencers: one takes over when another fails"],
  ] as const) {
    register(domains.command(name))
      .description(description)
      .option("--manual", "connect when asked only, not by itself at every start", false)
      .option("--accept-agreement <id>", "accept the terms of service with this id")
      .addOption(timeout())
      .action(connect(name));
  }

  withConnectionOptions(
    domains
      .command("modify")
      .argument("<alias>", "a domain that the participant knows")
      .addOption(nodeOption("the only participant")),
  )
    .description("changes how a participant connects to a domain; what is not named stays")
    .option("--manual", "connect when asked only")
    .option("--no-manual", "connect by itself at every start")
    .option("--sequencer <url>", "URL or NAME=URL: replaces all sequencers; may be given several times", collect)
    .action(async (alias: string, options: NodeOption & ConnectionOptions & { sequencer?: string[] }) => {
      const { name, call, configOf } = await participant(options);
      const config = await configOf(alias);
      const certificates = await certificatesFrom(options.certificates);
      const sequencerConnections =
        options.sequencer !== undefined
          ? sequencersFrom(
              options.sequencer,
              certificates ?? config.sequencerConnections[0]?.type?.value.customTrustCertificates,
            )
          : certificates === undefined
            ? config.sequencerConnections
            : config.sequencerConnections.map((each) =>
                each.type === undefined
                  ? each
                  : {
                      ...each,
                      type: { ...each.type, value: { ...each.type.value, customTrustCertificates: certificates } },
                    },
              );
      await call("modifyDomain", { modify: { ...config, sequencerConnections, ...(await connectionFields(options)) } });
      print(`${name} has the new settings of ${alias}: they hold from the next connection on.`);
    });

  domains
    .command("disconnect")
    .description("leaves a domain; the participant stays registered")
    .argument("<alias>")
    .addOption(nodeOption("the only participant"))
    .action(async (alias: string, given: NodeOption) => {
      const { name, call } = await participant(given);
      await call("disconnectDomain", { domainAlias: alias });
      print(`${name} is not connected to ${alias}.`);
    });

  domains
    .command("disconnect-all")
    .description("leaves all domains")
    .addOption(nodeOption("the only participant"))
    .action(async (given: NodeOption) => {
      const { name, call } = await participant(given);
      const { connectedDomains } = await call("listConnectedDomains", {});
      for (const { domainAlias } of connectedDomains) await call("disconnectDomain", { domainAlias });
      print(
        `${name} is connected to no domain (left: ${connectedDomains.map((d) => d.domainAlias).join(", ") || "none"}).`,
      );
    });

  domains
    .command("reconnect")
    .description("connects to a domain that is registered")
    .argument("<alias>")
    .addOption(nodeOption("the only participant"))
    .option("--retry", "go on trying in the background when it does not work now", false)
    .addOption(timeout())
    .action(async (alias: string, { retry, timeout, ...given }: NodeOption & { retry: boolean; timeout: number }) => {
      const { name, call } = await participant(given);
      const { connectedSuccessfully } = await call("connectDomain", { domainAlias: alias, retry }, timeout);
      if (!connectedSuccessfully) {
        process.exitCode = 1;
        return print(`${name} is not connected to ${alias} yet and goes on trying.`);
      }
      print(`${name} is connected to ${alias}.`);
    });

  domains
    .command("reconnect-all")
    .description("connects to every domain that is not set to --manual")
    .addOption(nodeOption("the only participant"))
    .option("--stop-at-failure", "do not go on with the others when one fails", false)
    .addOption(timeout())
    .action(async ({ stopAtFailure, timeout, ...given }: NodeOption & { stopAtFailure: boolean; timeout: number }) => {
      const { name, call } = await participant(given);
      await call("reconnectDomains", { ignoreFailures: !stopAtFailure }, timeout);
      const { results } = await call("listConfiguredDomains", {});
      const missing = results.flatMap(({ config, connected }) =>
        config === undefined || connected || config.manualConnect ? [] : [config.domainAlias],
      );
      const connected = results.flatMap(({ config, connected }) => (connected ? [config?.domainAlias] : []));
      print(`${name} is connected to: ${connected.join(", ") || "no domain"}.`);
      if (missing.length > 0) {
        throw new ConsoleError(
          `Not connected: ${missing.join(", ")}.`,
          `See console logs ${name}, or console domains reconnect <alias>.`,
        );
      }
    });

  domains
    .command("agreement")
    .description("the terms of service of a domain, and whether the participant has accepted them")
    .argument("<alias>")
    .addOption(nodeOption("the only participant"))
    .addOption(json())
    .action(async (alias: string, { json, ...given }: NodeOption & { json: boolean }) => {
      const { call } = await participant(given);
      const { domainId, agreement, accepted } = await call("getAgreement", { domainAlias: alias });
      if (json) return printJson({ domainId, agreement: agreement ?? null, accepted });
      if (agreement === undefined) return print(`${alias} has no terms of service.`);
      print(`${agreement.text}\n\n${agreement.id}: ${accepted ? "accepted" : "not accepted"}`);
    });

  domains
    .command("accept-agreement")
    .description("accepts the terms of service of a domain, once they were read")
    .argument("<alias>")
    .argument("<agreement>", "their id, as `domains agreement` shows it: what was read is what is accepted")
    .addOption(nodeOption("the only participant"))
    .action(async (alias: string, agreementId: string, given: NodeOption) => {
      const { name, call } = await participant(given);
      await call("acceptAgreement", { domainAlias: alias, agreementId });
      print(`${name} has accepted ${agreementId} of ${alias}.`);
    });

  domains
    .command("id")
    .description("the id of a domain that is registered")
    .argument("<alias>")
    .addOption(nodeOption("the only participant"))
    .action(async (alias: string, given: NodeOption) => {
      const { call } = await participant(given);
      print((await call("getDomainId", { domainAlias: alias })).domainId);
    });
}
