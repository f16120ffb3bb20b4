/**
 * Keys are rotated on a domain that is at work: parties are enabled and seen without a pause, while every member's signing key
 * is replaced by the calls of `keys.secret.rotate_node_keys`, and its old private key is deleted.
 */

import { encodePublicKey, type SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import {
  EncryptionKeyScheme,
  KeyPurpose,
  SigningKeyScheme,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { DomainConnectivityServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { TopologyManagerReadServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  connectAgain,
  connection,
  connectTo,
  deadlineMs,
  enableParty,
  PermissionedDomain,
  partiesOf,
  queued,
  topologyOf,
  uidOf,
} from "./testing/permissioned-domain.ts";
import { startTestParticipant, type TestParticipant } from "./testing/test-participant.ts";

const waiting = { timeout: 30_000 };
const none = { filterFingerprint: "", filterName: "", filterPurpose: [] };

let domain: PermissionedDomain;
let alice: TestParticipant;
let bob: TestParticipant;
/** What the participants logged as going wrong. */
const complaints: string[] = [];
const logTo = () => ({
  write: (line: string) => {
    if (/"level":"(error|fatal)"/.test(line)) complaints.push(line);
  },
});

beforeAll(async () => {
  domain = await PermissionedDomain.start(2);
  const start = async (name: string) => {
    const { storage } = await domain.database();
    const participant = await startTestParticipant({ name, storage, logTo });
    await domain.set(await uidOf(participant), "Submission");
    await connectTo(participant, connection(domain));
    return participant;
  };
  alice = await start("alice");
  bob = await start("bob");
});

afterAll(async () => {
  await alice?.stop();
  await bob?.stop();
  await domain?.[Symbol.asyncDispose]();
});

const clients = {
  vault: new Map<number, VaultServiceClient>(),
  writer: new Map<number, TopologyManagerWriteServiceClient>(),
};
afterAll(() => {
  for (const kind of Object.values(clients)) for (const client of kind.values()) client.close();
});

/** The services of the node with this admin port. */
function vault(port: number): VaultServiceClient {
  const client = clients.vault.get(port) ?? connect(VaultServiceClient, { address: "127.0.0.1", port });
  clients.vault.set(port, client);
  return client;
}

function writer(port: number): TopologyManagerWriteServiceClient {
  const client = clients.writer.get(port) ?? connect(TopologyManagerWriteServiceClient, { address: "127.0.0.1", port });
  clients.writer.set(port, client);
  return client;
}

/** The keys that the domain, as bob sees it, says a member works with. */
async function keysInForce(owner: string): Promise<string[]> {
  const { results } = await call(
    bob.admin(TopologyManagerReadServiceClient),
    "listOwnerToKeyMapping",
    {
      baseQuery: {
        filterStore: domain.domainId,
        useStateStore: true,
        operation: TopologyChangeOp.Add,
        filterOperation: false,
        timeQuery: { $case: "headState", value: {} },
        filterSignedKey: "",
        protocolVersion: undefined,
      },
      filterKeyOwnerType: owner.slice(0, 3),
      filterKeyOwnerUid: owner.slice(5),
      filterKeyPurpose: undefined,
    },
    { deadlineMs },
  );
  return results.map(({ keyFingerprint }) => keyFingerprint);
}

async function authorizeKey(manager: number, owner: string, key: string, purpose: KeyPurpose, remove: boolean) {
  const change = remove ? TopologyChangeOp.Remove : TopologyChangeOp.Add;
  await call(
    writer(manager),
    "authorizeOwnerToKeyMapping",
    {
      authorization: { change, signedBy: "", replaceExisting: false, forceChange: false },
      keyOwner: owner,
      fingerprintOfKey: key,
      keyPurpose: purpose,
    },
    { deadlineMs },
  );
}

/** `keys.secret.rotate_node_keys`, for the keys of one member that one node holds; and the old private halves are deleted. */
async function rotate(owner: string, holder: number, manager: number): Promise<void> {
  const inForce = await keysInForce(owner);
  const { privateKeysMetadata } = await call(vault(holder), "listMyKeys", none, { deadlineMs });
  const held = privateKeysMetadata.flatMap(({ publicKeyWithName: key }) => key?.publicKey?.key ?? []);
  const old = held.filter(({ value: { id } }) => inForce.includes(id));
  expect(old.length).toBeGreaterThan(0);
  for (const { $case, value } of old) {
    const signing = $case === "signingPublicKey";
    const purpose = signing ? KeyPurpose.SigningKeyPurpose : KeyPurpose.EncryptionKeyPurpose;
    const { publicKey } = signing
      ? await call(
          vault(holder),
          "generateSigningKey",
          { keyScheme: SigningKeyScheme.EcDsaP256, name: "new" },
          { deadlineMs },
        )
      : await call(
          vault(holder),
          "generateEncryptionKey",
          { keyScheme: EncryptionKeyScheme.EciesP256HkdfHmacSha256Aes128Gcm, name: "new" },
          { deadlineMs },
        );
    if (publicKey === undefined) throw new Error("no key was made");
    if (manager !== holder) {
      // Who signs the mappings has to know both keys.
      for (const key of [value, publicKey]) {
        const encoded = encodePublicKey({ purpose: "signing", key: key as SigningPublicKey });
        await call(vault(manager), "importPublicKey", { publicKey: encoded, name: "" }, { deadlineMs });
      }
    }
    await expect(call(vault(holder), "deleteKeyPair", { fingerprint: value.id }, { deadlineMs })).rejects.toMatchObject(
      {
        reason: "KEY_IN_USE",
      },
    );
    await authorizeKey(manager, owner, publicKey.id, purpose, false);
    await expect.poll(() => keysInForce(owner), waiting).toContain(publicKey.id);
    await authorizeKey(manager, owner, value.id, purpose, true);
    await expect.poll(() => keysInForce(owner), waiting).not.toContain(value.id);
    await expect
      .poll(
        () =>
          call(vault(holder), "deleteKeyPair", { fingerprint: value.id }, { deadlineMs }).then(() => "deleted", String),
        waiting,
      )
      .toBe("deleted");
    expect(await keysInForce(owner)).toContain(publicKey.id);
  }
}

/** Enables parties without a pause; gives those that were enabled when it is stopped. */
function keepEnabling(participant: TestParticipant, prefix: string) {
  const enabled: string[] = [];
  let stopped = false;
  const running = (async () => {
    for (let n = 0; !stopped; n++) {
      enabled.push(await enableParty(participant, `${prefix}${n}`));
      await expect.poll(() => queued(participant), { ...waiting, interval: 20 }).toBe(0);
    }
  })();
  return {
    enabled,
    stop: async () => {
      stopped = true;
      await running;
      return enabled;
    },
  };
}

/** Every party that one participant enabled is known to the other, and the topology is one and the same. */
async function allArrived(parties: readonly string[]): Promise<void> {
  await expect
    .poll(async () => {
      const known = await partiesOf(bob);
      return parties.filter((party) => !known.has(party));
    }, waiting)
    .toEqual([]);
  await expect
    .poll(
      async () => (await topologyOf(alice, domain.domainId)).join() === (await topologyOf(bob, domain.domainId)).join(),
      waiting,
    )
    .toBe(true);
}

test("every member's keys are rotated while messages flow, and the old ones deleted: nothing is lost or refused", async () => {
  const [mediator, sequencer1, sequencer2] = domain.peerAdminPorts as [number, number, number];
  const flow = keepEnabling(alice, "during");
  const back = keepEnabling(bob, "back");
  const progress = async () => {
    const before = [flow.enabled.length, back.enabled.length];
    await expect.poll(() => flow.enabled.length, waiting).toBeGreaterThan(before[0] as number);
    await expect.poll(() => back.enabled.length, waiting).toBeGreaterThan(before[1] as number);
  };
  await progress();
  await rotate(`PAR::${await uidOf(alice)}`, alice.adminPort, alice.adminPort);
  await progress();
  for (const sequencer of [sequencer1, sequencer2]) {
    await rotate(`SEQ::${domain.domainId}`, sequencer, domain.adminPort);
    await progress();
  }
  await rotate(`DOM::${domain.domainId}`, domain.adminPort, domain.adminPort);
  await progress();
  await rotate(`MED::${domain.domainId}`, mediator, domain.adminPort);
  await progress();
  await allArrived([...(await flow.stop()), ...(await back.stop())]);
  expect(complaints).toEqual([]);
  expect([...alice.failures, ...bob.failures]).toEqual([]);

  // A revoked key is not given back by a sequencer that starts again, nor is anything else lost by it.
  const inForce = await keysInForce(`SEQ::${domain.domainId}`);
  await domain.withoutSequencers(async () => {});
  await allArrived([await enableParty(alice, "after")]);
  expect(await keysInForce(`SEQ::${domain.domainId}`)).toEqual(inForce);
}, 180_000);

test("who was away while sequencers' keys were replaced, and the old ones deleted, comes back and misses nothing", async () => {
  const [, sequencer1, sequencer2] = domain.peerAdminPorts as [number, number, number];
  await call(
    alice.admin(DomainConnectivityServiceClient),
    "disconnectDomain",
    { domainAlias: "mydomain" },
    { deadlineMs },
  );
  const parties = [await enableParty(bob, "before")];
  for (const sequencer of [sequencer1, sequencer2]) {
    await rotate(`SEQ::${domain.domainId}`, sequencer, domain.adminPort);
    parties.push(await enableParty(bob, `away-${sequencer}`));
  }
  expect(await connectAgain(alice)).toBe(true);
  await allArrived([...parties, await enableParty(alice, "returned")]);
  expect(complaints).toEqual([]);
}, 60_000);

test("a namespace is delegated to a new key, its root key leaves the node, and all goes on", async () => {
  const uid = await uidOf(alice);
  const root = uid.slice(uid.indexOf("::") + 2);
  const remove = () => call(vault(alice.adminPort), "deleteKeyPair", { fingerprint: root }, { deadlineMs });
  await expect(remove()).rejects.toMatchObject({
    reason: "KEY_IN_USE",
    message: expect.stringContaining("only key here"),
  });
  const { keyPair } = await call(
    vault(alice.adminPort),
    "exportKeyPair",
    { fingerprint: root, protocolVersion: 5 },
    { deadlineMs },
  );
  const { publicKey } = await call(
    vault(alice.adminPort),
    "generateSigningKey",
    { keyScheme: SigningKeyScheme.Ed25519, name: "delegate" },
    { deadlineMs },
  );
  await call(
    writer(alice.adminPort),
    "authorizeNamespaceDelegation",
    {
      authorization: { change: TopologyChangeOp.Add, signedBy: root, replaceExisting: false, forceChange: false },
      namespace: root,
      fingerprintOfAuthorizedKey: publicKey?.id ?? "",
      isRootDelegation: false,
    },
    { deadlineMs },
  );
  // Not before the domain knows of the delegate too.
  await expect.poll(() => remove().then(() => "deleted", String), waiting).toBe("deleted");
  await allArrived([await enableParty(alice, "delegated")]);
  // The root key is where it was taken: it can come back.
  await call(vault(alice.adminPort), "importKeyPair", { keyPair, name: "root" }, { deadlineMs });
  await allArrived([await enableParty(alice, "back-again")]);
  expect(complaints).toEqual([]);
});
