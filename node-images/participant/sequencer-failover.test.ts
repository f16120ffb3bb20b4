import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { idle, setState } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { TestDomain } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SequencerProcess } from "../sequencer/testing/sequencer-process.ts";
import {
  connectedDomains,
  connection,
  connectTo,
  enableParty,
  partiesOf,
  queued,
  topologyOf,
  uidOf,
} from "./testing/permissioned-domain.ts";
import { startTestParticipant } from "./testing/test-participant.ts";

const waiting = { timeout: 20_000 };

let folder: string;
const nodes = new TestDomain();
const sequencers: SequencerProcess[] = [];
let adminPort: number;
let domain: { domainId: string; urls: readonly string[] };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequencers-"));
  const backend = await nodes.database();
  for (const name of ["sequencer1", "sequencer2"]) {
    const { storage } = await nodes.database();
    sequencers.push(await SequencerProcess.configure(name, folder, storage, backend.storage));
  }
  await Promise.all(sequencers.map((sequencer) => sequencer.start()));
  const named = sequencers.map(({ adminPort: admin, publicPort }, index) => ({
    name: `sequencer${index + 1}`,
    adminPort: admin,
    publicPort,
  }));
  const manager = await nodes.manager({ sequencers: named, mediators: [await nodes.mediator("mediator1")] });
  adminPort = manager.adminPort;
  const { commonStatus } = await idle(adminPort);
  domain = {
    domainId: commonStatus?.uid ?? "",
    urls: sequencers.map(({ publicPort }) => `http://127.0.0.1:${publicPort}`),
  };
}, 60_000);

afterAll(async () => {
  await nodes[Symbol.asyncDispose]();
  for (const sequencer of sequencers) await sequencer.kill();
  await rm(folder, { recursive: true, force: true });
});

async function participant(name: string) {
  const { storage } = await nodes.database();
  const node = await startTestParticipant({ name, storage });
  await setState(adminPort, domain.domainId, `PAR::${await uidOf(node)}`);
  await connectTo(node, connection(domain));
  return node;
}

test("connect_multi: kill -9 of the sequencer in use, again and again: everything goes on at the other, without loss", {
  timeout: 120_000,
}, async () => {
  await using alice = await participant("alice");
  await using bob = await participant("bob");
  const parties: string[] = [];
  // Alice prefers the first that is there, so each round takes away the one that she has gone to before.
  for (let round = 0; round < 3; round++) {
    const victim = sequencers[round % 2] as SequencerProcess;
    parties.push(await enableParty(alice, `before${round}`));
    await victim.kill();
    parties.push(await enableParty(alice, `after${round}`));
    for (const party of parties) {
      await expect.poll(async () => (await partiesOf(bob)).get(party), waiting).toBe(false);
    }
    expect(await connectedDomains(alice)).toEqual(["mydomain"]);
    await victim.start();
  }
  await expect.poll(() => queued(alice), waiting).toBe(0);
  const all = await topologyOf(alice, domain.domainId);
  expect(new Set(all).size).toBe(all.length);
  await expect.poll(() => topologyOf(bob, domain.domainId), waiting).toEqual(all);
  expect([...alice.failures, ...bob.failures]).toEqual([]);
});
