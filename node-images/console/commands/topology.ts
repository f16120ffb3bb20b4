import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { describeImport } from "@pulumi-canton/detached-topology-manager/commands.ts";
import { exportTopology, importTopology } from "@pulumi-canton/detached-topology-manager/node-topology.ts";
import {
  decodeSignedTransactionsFile,
  encodeSignedTransactionsFile,
} from "@pulumi-canton/detached-topology-manager/signed-transactions-file.ts";
import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import {
  type BaseQuery,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import type { Timestamp } from "@pulumi-canton/protocol/gen/google/protobuf/timestamp.ts";
import { formatMicros, timestampFromProto, timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { describeMapping, type MappingKind, type TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { decodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { transactionHash } from "@pulumi-canton/topology/transaction-steps.ts";
import { type Command, Option } from "commander";
import type { AdminApi } from "../admin-api.ts";
import type { ConsoleContext } from "../console-context.ts";
import { headState } from "../head-state.ts";
import { domainManagerOf, identifierOf, nodeNamed, topologyReaderOf } from "../network.ts";
import { json, momentArgument, node as nodeOption } from "../options.ts";
import { cut, table } from "../table.ts";
import { print, printJson } from "../terminal.ts";
import { traceHint } from "../trace-hint.ts";
import { registerAuthorize } from "./topology-authorize.ts";

/** The kinds of statements. */
export const mappingKinds = [
  "NamespaceDelegation",
  "IdentifierDelegation",
  "OwnerToKeyMapping",
  "PartyToParticipant",
  "ParticipantState",
  "MediatorDomainState",
  "VettedPackages",
  "DomainParametersChange",
] as const satisfies readonly MappingKind[];

/** One statement of a topology store. */
export interface TopologyView {
  /** Sequencing time in a domain's store, ISO 8601; the time of signing in a node's own. */
  validFrom: string;
  /** When it ended; absent while it holds. */
  validUntil?: string;
  operation: string;
  kind: string;
  /** The statement in words. */
  statement: string;
  elementId: string;
  signedBy: string;
  /** Its id in logs, for `console trace`: SHA-256 of what is signed. */
  transaction: string;
}

/** The state of a topology store and a digest of it: two nodes with the same digest agree on every statement. */
export interface TopologyStateView {
  store: string;
  /** SHA-256 over the sorted signed transactions, hexadecimal. */
  digest: string;
  transactions: TopologyView[];
}

/** Which statements to read. All that are given have to fit. */
export interface TopologyFilter {
  readonly kind?: MappingKind | undefined;
  /** Part of an identifier, a fingerprint or a package id in the statement. */
  readonly about?: string | undefined;
  /** As it was at this moment. */
  readonly at?: Date | undefined;
  /** What came since this moment, removals too. */
  readonly since?: Date | undefined;
  readonly operation?: "Add" | "Remove" | "Replace" | undefined;
  /** Start of the fingerprint of the key that signed. */
  readonly signedBy?: string | undefined;
}

/**
 * Reads a topology store of a node.
 *
 * @param url admin API of the node
 * @param store `Authorized`, what the node itself has authorised, or the id of a domain
 */
export async function readTopology(
  api: AdminApi,
  url: string,
  store: string,
  filter: TopologyFilter = {},
): Promise<TopologyStateView> {
  const { result } = await api.call(
    url,
    TopologyManagerReadServiceClient,
    "listAll",
    { baseQuery: baseQueryOf(store, filter) },
    { deadlineMs: 60_000 },
  );
  const items = (result?.items ?? []).flatMap((item) => {
    const signed = decodeSignedTransaction(item.transaction);
    return fits(signed.transaction.mapping, filter) ? [{ ...item, signed }] : [];
  });
  const digest = createHash("sha256");
  for (const bytes of items.map(({ transaction }) => transaction.toString("hex")).sort()) digest.update(`${bytes}\n`);
  const transactions = items.map(({ validFrom, validUntil, signed }): TopologyView => {
    const { transaction, key } = signed;
    return {
      validFrom: isoTime(validFrom),
      ...(validUntil === undefined ? {} : { validUntil: isoTime(validUntil) }),
      operation: transaction.operation,
      kind: transaction.mapping.kind,
      statement: describeMapping(transaction.mapping),
      elementId: transaction.elementId,
      signedBy: key.id,
      transaction: transactionHash(signed),
    };
  });
  return { store, digest: digest.digest("hex"), transactions };
}

function baseQueryOf(store: string, { at, since, operation, signedBy = "" }: TopologyFilter): BaseQuery {
  const time = (date: Date): Timestamp => timestampToProto(BigInt(date.getTime()) * 1000n);
  return {
    ...headState(store),
    // The history has removals, a state has none.
    useStateStore: since === undefined && operation !== "Remove",
    filterOperation: operation !== undefined,
    operation: operation === undefined ? 0 : TopologyChangeOp[operation],
    filterSignedKey: signedBy,
    ...(since !== undefined
      ? { timeQuery: { $case: "range" as const, value: { from: time(since), until: undefined } } }
      : at !== undefined
        ? { timeQuery: { $case: "snapshot" as const, value: time(at) } }
        : operation === "Remove"
          ? { timeQuery: { $case: "range" as const, value: { from: undefined, until: undefined } } }
          : {}),
  };
}

function fits(mapping: TopologyMapping, { kind, about }: TopologyFilter): boolean {
  if (kind !== undefined && mapping.kind !== kind) return false;
  return about === undefined || texts(mapping).some((text) => text.includes(about));
}

/** All texts of a statement: identifiers, fingerprints, package ids. */
function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return [];
  return Object.values(value).flatMap(texts);
}

function isoTime(timestamp: Timestamp | undefined): string {
  return timestamp === undefined ? "" : formatMicros(timestampFromProto(timestamp));
}

interface ListOptions {
  node?: string;
  authorized: boolean;
  store?: string;
  kind?: MappingKind;
  about?: string;
  at?: Date;
  since?: Date;
  operation?: "Add" | "Remove" | "Replace";
  signedBy?: string;
  json: boolean;
}

/** `topology` */
export function registerTopology(program: Command, context: ConsoleContext): void {
  const group = program.command("topology").description("topology transactions: what holds, what was, and new ones");

  group
    .command("list", { isDefault: true })
    .description("the topology transactions that hold, or held (the default)")
    .addOption(
      new Option("--domain", "the domain's state, as its manager sees it (the default)").conflicts("authorized"),
    )
    .addOption(nodeOption("the domain manager, or the only participant"))
    .option("--authorized", "what the node itself has authorised, instead of the domain's state", false)
    .addOption(new Option("--store <store>", "a store that `topology stores` names").conflicts("authorized"))
    .addOption(new Option("--kind <kind>", "only statements of this kind").choices([...mappingKinds]))
    .option(
      "--about <text>",
      "only statements that name this: part of an identifier, fingerprint or package id, or a node",
    )
    .option("--at <moment>", "as it was then, ISO 8601", momentArgument("--at"))
    .addOption(
      new Option("--since <moment>", "everything that came since, removals too")
        .argParser(momentArgument("--since"))
        .conflicts("at"),
    )
    .addOption(new Option("--operation <operation>", "only these").choices(["Add", "Remove", "Replace"]))
    .option("--signed-by <start>", "only those signed by the key whose fingerprint begins so")
    .addOption(json())
    .action(async ({ node, authorized, store, json, about, ...filter }: ListOptions) => {
      const network = await context.network();
      const { adminApi } = topologyReaderOf(network, node);
      const state = await readTopology(
        context.api(),
        adminApi,
        store ?? (authorized ? "Authorized" : network.domain.id),
        {
          ...filter,
          about: about === undefined ? undefined : identifierOf(network, about).replace(/^[A-Z]{3}::/, ""),
        },
      );
      if (json) return printJson(state);
      // What the other columns and the frame take; a file or a pipe gets all of it.
      const statementWidth = (process.stdout.columns ?? Number.POSITIVE_INFINITY) - 78;
      print(
        table(
          ["since", "operation", "statement", "signed by", "transaction"],
          state.transactions.map((t) => [
            t.validFrom,
            t.operation,
            cut(t.statement, statementWidth),
            `${t.signedBy.slice(0, 12)}…`,
            t.transaction.slice(0, 12),
          ]),
        ),
      );
      print(`${state.transactions.length} transactions, digest ${state.digest}`);
    });

  group
    .command("stores")
    .description("the topology stores of a node: what it has authorised, and each domain that it follows")
    .addOption(nodeOption("the domain manager, or the only participant"))
    .addOption(json())
    .action(async ({ node, json }: { node?: string; json: boolean }) => {
      const network = await context.network();
      const { adminApi } = topologyReaderOf(network, node);
      const { storeIds } = await context
        .api()
        .call(adminApi, TopologyManagerReadServiceClient, "listAvailableStores", {});
      if (json) printJson(storeIds);
      else for (const id of storeIds) print(id);
    });

  group
    .command("export")
    .description("writes what a node has authorised to a file, to be taken to another topology manager")
    .argument("<file>", "must not exist yet")
    .addOption(nodeOption("the domain manager, or the only participant"))
    .option("--namespace <fingerprint>", "only what is about this namespace")
    .option("--store <store>", "a domain's store instead: what is in force there, as the node sees it")
    .action(async (file: string, { node, namespace, store }: { node?: string; namespace?: string; store?: string }) => {
      const network = await context.network();
      const { adminApi } = topologyReaderOf(network, node);
      const exported = await exportTopology(context.api().target(adminApi), { deadlineMs: 60_000, namespace, store });
      try {
        await writeFile(file, encodeSignedTransactionsFile(exported), { flag: "wx" });
      } catch (error) {
        throw new ConsoleError(
          `${file} cannot be written: ${(error as Error).message}`,
          "Name a file that does not exist.",
        );
      }
      print(
        `${file} has ${exported.transactions.length} signed transactions; \`console identity show\` says what they are.`,
      );
    });

  group
    .command("import")
    .description("adds the signed transactions of a file to what a node has authorised; may be repeated")
    .argument("<file>", "as `topology export` or `identity sign` wrote it")
    .addOption(nodeOption("the domain manager"))
    .addOption(json())
    .action(async (file: string, { node, json }: { node?: string; json: boolean }) => {
      const network = await context.network();
      const { adminApi } = node === undefined ? domainManagerOf(network) : nodeNamed(network, node);
      const bytes = await readFile(file).catch((error: Error) => {
        throw new ConsoleError(`${file} cannot be read: ${error.message}`, "Name another file.");
      });
      const read = decodeSignedTransactionsFile(bytes);
      const outcomes = await importTopology(context.api().target(adminApi), read, { deadlineMs: 60_000 });
      if (json) printJson(outcomes);
      else {
        print(describeImport(read, outcomes));
        print(traceHint());
      }
      if (outcomes.some(({ outcome }) => outcome === "refused")) process.exitCode = 1;
    });

  registerAuthorize(group, context);
}
