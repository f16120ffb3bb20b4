/**
 * Measures one size of domain in a process of its own: `node --expose-gc measure.ts FOLDER PARTICIPANTS PARTIES`. Starts a
 * PostgreSQL in the folder and prints a {@link TopologyCosts} as JSON.
 */
import { join } from "node:path";
import { startPostgres } from "@pulumi-canton/components/platform/local/embedded-postgres.ts";
import { setState } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { eventually } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import { ParticipantProcess } from "@pulumi-canton/participant/testing/participant-process.ts";
import { connection, enableParty, register, uidOf } from "@pulumi-canton/participant/testing/permissioned-domain.ts";
import { generateSigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { DomainConnectivityServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { TopologyAggregationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_aggregation_service.ts";
import { uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { freePort } from "../../test/free-port.ts";
import { median } from "../measurement.ts";
import { memoryOf } from "../nodes/process-usage.ts";
import { type StateCosts, stateCosts } from "./lookups.ts";
import { populatedDomain } from "./populated-domain.ts";
import { population } from "./population.ts";

/** What a domain of some size costs. */
export interface TopologyCosts extends StateCosts {
  readonly transactions: number;
  /** From the request to connect to a participant that is active and has the whole state, in milliseconds. */
  readonly onboardMs: number;
  /** Most that the process of the domain's nodes held during that above what it held before, in KiB. */
  readonly domainGrowthKiB: number;
  /** Resident memory of the new participant before and after, in KiB. */
  readonly participantBeforeKiB: number;
  readonly participantAfterKiB: number;
  /** One party looked up by its id through the admin API, in milliseconds. */
  readonly listPartyMs: number;
  /** From the authorisation of a party to its being in force on the participant's domain, in milliseconds. */
  readonly enablePartyMs: number;
}

const [folder = ".", participants, parties] = process.argv.slice(2);
const deadlineMs = 900_000;
const postgres = await startPostgres({
  directory: join(folder, "postgres"),
  port: await freePort(),
  logFile: join(folder, "postgres.log"),
  deadlineMs: 60_000,
});
try {
  const size = { participants: Number(participants), parties: Number(parties) };
  // First, while the heap is still small.
  const imagined = uniqueIdentifier("imagined", generateSigningKeyPair().publicKey.id);
  const inMemory = stateCosts(imagined, population(imagined, size));

  await using domain = await populatedDomain(postgres.url, size);
  const { population: populated, domainId } = domain;
  const database = await domain.database();
  await using node = await ParticipantProcess.create("newcomer", database.storage);
  await node.start();
  await setState(domain.adminPort, domainId, `PAR::${await uidOf(node)}`);
  await register(node, connection(domain));

  const participantBeforeKiB = memoryOf(node.pid).rssKiB;
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 50);
  const begun = performance.now();
  const connectivity = node.admin(DomainConnectivityServiceClient);
  await call(connectivity, "connectDomain", { domainAlias: "mydomain", retry: false }, { deadlineMs });
  const onboardMs = performance.now() - begun;
  clearInterval(watch);
  const participantAfterKiB = memoryOf(node.pid).rssKiB;

  const aggregation = node.admin(TopologyAggregationServiceClient);
  const list = (party: string) =>
    call(
      aggregation,
      "listParties",
      { asOf: undefined, limit: 10, filterDomain: "", filterParty: party, filterParticipant: "" },
      { deadlineMs },
    );
  const timed = async (work: () => Promise<unknown>) => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  const lookups: number[] = [];
  for (let n = 0; n < 300; n += 1) {
    const party = populated.parties[(n * 7_919) % populated.parties.length] ?? "";
    lookups.push(
      await timed(async () => {
        const { results } = await list(party);
        if (results[0]?.party !== party || results.length !== 1) throw new Error(`${party} was not found`);
      }),
    );
  }
  const enabled: number[] = [];
  for (let n = 0; n < 11; n += 1) {
    enabled.push(
      await timed(async () => {
        const party = await enableParty(node, `mine${n}`);
        await eventually(async () => (await list(party)).results[0], deadlineMs);
      }),
    );
  }
  const costs: TopologyCosts = {
    ...inMemory,
    transactions: populated.transactions.length + populated.participants.length,
    onboardMs,
    domainGrowthKiB: (most - before) / 1024,
    participantBeforeKiB,
    participantAfterKiB,
    listPartyMs: median(lookups),
    enablePartyMs: median(enabled),
  };
  process.stdout.write(JSON.stringify(costs));
} finally {
  await postgres.stop();
}
