import { expect, test } from "vitest";
import { type Resource, stackViolations, testType } from "../testing/ask.ts";
import { rootKeyOffNode } from "./root-key-off-node.ts";

const identity: Resource = {
  type: "pulumi-nodejs:dynamic/topology:NodeIdentity",
  name: "alice-identity",
  parent: "alice",
  props: { identifier: "alice", role: "participant", rootKey: "elsewhere" },
};
const alice: Resource = { type: "pulumi-canton:participant:Participant", name: "alice", props: {} };
const domain: Resource = { type: "pulumi-canton:domain:Domain", name: "mydomain", props: {} };

testType(rootKeyOffNode, identity, [
  ["rootKey", "node"],
  ["rootKey", undefined],
]);

test("a participant or domain that initialises itself has its root key on the node", async () => {
  expect(await stackViolations(rootKeyOffNode, [alice, identity])).toEqual({});
  expect(await stackViolations(rootKeyOffNode, [alice])).toEqual({
    alice: ['initialisation: got "auto", which makes the root key on the node; expected "detached"'],
  });
  expect(await stackViolations(rootKeyOffNode, [domain, alice, identity])).toEqual({
    mydomain: ['initialisation: got "auto", which makes the root key on the node; expected "detached"'],
  });
  const ofDomain = { ...identity, name: "domain-manager-identity", parent: "mydomain" };
  expect(await stackViolations(rootKeyOffNode, [domain, ofDomain, alice, identity])).toEqual({});
  expect(await stackViolations(rootKeyOffNode, [alice, domain], { environment: "staging" })).toEqual({});
});
