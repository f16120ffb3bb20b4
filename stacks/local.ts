/**
 * A permissioned Canton domain and its participants on this machine: domain owner `bob` and application user `alice` by
 * default, each with a participant. Configured by `Pulumi.local.yaml`; see docs/local-stack.md.
 */
import { join, resolve } from "node:path";
import { getProject, getStack, type Output, type Resource, RunError, recover, runtime } from "@pulumi/pulumi";
import { Domain } from "@pulumi-canton/components/domain/domain.ts";
import { Participant } from "@pulumi-canton/components/participant/participant.ts";
import { LocalPlatform } from "@pulumi-canton/components/platform/local/local-platform.ts";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { admissionLines, checkLocalConfig, type LocalConfig } from "./local/config.ts";

/** Brings up what the stack's configuration says; gives back the stack's outputs. */
export default function local(): Record<string, unknown> {
  const config = readConfig();
  const home = resolve(process.env["CANTON_HOME"] ?? join(import.meta.dirname, "..", ".canton"));
  const platform = new LocalPlatform("local", { home, tls: config.tls, ports: portsOf(config) });

  const { alias, sequencers, policy } = config.domain;
  const domain = new Domain(alias, { platform, alias, sequencers, policy });

  const participants = new Map(
    config.participants.map(({ name }) => [name, new Participant(name, { platform })] as const),
  );

  const admitted = new Map<string, Resource>(
    config.allowList.map(({ participant: given, permission, trustLevel }) => {
      const participant = participants.get(given)?.participantId ?? given;
      return [given, domain.admit(resourceName(given), { participant, permission, trustLevel })];
    }),
  );

  const parties: Record<string, Output<string>> = {};
  for (const { name, parties: hosted } of config.participants) {
    const participant = participants.get(name) as Participant;
    const admission = admissionLines(name, `Pulumi.${getStack()}.yaml`);
    const listing = admitted.get(name);
    const connection = participant.connect(domain, { admission }, { ...(listing && { dependsOn: [listing] }) });
    for (const party of hosted) {
      parties[party] = participant.party(party, domain, { dependsOn: [connection] }).partyId;
    }
  }

  return {
    domain: {
      id: standing(domain.domainId),
      alias,
      sequencers: standing(domain.sequencers.apply((all) => all.map(({ url }) => url))),
      policy,
    },
    nodes: eachStanding(Object.assign({}, domain.nodes, ...[...participants.values()].map(({ nodes }) => nodes))),
    parties: eachStanding(parties),
    console: "./scripts/console",
  };
}

/** What a resource gave out, or nothing where it failed: the outputs of those that stand are still told. */
function standing<T>(value: Output<T>): Output<T | undefined> {
  return recover<T | undefined>(value, () => undefined);
}

function eachStanding<T>(values: Readonly<Record<string, Output<T>>>): Record<string, Output<T | undefined>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, standing(value)]));
}

function readConfig(): LocalConfig {
  const prefix = `${getProject()}:`;
  const given = Object.fromEntries(
    Object.entries(runtime.allConfig())
      .filter(([key]) => key.startsWith(prefix) && key !== `${prefix}template`)
      .map(([key, text]) => [key.slice(prefix.length), valueOf(text)]),
  );
  try {
    return checkLocalConfig(given);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new RunError(`Pulumi.${getStack()}.yaml is not right:\n${error.message}`);
  }
}

/** Structured values and plain ones alike: the engine hands all of them over as text. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function portsOf({ ports }: LocalConfig): Record<string, number | Record<string, number>> {
  return Object.fromEntries(
    Object.entries(ports).map(([name, value]) => [
      name,
      typeof value === "number"
        ? value
        : Object.fromEntries(Object.entries(value).filter(([, port]) => port !== undefined)),
    ]),
  ) as Record<string, number | Record<string, number>>;
}

/** A name for an allow-list entry: that of the participant, or of an id its identifier. */
function resourceName(participant: string): string {
  return participant.replace(/^PAR::/, "").replace(/::([A-Za-z0-9]{0,12})[A-Za-z0-9]*$/, "-$1");
}
