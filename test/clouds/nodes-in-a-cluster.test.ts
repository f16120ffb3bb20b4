/**
 * The template `kubernetes` with nodes that run: the engine makes the objects in the stand-in, a kubelet of the tests runs their pods
 * as processes from the very files that they would have, and the topology is made through their admin APIs.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readDump } from "@pulumi-canton/components/recovery/identity-dump-file.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CloudStack, type Config } from "./cloud-stack.ts";
import { Cluster, done } from "./cluster.ts";

const minutes = 60_000;
const ofDomain = ["domain-manager", "mediator", "sequencer1", "sequencer2"];

let cluster: Cluster;
let passphraseFile: string;

beforeAll(async () => {
  passphraseFile = join(await mkdtemp(join(tmpdir(), "dump-passphrase-")), "passphrase");
  await writeFile(passphraseFile, "correct horse battery staple\n", { mode: 0o600 });
  cluster = await Cluster.start("127.0.77", { canton: [...ofDomain, "bank", "alice"] });
}, 2 * minutes);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await rm(dirname(passphraseFile), { recursive: true, force: true });
});

/** The nodes that are in the dumps of a stack, each with its id and how many keys and transactions of topology it had. */
async function dumpsOf(stack: CloudStack) {
  const dumps = (await stack.output("identityDumps")) as Record<string, string>;
  return Object.fromEntries(
    Object.entries(dumps).map(([node, text]) => {
      const { uniqueIdentifier, keyFiles, topology } = readDump(text);
      return [node, { uniqueIdentifier, keys: keyFiles.length, transactions: topology.transactions.length }];
    }),
  );
}

function configOf(participants: readonly string[], { version = 1, dumps = true } = {}): Config {
  return {
    template: "kubernetes",
    ...cluster.place("canton", [...ofDomain, ...participants], { participants: version }),
    domain: { alias: "mydomain", sequencers: 2, policy: "permissioned" },
    participants: participants.map((name) => ({ name, parties: [`Party-of-${name}`] })),
    ...(dumps && { identityDumps: { passphraseFile } }),
  };
}

test("a domain and its participants come up in a cluster, stay, grow, are renewed and go", {
  timeout: 8 * minutes,
}, async () => {
  const { kubelet, standIn } = cluster;
  await using stack = await CloudStack.create(standIn, "cluster", configOf(["bank"], { dumps: false }));
  cluster.succeeded(await stack.up());
  expect(kubelet.nodes).toEqual(["bank", ...ofDomain].map((name) => `${name}.canton`));

  // Nodes, permissions, connections and parties are looked at, and are as they are asked for.
  const again = cluster.succeeded(await stack.up("--refresh", "--expect-no-changes"));
  // Nodes that another sets to work are seen at work by now.
  expect(again.drifted.filter((resource) => !resource.includes(":NodeReadiness "))).toEqual([]);

  await stack.configure(configOf(["bank"]));
  const dumped = cluster.succeeded(await stack.up());
  expect(done(dumped, "create").sort()).toEqual(["bank-identity-dump", "domain-manager-identity-dump"]);
  const dumps = await dumpsOf(stack);
  expect(dumps).toMatchObject({
    "domain-manager": { uniqueIdentifier: expect.stringMatching(/^mydomain::/) },
    bank: { uniqueIdentifier: expect.stringMatching(/^bank::/), keys: 3 },
  });

  await stack.configure(configOf(["bank", "alice"]));
  const grown = cluster.succeeded(await stack.up());
  expect(done(grown, "create")).toEqual(
    expect.arrayContaining(["alice", "alice-connection", "alice-party-Party-of-alice"]),
  );
  expect([...done(grown, "replace"), ...done(grown, "delete")]).toEqual([]);
  expect(kubelet.nodes).toContain("alice.canton");
  // Who the domain manager is now, with the permission of the newcomer.
  const more = await dumpsOf(stack);
  expect(Object.keys(more).sort()).toEqual(["alice", "bank", "domain-manager"]);
  expect(more["domain-manager"]?.transactions).toBeGreaterThan(dumps["domain-manager"]?.transactions ?? 0);

  // Another image of participants: their pods are made anew, and are the same nodes.
  await stack.configure(configOf(["bank", "alice"], { version: 2 }));
  const renewed = cluster.succeeded(await stack.up());
  expect(new Set(done(renewed, "update"))).toEqual(new Set(["alice", "bank"]));
  expect([...done(renewed, "create"), ...done(renewed, "replace"), ...done(renewed, "delete")]).toEqual([]);

  cluster.succeeded(await stack.destroy());
  expect(kubelet.nodes).toEqual([]);
  expect(standIn.clouds.resources).toEqual([]);
});
