import {
  ParticipantPermission,
  RequestSide,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { TopologyAggregationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_aggregation_service.ts";
import { TopologyManagerReadServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { permissionFromProto, sideFromProto } from "@pulumi-canton/protocol/topology/change.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { type Command, Option } from "commander";
import type { AdminApi } from "../admin-api.ts";
import { authorizationData } from "../authorization.ts";
import type { ConsoleContext } from "../console-context.ts";
import { nameOf } from "../enum-name.ts";
import { headState } from "../head-state.ts";
import {
  identifierOf,
  initialisedParticipantOf,
  type Network,
  type NetworkNode,
  nodeNamed,
  participantId,
  partyId,
  topologyReaderOf,
} from "../network.ts";
import { observersOf } from "../observers.ts";
import { countArgument, json, node as nodeOption, timeout } from "../options.ts";
import { table } from "../table.ts";
import { print, printJson } from "../terminal.ts";
import { traceHint } from "../trace-hint.ts";
import { waitUntil } from "../wait.ts";

/** The permissions under which a party can be hosted. */
export const hostingPermissions = ["Submission", "Confirmation", "Observation"] as const;
type HostingPermission = (typeof hostingPermissions)[number];

/** A party and where it is hosted. */
export interface PartyView {
  party: string;
  participant: string;
  domain: string;
  permission: string;
}

/** Which parties to list; each filter is the start of an identifier. */
export interface PartyFilter {
  readonly party?: string;
  readonly participant?: string;
  readonly domain?: string;
  /** Most parties. Default 1,000. */
  readonly limit?: number;
  /** The node to ask. Default: the domain manager, or the only participant. */
  readonly adminApi?: string;
}

/** Reads parties, each with its participants and its permission on every domain. */
export async function listParties(network: Network, api: AdminApi, filter: PartyFilter = {}): Promise<PartyView[]> {
  const { results } = await api.call(
    filter.adminApi ?? topologyReaderOf(network, undefined).adminApi,
    TopologyAggregationServiceClient,
    "listParties",
    {
      asOf: undefined,
      limit: filter.limit ?? 1_000,
      filterDomain: filter.domain ?? "",
      filterParty: filter.party ?? "",
      filterParticipant: (filter.participant ?? "").replace(/^PAR::/, ""),
    },
  );
  return results.flatMap(({ party, participants }) =>
    participants.flatMap(({ participant, domains }) =>
      domains.map(({ domain, permission }) => ({
        party,
        participant,
        domain,
        permission: nameOf(ParticipantPermission, permission),
      })),
    ),
  );
}

/** Authorises a party's mapping to a participant, on one node. */
async function authorize(
  api: AdminApi,
  url: string,
  mapping: { party: string; participant: string; side: RequestSide; permission: ParticipantPermission },
  options: { remove?: boolean; replace?: boolean; force?: boolean } = {},
): Promise<void> {
  await api.call(url, TopologyManagerWriteServiceClient, "authorizePartyToParticipant", {
    authorization: authorizationData(options),
    ...mapping,
  });
}

/** Waits until every node that follows one of the participant's domains has the party there as it should be. */
async function untilSeen(
  context: ConsoleContext,
  network: Network,
  host: NetworkNode,
  party: string,
  permission: HostingPermission | undefined,
  timeoutMs: number,
): Promise<number> {
  const api = context.api();
  const observers = await observersOf(api, network, host);
  if (observers.length === 0) {
    throw new ConsoleError(
      `${party} is authorised, and the participant is connected to no domain on which it could show.`,
      "Connect it (console domains reconnect-all): it passes on then what it has.",
    );
  }
  const what = `${context.identity(party)} to be ${permission === undefined ? "gone" : `hosted with ${permission}`}`;
  await waitUntil({ what, timeoutMs, signal: context.signal }, async () => {
    const looks = observers.map(async ({ name, adminApi, domainId }) => {
      const hosts = await listParties(network, api, { adminApi, domain: domainId, party });
      const found = hosts.find((each) => each.party === party && each.participant === host.id);
      return found?.permission === permission ? [] : [`on ${name}`];
    });
    return (await Promise.all(looks)).flat();
  });
  return observers.length;
}

/** The mappings of a party to a participant in what a node itself has authorised. */
async function ownMappings(api: AdminApi, url: string, party: string, participant: string) {
  const { results } = await api.call(url, TopologyManagerReadServiceClient, "listPartyToParticipant", {
    baseQuery: headState("Authorized"),
    filterParty: party,
    filterParticipant: participant.replace(/^PAR::/, ""),
    filterRequestSide: undefined,
    filterPermission: undefined,
  });
  return results.flatMap(({ item }) => (item?.party === party ? [item] : []));
}

function printParties(context: ConsoleContext, rows: readonly PartyView[], asJson: boolean): void {
  if (asJson) return printJson(rows);
  print(
    table(
      ["party", "participant", "domain", "permission"],
      rows.map((r) => [
        context.identity(r.party),
        context.identity(r.participant),
        context.identity(r.domain),
        r.permission,
      ]),
    ),
  );
}

function withFilters(command: Command): Command {
  return command
    .option("--party <start>", "only parties whose id begins so")
    .option("--domain <start>", "only on domains whose id begins so")
    .option("--limit <count>", "most parties", countArgument("--limit"), 1_000)
    .addOption(json());
}

interface ListOptions {
  party?: string;
  participant?: string;
  domain?: string;
  limit: number;
  node?: string;
  json: boolean;
}

interface HostOptions {
  node?: string;
  permission: HostingPermission;
  wait: boolean;
  timeout: number;
  json: boolean;
}

const permission = () =>
  new Option("--permission <permission>", "what the participant may do for it")
    .choices([...hostingPermissions])
    .default("Submission");

/** `parties` */
export function registerParties(program: Command, context: ConsoleContext): void {
  const group = program.command("parties").description("parties, and the participants that host them");

  withFilters(group.command("list", { isDefault: true }))
    .description("parties with their participants and their permission on every domain (the default)")
    .option("--participant <participant>", "only those on this participant: a node, or the start of an id")
    .addOption(nodeOption("the domain manager, or the only participant"))
    .action(async ({ json, node, participant, ...filter }: ListOptions) => {
      const network = await context.network();
      const rows = await listParties(network, context.api(), {
        ...filter,
        ...(participant === undefined ? {} : { participant: identifierOf(network, participant) }),
        ...(node === undefined ? {} : { adminApi: nodeNamed(network, node).adminApi }),
      });
      printParties(context, rows, json);
    });

  withFilters(group.command("hosted"))
    .description("the parties that a participant hosts, as it sees them")
    .addOption(nodeOption("the only participant"))
    .action(async ({ json, node, ...filter }: ListOptions) => {
      const network = await context.network();
      const { adminApi, id } = initialisedParticipantOf(network, node);
      printParties(context, await listParties(network, context.api(), { ...filter, adminApi, participant: id }), json);
    });

  group
    .command("find")
    .description("the id of the one party with this name, as a participant sees it; exits with 1 when there is none")
    .argument("<name>", "the name, or the start of the id")
    .addOption(nodeOption("the domain manager, or the only participant"))
    .addOption(json())
    .action(async (name: string, { node, json }: { node?: string; json: boolean }) => {
      const network = await context.network();
      const { adminApi } = topologyReaderOf(network, node);
      const rows = await listParties(network, context.api(), { party: name, adminApi });
      const all = [...new Set(rows.map(({ party }) => party))];
      const exact = all.filter((party) => party === name || party.startsWith(`${name}::`));
      const found = exact.length > 0 ? exact : all;
      const [only] = found;
      if (only === undefined || found.length > 1) {
        throw new ConsoleError(
          only === undefined
            ? `There is no party ${name}.`
            : `There are ${found.length} parties that begin with ${name}.`,
          only === undefined
            ? "`console parties list` shows those there are."
            : `Say which: ${found.slice(0, 10).join(", ")}.`,
        );
      }
      if (json) printJson({ party: only });
      else print(only);
    });

  group
    .command("enable")
    .description("makes a party in the namespace of a participant and hosts it there")
    .argument("<name>", "the party's name; its id becomes name::namespace of the participant")
    .addOption(nodeOption("the only participant"))
    .addOption(permission())
    .option("--no-wait", "do not wait until the domains, and the other participants on them, have it")
    .addOption(timeout())
    .addOption(json())
    .action(async (name: string, { node, permission, wait, timeout, json }: HostOptions) => {
      const network = await context.network();
      const host = initialisedParticipantOf(network, node);
      const party = partyId(network, name, host);
      await authorize(context.api(), host.adminApi, {
        party,
        participant: host.id,
        side: RequestSide.Both,
        permission: ParticipantPermission[permission],
      });
      const seenBy = wait ? await untilSeen(context, network, host, party, permission, timeout) : 0;
      if (json) return printJson({ party, participant: host.id, permission, seenBy });
      print(
        `${party} is hosted by ${host.name} with permission ${permission}${wait ? `, seen by ${seenBy} nodes` : ""}.`,
      );
      print(traceHint());
    });

  group
    .command("disable")
    .description("removes a party from a participant")
    .argument("<party>", "a name in the namespace of the participant, or an id name::1220…")
    .addOption(nodeOption("the only participant"))
    .option("--no-wait", "do not wait until the domains, and the other participants on them, know")
    .addOption(timeout())
    .addOption(json())
    .action(async (given: string, { node, wait, timeout, json }: Omit<HostOptions, "permission">) => {
      const network = await context.network();
      const api = context.api();
      const host = initialisedParticipantOf(network, node);
      const party = partyId(network, given, host);
      const present = await ownMappings(api, host.adminApi, party, host.id);
      if (present.length === 0) {
        throw new ConsoleError(
          `${host.name} has authorised no mapping of ${party} to itself.`,
          "`console parties list` shows where it is hosted.",
        );
      }
      for (const { side, permission } of present) {
        await authorize(api, host.adminApi, { party, participant: host.id, side, permission }, { remove: true });
      }
      if (wait) await untilSeen(context, network, host, party, undefined, timeout);
      if (json) return printJson({ party, participant: host.id, removed: present.length });
      print(`${party} is no longer hosted by ${host.name}.`);
      print(traceHint());
    });

  group
    .command("host")
    .description("hosts a party on a second participant: its agreement (To) there, then the owner's (From)")
    .argument("<party>", "a party of the stack, or an id name::1220…")
    .argument("<target>", "the participant that is to host it: a node of this network, or an id for --side From alone")
    .addOption(
      new Option("--source <node>", "the participant that holds the party's namespace").default(
        undefined,
        "the only other one",
      ),
    )
    .addOption(permission())
    .addOption(
      new Option("--side <side>", "one side only, when the participants belong to two organisations").choices([
        "To",
        "From",
      ]),
    )
    .option("--no-wait", "do not wait until it shows")
    .addOption(timeout())
    .addOption(json())
    .addHelpText(
      "after",
      "\nA party with contracts: between the two sides disconnect the target from all domains, and import the party's\ncontracts there, before it is connected again. Use --side To, then --side From.",
    )
    .action(
      async (
        given: string,
        targetName: string,
        { source, permission, side, wait, timeout, json }: HostOptions & { source?: string; side?: "To" | "From" },
      ) => {
        const network = await context.network();
        const api = context.api();
        const party = partyId(network, given);
        const participant = participantId(network, targetName);
        const mapping = { party, participant, permission: ParticipantPermission[permission] };
        if (side !== "From") {
          const { adminApi } = initialisedParticipantOf(network, targetName);
          await authorize(api, adminApi, { ...mapping, side: RequestSide.To });
        }
        if (side !== "To") {
          const owner = initialisedParticipantOf(network, source ?? ownerOf(network, party, targetName));
          await authorize(api, owner.adminApi, { ...mapping, side: RequestSide.From });
        }
        const target = network.nodes[targetName];
        const whole = side === undefined && wait && target !== undefined;
        const seenBy = whole ? await untilSeen(context, network, target, party, permission, timeout) : 0;
        const sides = side === undefined ? "To, From" : side;
        if (json) return printJson({ party, participant, permission, sides: sides.split(", "), seenBy });
        print(`${party} on ${participant} with permission ${permission}: authorised side ${sides}.`);
        print(traceHint());
      },
    );

  group
    .command("mappings")
    .description("each side's statement about a party, with the time from which it holds")
    .argument("<party>", "the start of its id")
    .addOption(nodeOption("the domain manager, or the only participant"))
    .option("--store <store>", "Authorized, or the id of a domain (default: the domain)")
    .addOption(json())
    .action(async (party: string, { node, store, json }: { node?: string; store?: string; json: boolean }) => {
      const network = await context.network();
      const { adminApi } = topologyReaderOf(network, node);
      const { results } = await context
        .api()
        .call(adminApi, TopologyManagerReadServiceClient, "listPartyToParticipant", {
          baseQuery: headState(store ?? network.domain.id),
          filterParty: party,
          filterParticipant: "",
          filterRequestSide: undefined,
          filterPermission: undefined,
        });
      const rows = results.flatMap(({ context: held, item }) =>
        item === undefined
          ? []
          : [
              {
                party: item.party,
                participant: item.participant,
                side: sideFromProto(item.side),
                permission: permissionFromProto(item.permission),
                validFrom: new Date(
                  Number(held?.validFrom?.seconds ?? 0n) * 1000 + (held?.validFrom?.nanos ?? 0) / 1e6,
                ).toISOString(),
              },
            ],
      );
      if (json) return printJson(rows);
      print(
        table(
          ["party", "participant", "side", "permission", "since"],
          rows.map((r) => [
            context.identity(r.party),
            context.identity(r.participant),
            r.side,
            r.permission,
            r.validFrom,
          ]),
        ),
      );
    });
}

/** The participant whose namespace a party lives in. */
function ownerOf(network: Network, party: string, target: string): string | undefined {
  const namespace = party.split("::").at(-1);
  const owner = Object.entries(network.nodes).find(
    ([, { role, id }]) => role === "participant" && id.endsWith(`::${namespace}`),
  );
  if (owner !== undefined) return owner[0];
  const others = Object.entries(network.nodes).filter(([name, { role }]) => role === "participant" && name !== target);
  if (others.length === 1) return others[0]?.[0];
  throw new ConsoleError(
    `No participant of this network has the namespace of ${party}.`,
    "Name with --source the one that holds a key for it.",
  );
}
