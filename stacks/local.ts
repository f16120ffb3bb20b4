/**
 * A permissioned Canton domain and its participants on this machine: domain owner `bob` and application user `alice` by
 * default, each with a participant. Configured by `Pulumi.local.yaml`; see docs/local-stack.md.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Output, Resource } from "@pulumi/pulumi";
import { Domain } from "@pulumi-canton/components/domain/domain.ts";
import { Participant } from "@pulumi-canton/components/participant/participant.ts";
import { LocalPlatform } from "@pulumi-canton/components/platform/local/local-platform.ts";
import { DomainParameters } from "@pulumi-canton/components/topology/domain-parameters/domain-parameters.ts";
import { checkParameters } from "@pulumi-canton/components/topology/domain-parameters/parameters.ts";
import { PartyHosting } from "@pulumi-canton/components/topology/party-hosting/party-hosting.ts";
import { portsOf } from "./config/nodes.ts";
import { configFile, eachStanding, fileInConfig, notRight, readConfig, standing } from "./config/read-config.ts";
import { addUsers } from "./config/users.ts";
import { admissionLines, checkLocalConfig } from "./local/config.ts";

/** Brings up what the stack's configuration says; gives back the stack's outputs. */
export default async function local(): Promise<Record<string, unknown>> {
  const config = readConfig(checkLocalConfig);
  const { parameters } = config.domain;
  const wrong = parameters === undefined ? [] : await checkParameters(parameters);
  if (wrong.length > 0) {
    throw notRight(wrong.map(({ property, reason }) => `domain.parameters.${property}: ${reason}`).join("\n"));
  }
  const termsOfService = config.domain.termsOfService && termsIn(config.domain.termsOfService);
  const home = resolve(process.env["CANTON_HOME"] ?? join(import.meta.dirname, "..", ".canton"));
  const platform = new LocalPlatform("local", { home, tls: config.tls, ports: portsOf(config.ports) });

  const { alias, sequencers, policy } = config.domain;
  const domain = new Domain(alias, {
    platform,
    alias,
    sequencers,
    policy,
    ...(termsOfService && { termsOfService }),
  });
  if (parameters !== undefined) {
    // With the domain go its parameters.
    new DomainParameters(
      "domain-parameters",
      { domainManager: domain.adminApi, domainId: domain.domainId, parameters },
      { parent: domain, deletedWith: domain.manager.resource },
    );
  }
  const invitation = config.invitation && domain.invite("invitation", config.invitation);

  const participants = new Map(
    config.participants.map(
      ({ name, initialisation }) => [name, new Participant(name, { platform, initialisation })] as const,
    ),
  );

  const admitted = new Map<string, Resource>(
    config.allowList.map(({ participant: given, permission, trustLevel }) => {
      const participant = participants.get(given)?.participantId ?? given;
      return [given, domain.admit(resourceName(given), { participant, permission, trustLevel })];
    }),
  );

  const parties: Record<string, Output<string>> = {};
  const connections = new Map<string, Resource>();
  for (const { name, parties: hosted } of config.participants) {
    const participant = participants.get(name) as Participant;
    const admission = admissionLines(name, configFile());
    const listing = admitted.get(name);
    // Whoever runs this stack has written the terms: its own participants accept them.
    const terms = domain.termsOfService && participant.accept(domain, domain.termsOfService);
    const dependsOn = [listing, terms].filter((resource) => resource !== undefined);
    const connection = participant.connect(domain, { admission }, { dependsOn });
    connections.set(name, connection);
    for (const party of hosted) {
      parties[party] = participant.party(party, domain, { dependsOn: [connection] }).partyId;
    }
  }

  for (const { name, users } of config.participants) {
    addUsers(participants.get(name) as Participant, name, users, parties);
  }

  for (const { party, participant: name, permission } of config.hostings) {
    const host = participants.get(name) as Participant;
    const owner = config.participants.find(({ parties: hosted }) => hosted.includes(party))?.name ?? "";
    new PartyHosting(
      `${name}-hosts-${party}`,
      {
        party: parties[party] as Output<string>,
        participantId: host.participantId,
        permission,
        domainId: domain.domainId,
        target: host.adminApi,
        source: (participants.get(owner) as Participant).adminApi,
      },
      { parent: host, deletedWith: domain.manager.resource, dependsOn: [connections.get(name) as Resource] },
    );
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
    ...(invitation && { invitation: standing(invitation.invitation.apply((text) => JSON.parse(text))) }),
    console: "./scripts/console",
  };
}

function termsIn({ id, textFile }: { readonly id: string; readonly textFile: string }) {
  const file = fileInConfig(textFile);
  if (!existsSync(file)) {
    throw notRight(`domain.termsOfService.textFile: got "${textFile}"; there is no file ${file}`);
  }
  return { id, textFile: file };
}

/** A name for an allow-list entry: that of the participant, or of an id its identifier. */
function resourceName(participant: string): string {
  return participant.replace(/^PAR::/, "").replace(/::([A-Za-z0-9]{0,12})[A-Za-z0-9]*$/, "-$1");
}
