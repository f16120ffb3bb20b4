import {
  type ParticipantPermission,
  ParticipantPermission as Permission,
  type RequestSide,
  RequestSide as Side,
  TrustLevel as Trust,
  type TrustLevel,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { TopologyManagerReadServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import type { Command } from "commander";
import { Option } from "commander";
import type { AdminApi } from "../admin-api.ts";
import type { ConsoleContext } from "../console-context.ts";
import { nameOf } from "../enum-name.ts";
import { headState } from "../head-state.ts";
import { domainManagerOf, type Network, participantId } from "../network.ts";
import { json } from "../options.ts";
import { table } from "../table.ts";
import { print, printJson } from "../terminal.ts";

/** What a domain knows of one participant. */
export interface ParticipantView {
  /** `PAR::identifier::fingerprint` */
  participant: string;
  /** The lesser of what the domain grants and what the participant asks for; absent until both have spoken. */
  permission: string;
  trustLevel: string;
  /** The domain has it on its allow-list. */
  allowed: boolean;
  /** Both sides agree and nobody disabled it: it may connect and send. */
  active: boolean;
}

/** One side's statement, as the domain's topology has it. */
export interface Statement {
  side: RequestSide;
  participant: string;
  permission: ParticipantPermission;
  trustLevel: TrustLevel;
}

/** Combines the statements of both sides into what holds. Pure; ordered by participant. */
export function participantsFrom(statements: readonly Statement[]): ParticipantView[] {
  const ids = [...new Set(statements.map(({ participant }) => participant))].sort();
  return ids.map((participant) => {
    const of = (...sides: RequestSide[]) =>
      statements.filter((s) => s.participant === participant && sides.includes(s.side));
    const domain = of(Side.From, Side.Both);
    const own = of(Side.To, Side.Both);
    // The permissions are numbered from the widest to none, so the greatest number is the least permission.
    const permission = Math.max(...[...domain, ...own].map((s) => s.permission)) as ParticipantPermission;
    const trust = Math.min(...[...domain, ...own].map((s) => s.trustLevel)) as TrustLevel;
    const allowed = domain.length > 0 && domain.every((s) => s.permission !== Permission.Disabled);
    return {
      participant: participant.startsWith("PAR::") ? participant : `PAR::${participant}`,
      permission: nameOf(Permission, permission),
      trustLevel: nameOf(Trust, trust),
      allowed,
      active: allowed && own.length > 0 && permission !== Permission.Disabled,
    };
  });
}

/** Reads the participants of a domain from its manager. */
export async function listParticipants(network: Network, api: AdminApi): Promise<ParticipantView[]> {
  const { results } = await api.call(
    domainManagerOf(network).adminApi,
    TopologyManagerReadServiceClient,
    "listParticipantDomainState",
    { baseQuery: headState(network.domain.id), filterDomain: "", filterParticipant: "" },
  );
  return participantsFrom(results.flatMap(({ item }) => (item === undefined ? [] : [item])));
}

/** The permissions that `set-state` takes. */
export const permissions = ["Submission", "Confirmation", "Observation", "Disabled"] as const;
/** The trust levels that `set-state` takes. */
export const trustLevels = ["Ordinary", "Vip"] as const;

/**
 * Admits a participant to the domain, changes what it may do, or disables it.
 *
 * @param participant a node of this network, or an id with or without `PAR::`
 * @throws ConsoleError for something that is neither; CantonError with the manager's refusal
 */
export async function setState(
  network: Network,
  api: AdminApi,
  participant: string,
  permission: (typeof permissions)[number],
  trustLevel: (typeof trustLevels)[number],
): Promise<string> {
  const id = participantId(network, participant);
  await api.call(
    domainManagerOf(network).adminApi,
    TopologyManagerWriteServiceClient,
    "authorizeParticipantDomainState",
    {
      authorization: { change: 0, signedBy: "", replaceExisting: true, forceChange: false },
      side: Side.From,
      domain: network.domain.id,
      participant: id,
      permission: Permission[permission],
      trustLevel: Trust[trustLevel],
    },
  );
  return id;
}

/** `participants` and `set-state`: who may use the domain, and who does. */
export function registerParticipants(program: Command, context: ConsoleContext): void {
  program
    .command("participants")
    .description("who may use the domain, and who does")
    .addOption(json())
    .action(async ({ json }: { json: boolean }) => {
      const rows = await listParticipants(await context.network(), context.api());
      if (json) return printJson(rows);
      const yes = (value: boolean) => (value ? "yes" : "no");
      print(
        table(
          ["participant", "permission", "trust level", "allowed", "active"],
          rows.map((r) => [context.identity(r.participant), r.permission, r.trustLevel, yes(r.allowed), yes(r.active)]),
        ),
      );
    });

  program
    .command("set-state")
    .description("admits a participant to the domain, changes what it may do, or disables it")
    .argument("<participant>", "a participant of this network, or an id PAR::name::1220…")
    .addArgument(program.createArgument("<permission>", "what it may do").choices([...permissions]))
    .addOption(
      new Option("--trust-level <level>", "how far it is trusted").choices([...trustLevels]).default("Ordinary"),
    )
    .action(
      async (
        participant: string,
        permission: (typeof permissions)[number],
        { trustLevel }: { trustLevel: (typeof trustLevels)[number] },
      ) => {
        const id = await setState(await context.network(), context.api(), participant, permission, trustLevel);
        print(`${id} has permission ${permission} and trust level ${trustLevel}.`);
        print("A stack that manages this participant shows the change as drift in its next preview.");
      },
    );
}
