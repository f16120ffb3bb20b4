import { setState, snapshotAt, withClient } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { decodeKeyPair, type SigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import {
  type DomainTopologyMessage,
  signDomainTopologyMessage,
} from "@pulumi-canton/protocol/envelope/domain-topology-message.ts";
import { encodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { domainManagerMember, mediatorMember, sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import { namespaceOf } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { allAttacks, attackedDomain, RULES_OF_MANAGERS } from "@pulumi-canton/protocol/testing/attacks.ts";
import { messageAttacks } from "@pulumi-canton/protocol/testing/message-attacks.ts";
import type { SignedTopologyTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { encodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { openDatabase } from "@pulumi-canton/runtime/database.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { SequencerClient } from "@pulumi-canton/sequencer-client/sequencer-client.ts";
import { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import { expect, test } from "vitest";
import {
  connection,
  connectTo,
  deadlineMs,
  PermissionedDomain,
  queued,
  topologyOf,
  uidOf,
} from "./testing/permissioned-domain.ts";
import { startTestParticipant } from "./testing/test-participant.ts";

// The domain manager is trusted to choose what it distributes, and with nothing else. Here somebody has its keys and sends
// in its name, through the real sequencers, to every node of the domain: nothing that is not in order gets anywhere.

const waiting = { timeout: 20_000 };

/** A key of the domain manager, from its database. */
async function stolenKeys(domain: PermissionedDomain): Promise<{ namespace: SigningKeyPair; manager: SigningKeyPair }> {
  const database = await openDatabase({
    storage: domain.managerDatabase.storage,
    migrations: [],
    logger: silentLogger,
  });
  try {
    const keys = new KeyStore(database);
    const pair = async (fingerprint: string): Promise<SigningKeyPair> => {
      const found = decodeKeyPair((await keys.exportKeyPair(fingerprint)) ?? Buffer.alloc(0));
      if (found.purpose !== "signing") throw new Error("not a signing key");
      return found;
    };
    const own = (await keys.list({ held: true })).find(({ name }) => name.endsWith("-topology-manager-signing"));
    return {
      namespace: await pair(namespaceOf(domain.domainId)),
      manager: await pair(own?.publicKey.key.id ?? ""),
    };
  } finally {
    await database.close();
  }
}

/** The transactions in force in a node's store. */
async function inForce(port: number, store: string): Promise<string[]> {
  const { items } = await snapshotAt(port, store, "state");
  return items.map(({ transaction }) => transaction.toString("base64")).sort();
}

test("whatever is sent in the name of the domain manager, no member takes in what its owner did not sign", async () => {
  await using domain = await PermissionedDomain.start();
  const { domainId, adminPort, peerAdminPorts } = domain;
  const { namespace, manager } = await stolenKeys(domain);
  await using victim = await startTestParticipant({ name: "victim", storage: (await domain.database()).storage });
  await domain.set(await uidOf(victim), "Submission");
  await connectTo(victim, connection(domain));

  const attacked = attackedDomain(domainId, namespace);
  await withClient(TopologyManagerWriteServiceClient, adminPort, async (client) => {
    for (const tx of attacked.history) {
      await call(client, "addSignedTopologyTransaction", { serialized: encodeSignedTransaction(tx) }, { deadlineMs });
    }
  });

  /** What every member has in force, to the byte, once all have what the domain manager has authorised. */
  const seen = async () => {
    const authorised = await inForce(adminPort, "Authorized");
    for (const port of [adminPort, ...peerAdminPorts]) {
      await expect.poll(() => inForce(port, domainId), waiting).toEqual(authorised);
    }
    await expect.poll(() => topologyOf(victim, domainId), waiting).toEqual(authorised);
    await expect.poll(() => queued(victim), waiting).toBe(0);
    return authorised;
  };
  const before = await seen();

  const self = domainManagerMember(domainId);
  const liar = new SequencerClient({
    connections: domain.urls.map((url) => ({ url })),
    domainId,
    member: self,
    signer: { sign: async (purpose, content) => sign(manager, purpose, content) },
    logger: silentLogger,
  });
  try {
    const recipients = [self, sequencerMember(domainId), mediatorMember(domainId), `PAR::${await uidOf(victim)}`];
    const send = (message: DomainTopologyMessage) => {
      const content = encodeEnvelopeContent({ kind: "domain-topology-message", message });
      return liar.send({ envelopes: [{ content, recipients }] });
    };
    const signed = (transactions: SignedTopologyTransaction[]) =>
      signDomainTopologyMessage(
        { domainId, notSequencedAfter: BigInt(Date.now() + 60_000) * 1000n, transactions },
        (content) => sign(manager, "domain-topology-message", content),
      );
    const forgeries = allAttacks(attacked).filter(({ rule }) => !RULES_OF_MANAGERS.includes(rule));
    for (const { tx } of forgeries) await send(await signed([tx]));
    await send(await signed(forgeries.map(({ tx }) => tx)));
    const sequencedAt = await send(await signed([attacked.history[0] as SignedTopologyTransaction]));
    const messages = await messageAttacks(attacked, { domainId, managerKey: manager, sequencedAt });
    for (const { message } of Object.values(messages).flat()) await send(message);
    // What is no message at all reaches everybody too, and stops nobody.
    await liar.send({ envelopes: [{ content: Buffer.from("nonsense"), recipients }] });
  } finally {
    liar.close();
  }

  expect(await seen()).toEqual(before);
  // What comes behind all of it shows that everybody has read it, and goes on as before.
  await setState(adminPort, domainId, `PAR::${await uidOf(victim)}`, "Confirmation", "Vip");
  const after = await seen();
  expect(after).not.toEqual(before);
  expect(victim.failures).toEqual([]);
});
