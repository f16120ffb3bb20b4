/**
 * The template `bridge` with nodes that run: two owners with a domain each, and a participant of a third organisation on both, each
 * with a stack, a namespace and databases of its own. What passes between them is what people send: invitations, and an id.
 */
import { headOf } from "@pulumi-canton/components/topology/mapping/steps.ts";
import { DomainConnectivityServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { TopologyManagerReadServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { call, withClient } from "@pulumi-canton/runtime/grpc-client.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CloudStack, type Config } from "./cloud-stack.ts";
import { Cluster, done } from "./cluster.ts";

const minutes = 60_000;
const options = { deadlineMs: 15_000 };
const ofDomain = ["domain-manager", "mediator", "sequencer1"];
const owners = ["private", "public"] as const;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start("127.0.78", { private: ofDomain, public: ofDomain, bridge: ["bank"] });
}, 2 * minutes);

afterAll(() => cluster?.[Symbol.asyncDispose]());

function domainOf(owner: string, admitted: readonly string[]): Config {
  return {
    template: "kubernetes",
    ...cluster.place(owner, ofDomain),
    network: { ingress: [{ namespace: "bridge" }] },
    // Both owners call theirs the same: what a participant calls it is its own matter.
    domain: { alias: "mydomain", sequencers: 1, policy: "permissioned", invitation: {} },
    allowList: admitted.map((participant) => ({ participant })),
  };
}

function bridgeOf(domains: Config, parties: readonly string[]): Config {
  return {
    template: "bridge",
    ...cluster.place("bridge", ["bank"]),
    network: { sequencers: owners.map((namespace) => ({ peer: { namespace }, port: 5001 })) },
    participant: { name: "bank", parties },
    domains,
  };
}

interface Bundle {
  readonly invitation: { readonly domainId: string; readonly sequencers: readonly { readonly url: string }[] };
}

/** Parties and who hosts them, by their names, as the topology of a domain says to a node. */
async function hosted(node: string, namespace: string, domainId: string): Promise<string[]> {
  return withClient(TopologyManagerReadServiceClient, cluster.adminApi(node, namespace), async (client) => {
    const request = {
      baseQuery: headOf(domainId),
      filterParty: "",
      filterParticipant: "",
      filterRequestSide: undefined,
      filterPermission: undefined,
    };
    const { results } = await call(client, "listPartyToParticipant", request, options);
    const name = (id = "") => id.replace(/^PAR::/, "").split("::")[0];
    return results.map(({ item }) => `${name(item?.party)} by ${name(item?.participant)}`).sort();
  });
}

/** What a participant calls the domains that it is connected to, with their ids. */
async function connected(name: string, namespace: string): Promise<Record<string, string>> {
  return withClient(DomainConnectivityServiceClient, cluster.adminApi(name, namespace), async (client) => {
    const { connectedDomains } = await call(client, "listConnectedDomains", {}, options);
    return Object.fromEntries(connectedDomains.map(({ domainAlias, domainId }) => [domainAlias, domainId]));
  });
}

test("a participant of one organisation comes onto the domains of two others, hosts parties there, and goes", {
  timeout: 8 * minutes,
}, async () => {
  const { kubelet, standIn } = cluster;
  await using privately = await CloudStack.create(standIn, "private", domainOf("private", []));
  await using publicly = await CloudStack.create(standIn, "public", domainOf("public", []));
  const domains = { private: privately, public: publicly };
  const onBoth = async <T>(work: (owner: "private" | "public") => Promise<T>) => {
    const [first, second] = await Promise.all(owners.map(work));
    return { private: first as T, public: second as T };
  };
  await onBoth(async (owner) => cluster.succeeded(await domains[owner].up()));

  // Where the sequencers are and whom to trust there, the owners did not have to say.
  const invitations = await onBoth(async (owner) => (await domains[owner].output("invitation")) as Bundle);
  const { private: here, public: there } = invitations;
  expect(here.invitation.sequencers).toMatchObject([
    { url: "https://sequencer1.private.svc.cluster.local:5001", certificates: expect.stringContaining("BEGIN") },
  ]);
  const ids = { private: here.invitation.domainId, public: there.invitation.domainId };
  const seenBy = () => onBoth((owner) => hosted("domain-manager", owner, ids[owner]));
  const seenByBank = () => onBoth((owner) => hosted("bank", "bridge", ids[owner]));

  const made = () => standIn.clouds.resources.map(({ token, id }) => `${token} ${id}`).sort();
  const madeByOwners = made();
  const joins = { private: { invitation: here }, public: { invitation: there } };
  await using bridge = await CloudStack.create(standIn, "bridge", bridgeOf(joins, ["Bank"]));
  const planned = await bridge.planned();
  expect(planned.filter(({ type }) => type.endsWith(":DomainConnection"))).toHaveLength(2);

  // Nobody knows it yet: each of the two connections says to whom its id is to go, and nothing else fails.
  const refused = await bridge.up();
  expect(refused.exitCode, refused.output).not.toBe(0);
  const [, id = ""] = /- participant: (PAR::bank::1220\w+)\n/.exec(refused.output) ?? [];
  for (const owner of owners) {
    expect(refused.output).toContain(`The domain ${owner} (${ids[owner]}) refused participant ${id}`);
  }
  expect(done(refused, "create")).not.toContain("bank-party-Bank");
  expect(await seenBy()).toEqual({ private: [], public: [] });

  await onBoth(async (owner) => {
    await domains[owner].configure(domainOf(owner, [id]));
    const admitted = cluster.succeeded(await domains[owner].up());
    expect(done(admitted, "create")).toHaveLength(1);
  });
  const joined = cluster.succeeded(await bridge.up());
  expect([...done(joined, "replace"), ...done(joined, "delete")]).toEqual([]);
  expect(await connected("bank", "bridge")).toEqual(ids);
  const bank = { private: ["Bank by bank"], public: ["Bank by bank"] };
  expect(await seenBy()).toEqual(bank);
  expect(await seenByBank()).toEqual(bank);

  const again = cluster.succeeded(await bridge.up("--refresh", "--expect-no-changes"));
  expect(again.drifted).toEqual([]);

  await bridge.configure(bridgeOf(joins, ["Bank", "Treasury"]));
  const grown = cluster.succeeded(await bridge.up());
  expect(done(grown, "create")).toEqual(["bank-party-Treasury"]);
  expect([...done(grown, "update"), ...done(grown, "replace"), ...done(grown, "delete")]).toEqual([]);
  const two = ["Bank by bank", "Treasury by bank"];
  expect(await seenBy()).toEqual({ private: two, public: two });

  // A participant keeps the name under which it has joined a domain: it stays as it is.
  await bridge.configure(bridgeOf({ private: joins.private, shared: joins.public }, ["Bank", "Treasury"]));
  const renamed = await bridge.up();
  expect(renamed.exitCode, renamed.output).not.toBe(0);
  expect(renamed.output).toContain(`it joined ${ids.public} as "public"`);
  expect(await connected("bank", "bridge")).toEqual(ids);

  await bridge.configure(bridgeOf(joins, ["Treasury"]));
  const less = cluster.succeeded(await bridge.up());
  expect(done(less, "delete")).toEqual(expect.arrayContaining(["bank-party-Bank"]));
  expect([...done(less, "replace"), ...done(less, "create")]).toEqual([]);
  expect(await connected("bank", "bridge")).toEqual(ids);
  const treasury = { private: ["Treasury by bank"], public: ["Treasury by bank"] };
  expect(await seenBy()).toEqual(treasury);
  expect(await seenByBank()).toEqual(treasury);

  cluster.succeeded(await bridge.destroy());
  const left = owners.flatMap((owner) => ofDomain.map((name) => `${name}.${owner}`)).sort();
  expect(kubelet.nodes).toEqual(left);
  expect(made()).toEqual(madeByOwners);
  expect(await seenBy()).toEqual({ private: [], public: [] });
  await onBoth(async (owner) => cluster.succeeded(await domains[owner].up("--refresh", "--expect-no-changes")));

  await onBoth(async (owner) => cluster.succeeded(await domains[owner].destroy()));
  expect(kubelet.nodes).toEqual([]);
  expect(standIn.clouds.resources).toEqual([]);
});
