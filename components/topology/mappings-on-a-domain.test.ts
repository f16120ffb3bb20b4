/** Resources that are topology mappings, on real nodes: authorised, in effect on the domain, found again, taken back. */
import { PermissionedDomain } from "@pulumi-canton/participant/testing/permissioned-domain.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StepProvider } from "../dynamic/step-provider.ts";
import { provider as identifierDelegation } from "./identifier-delegation/provider.ts";
import { provider as mediatorDomainState } from "./mediator-domain-state/provider.ts";
import { provider as namespaceDelegation } from "./namespace-delegation/provider.ts";
import { provider as party } from "./party/provider.ts";
import { type ConnectedParticipant, connectedParticipant, generateSigningKey, loopback } from "./testing/real-nodes.ts";

let domain: PermissionedDomain;
let alice: ConnectedParticipant;

beforeAll(async () => {
  domain = await PermissionedDomain.start(1);
  alice = await connectedParticipant("alice", domain);
});

afterAll(async () => {
  await alice?.node.stop();
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
});
