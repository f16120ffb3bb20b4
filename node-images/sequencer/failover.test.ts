import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import type { ReceivedEvent } from "@pulumi-canton/sequencer-client/received-event.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SequencerProcess } from "./testing/sequencer-process.ts";
import { TestDomain } from "./testing/test-domain.ts";

const domain = new TestDomain();
let folder: string;
let databases: TestDatabase[];
let sequencers: SequencerProcess[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulumi-canton-sequencers-"));
  databases = await Promise.all([createTestDatabase(), createTestDatabase(), createTestDatabase()]);
  const [backend, ...own] = databases.map(({ storage }) => storage) as [TestDatabase["storage"]];
  sequencers = [];
  for (const [index, storage] of own.entries()) {
    sequencers.push(await SequencerProcess.configure(`sequencer${index + 1}`, folder, storage, backend));
  }
  await Promise.all(sequencers.map((sequencer) => sequencer.start()));
  await domain.start(sequencers);
});

afterAll(async () => {
  domain.close();
  await Promise.all((sequencers ?? []).map((sequencer) => sequencer.kill()));
  await Promise.all((databases ?? []).map((database) => database.drop()));
  await rm(folder, { recursive: true, force: true });
});

test("kill -9 of either sequencer, again and again: every message once, streams without gap or repeat", async () => {
  const [alice, bob] = [await domain.join("alice"), await domain.join("bob")];
  const done = new AbortController();
  const received: ReceivedEvent[] = [];
  const reading = domain.client(bob).subscribe({ fromCounter: 0n, signal: done.signal }, async (event) => {
    received.push(event);
    if (event.envelopes[0]?.content.toString() === "end") done.abort();
  });

  const client = domain.client(alice);
  const send = (content: string) =>
    client.send({ envelopes: [{ content: Buffer.from(content), recipients: [bob.member] }] });
  const sent = new Map<string, bigint>();
  let killing = true;
  const sending = Array.from({ length: 3 }, async (_, sender) => {
    for (let index = 0; killing; index++) {
      const content = `message ${sender} ${index}`;
      sent.set(content, await send(content));
    }
  });
  // Always the other one, and each is back before the next one goes.
  for (let round = 0; round < 4; round++) {
    const victim = sequencers[round % 2] as SequencerProcess;
    await victim.kill();
    await victim.start();
  }
  killing = false;
  await Promise.all(sending);
  await send("end");
  await reading;

  expect(received.map(({ counter }) => counter)).toEqual(received.map((_, index) => BigInt(index)));
  const messages = received.flatMap(({ timestamp, envelopes }) =>
    envelopes.map(({ content }): [string, bigint] => [content.toString(), timestamp]),
  );
  const ofAlice = messages.filter(([content]) => content.startsWith("message "));
  expect(ofAlice).toHaveLength(sent.size);
  expect(new Map(ofAlice)).toEqual(sent);
  const inOrder = received.map(({ timestamp }) => timestamp);
  expect(inOrder).toEqual([...inOrder].sort((a, b) => (a < b ? -1 : 1)));
}, 120_000);
