/** Resources that are topology mappings, on real nodes: authorised, in effect on the domain, found again, taken back. */
import { connection, connectTo, PermissionedDomain } from "@pulumi-canton/participant/testing/permissioned-domain.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StepProvider } from "../dynamic/step-provider.ts";
import { convergeDisconnection } from "./domain-connection/steps.ts";
import { provider as domainParameters } from "./domain-parameters/provider.ts";
import { provider as identifierDelegation } from "./identifier-delegation/provider.ts";
import { provider as mediatorDomainState } from "./mediator-domain-state/provider.ts";
import { provider as namespaceDelegation } from "./namespace-delegation/provider.ts";
import { provider as ownerToKeyMapping } from "./owner-to-key-mapping/provider.ts";
import { provider as party } from "./party/provider.ts";
import { provider as partyHosting } from "./party-hosting/provider.ts";
import { type ConnectedParticipant, connectedParticipant, generateSigningKey, loopback } from "./testing/real-nodes.ts";

let domain: PermissionedDomain;
let alice: ConnectedParticipant;
let bob: ConnectedParticipant;

beforeAll(async () => {
  domain = await PermissionedDomain.start(1);
  [alice, bob] = await Promise.all([connectedParticipant("alice", domain), connectedParticipant("bob", domain)]);
});

afterAll(async () => {
  await Promise.all([alice?.node.stop(), bob?.node.stop()]);
  await domain?.[Symbol.asyncDispose]();
});

/** Made, found as it was asked for, made again without a change, taken back, gone, and taken back again without complaint. */
async function expectFullLife(provider: StepProvider, inputs: Record<string, unknown>): Promise<void> {
  const { id, outs } = await provider.create(inputs);
  expect(await provider.read(id, outs)).toEqual({ id, props: outs, inputs });
  expect(await provider.create(inputs)).toEqual({ id, outs });
  expect(await provider.diff(id, outs, inputs)).toMatchObject({ changes: false, replaces: [] });
  await provider.delete(id, outs);
  expect(await provider.read(id, outs)).toEqual({});
  await provider.delete(id, outs);
}

describe("on a domain", () => {
  test("a namespace is delegated to a further key", async () => {
    const key = await generateSigningKey(alice.adminApi, "delegate");
    const inputs = {
      node: alice.adminApi,
      namespace: alice.namespace,
      key,
      isRootDelegation: false,
      domainId: domain.domainId,
    };
    await expectFullLife(namespaceDelegation, inputs);
    const { id, outs } = await namespaceDelegation.create(inputs);
    const more = { ...inputs, isRootDelegation: true };
    expect(await namespaceDelegation.diff(id, outs, more)).toMatchObject({ changes: true, replaces: [] });
    const { outs: changed } = await namespaceDelegation.update(id, outs, more);
    expect(await namespaceDelegation.read(id, changed)).toMatchObject({ props: { isRootDelegation: true } });
  });

  test("the namespace's own key is not to be delegated to, and is told before anything is done", async () => {
    const inputs = { namespace: alice.namespace, key: alice.namespace };
    const { failures } = await namespaceDelegation.check({}, inputs);
    expect(failures).toMatchObject([{ property: "key", reason: expect.stringContaining("name another key") }]);
  });

  test("an identifier is delegated to a key, which a party of the namespace may be signed with", async () => {
    const key = await generateSigningKey(alice.adminApi, "for Carol");
    const identifier = `Carol::${alice.namespace}`;
    await expectFullLife(identifierDelegation, { node: alice.adminApi, identifier, key, domainId: domain.domainId });
  });

  test("a key that the node does not know is refused by name", async () => {
    const key = `1220${"ab".repeat(32)}`;
    const inputs = { node: alice.adminApi, namespace: alice.namespace, key, isRootDelegation: false };
    await expect(namespaceDelegation.create(inputs)).rejects.toThrow(
      new RegExp(`is not delegated to key ${key}: PUBLIC_KEY_NOT_IN_STORE`),
    );
  });

  test("the domain's mediator is found, adopted, and one more is named", async () => {
    const own = {
      node: loopback(domain.adminPort),
      domainId: domain.domainId,
      mediator: `MED::${domain.domainId}`,
      side: "Both",
    };
    const { id, outs } = await mediatorDomainState.create(own);
    expect(await mediatorDomainState.read(id, outs)).toEqual({ id, props: own, inputs: own });
    const name = domain.domainId.slice(domain.domainId.indexOf("::"));
    await expectFullLife(mediatorDomainState, { ...own, mediator: `mediator2${name}` });
  });

  test("a party is hosted", async () => {
    const inputs = {
      participant: alice.adminApi,
      participantId: alice.participantId,
      party: "Alice",
      domainId: domain.domainId,
    };
    await expectFullLife(party, inputs);
  });

  test("a party is hosted on all domains that its participant is on, and stays on the others when it leaves one", async () => {
    await using other = await PermissionedDomain.start(1);
    await other.set(alice.participantId.replace("PAR::", ""), "Submission");
    await connectTo(alice.node, connection(other, { domainAlias: "other" }));
    const on = (...domains: string[]) => ({
      participant: alice.adminApi,
      participantId: alice.participantId,
      party: "Bridge",
      domainId: domains,
    });
    await expectFullLife(party, on(domain.domainId, other.domainId));
    const { id, outs } = await party.create(on(domain.domainId, other.domainId));
    expect(await party.diff(id, outs, on(domain.domainId))).toMatchObject({ changes: true, replaces: [] });
    const { outs: left } = await party.update(id, outs, on(domain.domainId));
    await convergeDisconnection({ participant: alice.adminApi, domainAlias: "other" });
    expect(await party.read(id, left)).toEqual({ id, props: left, inputs: on(domain.domainId) });
    const { props } = await party.read(id, { ...left, domainId: [domain.domainId, "third::1220aa"] });
    expect(props).toMatchObject({ drift: "is not in effect on the domain third::1220aa" });
  });

  test("a party is hosted by a further participant: its consent first, then the owner's, with a permission of its own", async () => {
    const { outs } = await party.create({
      participant: alice.adminApi,
      participantId: alice.participantId,
      party: "Shared",
      domainId: domain.domainId,
    });
    const shared = {
      party: outs["partyId"],
      participantId: bob.participantId,
      permission: "Observation",
      domainId: domain.domainId,
    };
    // Two stacks: each gives its own side only.
    const target = await partyHosting.create({ ...shared, target: bob.adminApi });
    expect(target.outs).toMatchObject({
      active: false,
      pending: expect.stringMatching(/^the owner of Shared::.*side From/),
    });
    const source = await partyHosting.create({ ...shared, source: alice.adminApi });
    expect(source.outs).toMatchObject({ active: true, pending: "" });
    // The first stack sees it when it looks again.
    await expect
      .poll(async () => (await partyHosting.read(target.id, target.outs)).props)
      .toMatchObject({ active: true });
    await partyHosting.delete(source.id, source.outs);
    await expect
      .poll(async () => (await partyHosting.read(target.id, target.outs)).props)
      .toMatchObject({ active: false });
    await partyHosting.delete(target.id, target.outs);
    expect(await partyHosting.read(target.id, target.outs)).toEqual({});

    // One stack with both.
    await expectFullLife(partyHosting, { ...shared, target: bob.adminApi, source: alice.adminApi });
  });

  test("a key is adopted, rotated without a moment without one, and drift is told", async () => {
    const inputs = {
      node: bob.adminApi,
      owner: bob.participantId,
      purpose: "signing",
      keyVersion: "1",
      domainId: domain.domainId,
    };
    const { id, outs } = await ownerToKeyMapping.create(inputs);
    const adopted = outs["fingerprint"];
    expect(await ownerToKeyMapping.create(inputs)).toEqual({ id, outs });
    expect(await ownerToKeyMapping.read(id, outs)).toEqual({ id, props: outs, inputs });

    const next = { ...inputs, keyVersion: "2" };
    const { outs: rotated } = await ownerToKeyMapping.update(id, outs, next);
    expect(rotated["fingerprint"]).not.toBe(adopted);
    expect(await ownerToKeyMapping.read(id, rotated)).toEqual({ id, props: rotated, inputs: next });
    expect(await ownerToKeyMapping.update(id, rotated, next)).toEqual({ outs: rotated });
    expect((await ownerToKeyMapping.read(id, outs)).props).toMatchObject({
      drift: `uses another key: ${rotated["fingerprint"]}`,
    });
    // The participant still works with its new key: a party reaches the domain.
    const made = await party.create({
      participant: bob.adminApi,
      participantId: bob.participantId,
      party: "AfterRotation",
      domainId: domain.domainId,
    });
    expect(made.outs).toMatchObject({ partyId: `AfterRotation::${bob.namespace}` });
    // The last key stays.
    await ownerToKeyMapping.delete(id, rotated);
    expect(await ownerToKeyMapping.read(id, rotated)).toMatchObject({ props: rotated });
  });

  test("domain parameters: only those given are managed, drift shows, deleting brings back the old ones", async () => {
    const manager = { domainManager: loopback(domain.adminPort), domainId: domain.domainId };
    const inputs = {
      ...manager,
      parameters: { reconciliationInterval: "30s", maxRequestSize: 5_000_000 },
      force: false,
    };
    const { id, outs } = await domainParameters.create(inputs);
    expect(outs["previous"]).toEqual({ reconciliationInterval: "1m", maxRequestSize: 10_485_760 });
    expect(await domainParameters.read(id, outs)).toEqual({ id, props: outs, inputs });

    // By hand, through another resource's eyes.
    const other = { ...manager, parameters: { reconciliationInterval: "45s" } };
    const byHand = await domainParameters.create(other);
    const seen = await domainParameters.read(id, outs);
    expect(seen.inputs).toMatchObject({ parameters: { reconciliationInterval: "45s", maxRequestSize: 5_000_000 } });
    expect(await domainParameters.diff(id, seen.props ?? {}, inputs)).toMatchObject({ changes: true, replaces: [] });
    await domainParameters.delete(byHand.id, byHand.outs);
    expect(await domainParameters.read(id, outs)).toEqual({ id, props: outs, inputs });

    // One less is managed: it goes back to what it was.
    const less = { ...inputs, parameters: { maxRequestSize: 5_000_000 } };
    const { outs: fewer } = await domainParameters.update(id, outs, less);
    expect(fewer).toEqual({ ...less, previous: { maxRequestSize: 10_485_760 } });
    const look = await domainParameters.read(id, { ...outs, previous: {} });
    expect(look.inputs).toMatchObject({ parameters: { reconciliationInterval: "1m" } });

    await domainParameters.delete(id, fewer);
    const after = await domainParameters.read(id, fewer);
    expect(after.inputs).toMatchObject({ parameters: { maxRequestSize: 10_485_760 } });
  });

  test("an increase of the tolerance has to be confirmed, and the refusal says how", async () => {
    const inputs = {
      domainManager: loopback(domain.adminPort),
      domainId: domain.domainId,
      parameters: { ledgerTimeRecordTimeTolerance: "70s", mediatorDeduplicationTimeout: "140s" },
    };
    await expect(domainParameters.create(inputs)).rejects.toThrow(/Set force: true to confirm the increase/);
    const { id, outs } = await domainParameters.create({ ...inputs, force: true });
    await domainParameters.delete(id, outs);
  });
});
