/** From a domain and participants of one stack to what they have with each other: what all such templates do. */
import { existsSync } from "node:fs";
import type { Input, Output, Resource } from "@pulumi/pulumi";
import type { Domain } from "@pulumi-canton/components/domain/domain.ts";
import type { Participant } from "@pulumi-canton/components/participant/participant.ts";
import type { SequencerToDial } from "@pulumi-canton/components/topology/domain-connection/steps.ts";
import { DomainParameters } from "@pulumi-canton/components/topology/domain-parameters/domain-parameters.ts";
import { checkParameters } from "@pulumi-canton/components/topology/domain-parameters/parameters.ts";
import { PartyHosting } from "@pulumi-canton/components/topology/party-hosting/party-hosting.ts";
import type { Membership } from "./domain.ts";
import { admissionLines } from "./domain.ts";
import { configFile, fileInConfig, notRight } from "./read-config.ts";
import { addUsers } from "./users.ts";

type Parameters = Partial<Readonly<Record<string, string | number | undefined>>>;

/**
 * Refuses dynamic parameters that are out of range, before anything is made.
 *
 * @throws RunError naming each
 */
export async function refuseParameters(parameters: Parameters | undefined): Promise<void> {
  const wrong = parameters === undefined ? [] : await checkParameters(parameters as never);
  if (wrong.length === 0) return;
  throw notRight(wrong.map(({ property, reason }) => `domain.parameters.${property}: ${reason}`).join("\n"));
}

/** Sets the dynamic parameters that are given. With the domain go its parameters. */
export function setParameters(domain: Domain, parameters: Parameters | undefined): void {
  if (parameters === undefined) return;
  new DomainParameters(
    "domain-parameters",
    { domainManager: domain.adminApi, domainId: domain.domainId, parameters: parameters as never },
    { parent: domain, deletedWith: domain.manager.resource },
  );
}

/**
 * Terms of service as a configuration names them.
 *
 * @throws RunError when there is no such file
 */
export function termsIn({ id, textFile }: { readonly id: string; readonly textFile: string }) {
  const file = fileInConfig(textFile);
  if (!existsSync(file)) {
    throw notRight(`domain.termsOfService.textFile: got "${textFile}"; there is no file ${file}`);
  }
  return { id, textFile: file };
}

/** How participants of a stack take part. */
export interface MembershipOptions {
  /** What a participant dials, by its place among the participants. Default: all sequencers of the domain. */
  readonly sequencersFor?: (index: number) => Input<SequencerToDial[]>;
  /** Token of an administrator of the Ledger APIs. Default: none, for those that ask for none. */
  readonly ledgerToken?: Input<string> | undefined;
}

/**
 * Admits participants to a domain, connects those of this stack, has them host parties, and makes their users.
 *
 * @param participants of the stack, by name
 * @returns ids of the parties, by name
 */
export function takePart(
  domain: Domain,
  participants: ReadonlyMap<string, Participant>,
  config: Membership,
  { sequencersFor, ledgerToken }: MembershipOptions = {},
): Record<string, Output<string>> {
  const admitted = new Map<string, Resource>(
    config.allowList.map(({ participant: given, permission, trustLevel }) => {
      const participant = participants.get(given)?.participantId ?? given;
      return [given, domain.admit(resourceName(given), { participant, permission, trustLevel })];
    }),
  );

  const parties: Record<string, Output<string>> = {};
  const connections = new Map<string, Resource>();
  config.participants.forEach(({ name, parties: hosted }, index) => {
    const participant = participants.get(name) as Participant;
    const { domainId, alias, manager, sequencerNodes } = domain;
    const sequencers = sequencersFor?.(index) ?? domain.sequencers;
    const joined = { domainId, alias, manager, sequencerNodes, sequencers };
    const admission = admissionLines(name, configFile());
    const listing = admitted.get(name);
    // Whoever runs this stack has written the terms: its own participants accept them.
    const terms = domain.termsOfService && participant.accept(joined, domain.termsOfService);
    const dependsOn = [listing, terms].filter((resource) => resource !== undefined);
    const connection = participant.connect(joined, { admission }, { dependsOn });
    connections.set(name, connection);
    for (const party of hosted) {
      parties[party] = participant.party(party, joined, { dependsOn: [connection] }).partyId;
    }
  });

  for (const { name, users } of config.participants) {
    addUsers(participants.get(name) as Participant, name, users, parties, ledgerToken);
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
  return parties;
}

/** A name for an allow-list entry: that of the participant, or of an id its identifier. */
function resourceName(participant: string): string {
  return participant.replace(/^PAR::/, "").replace(/::([A-Za-z0-9]{0,12})[A-Za-z0-9]*$/, "-$1");
}
