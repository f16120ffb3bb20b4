import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ParticipantProcess } from "./testing/participant-process.ts";
import {
  connectAgain,
  connectedDomains,
  connection,
  enableParty,
  PermissionedDomain,
  partiesOf,
  queued,
  register,
  topologyOf,
  uidOf,
} from "./testing/permissioned-domain.ts";
import { startTestParticipant, type TestParticipant } from "./testing/test-participant.ts";

const waiting = { timeout: 20_000 };

let domain: PermissionedDomain;
/** A participant that nothing happens to: what it has is what all have to have. */
let witness: TestParticipant;

beforeAll(async () => {
  domain = await PermissionedDomain.start();
  const { storage } = await domain.database();
  witness = await startTestParticipant({ name: "witness", storage, waitUntilReady: false });
}, 60_000);

afterAll(async () => {
  await witness?.stop();
  await domain?.[Symbol.asyncDispose]();
});

async function process(name: string): Promise<ParticipantProcess> {
  const { storage } = await domain.database();
  return ParticipantProcess.create(name, storage);
}

describe("a participant that is killed", () => {
  test("the witness joins", async () => {
    await expect.poll(() => witness.health.ready, waiting).toBe(true);
    await domain.set(await uidOf(witness), "Submission");
    await register(witness, connection(domain));
    expect(await connectAgain(witness)).toBe(true);
  });

  // Whenever the kill comes, before, in the middle of or after the onboarding, the same must come out.
  test.each([5, 60, 150, 300, 500])("%i ms into its onboarding converges when it connects again", async (delayMs) => {
    const name = `killed${delayMs}`;
    await using node = await process(name);
    await node.start();
    const uid = await uidOf(node);
    await domain.set(uid, "Submission");
    await register(node, connection(domain));
    const attempt = connectAgain(node).catch(() => false);
    await sleep(delayMs);
    await node.kill();
    await attempt;

    await node.start();
    expect(await uidOf(node)).toBe(uid);
    expect(await connectAgain(node)).toBe(true);
    expect(await connectedDomains(node)).toEqual(["mydomain"]);
    const party = await enableParty(node, name);
    await expect.poll(() => queued(node), waiting).toBe(0);
    await expect.poll(async () => (await partiesOf(witness)).get(party), waiting).toBe(false);
    const expected = await topologyOf(witness, domain.domainId);
    await expect.poll(() => topologyOf(node, domain.domainId), waiting).toEqual(expected);
  });

  test("right after it authorised parties takes each of them to the domain, once", async () => {
    await using node = await process("parties");
    await node.start();
    await domain.set(await uidOf(node), "Submission");
    await register(node, connection(domain));
    await connectAgain(node);
    const parties: string[] = [];
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 3; n++) parties.push(await enableParty(node, `party${round}${n}`));
      await node.kill();
      await node.start();
      await connectAgain(node);
    }
    await expect.poll(() => queued(node), waiting).toBe(0);
    for (const party of parties) {
      await expect.poll(async () => (await partiesOf(witness)).get(party), waiting).toBe(false);
    }
    const expected = await topologyOf(witness, domain.domainId);
    expect(new Set(expected).size).toBe(expected.length);
    await expect.poll(() => topologyOf(node, domain.domainId), waiting).toEqual(expected);
  });
});
