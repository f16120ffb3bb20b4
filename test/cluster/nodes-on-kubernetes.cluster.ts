/**
 * The template `kubernetes` on a whole Kubernetes: images from node-images/Containerfile, a kubelet that runs them, probes, policies of
 * the network that are enforced, and everything that a cluster does to pods. Needs root.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { createTestAuthority } from "@pulumi-canton/runtime/testing/certificates.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CloudStack, type Outcome } from "../clouds/cloud-stack.ts";
import { done } from "../clouds/cluster.ts";
import { StandIn } from "../clouds/stand-in/stand-in.ts";
import { Cluster } from "./cluster.ts";
import { configurationOf, nodesOf, type Wanted } from "./configuration.ts";
import { startDatabaseServer } from "./database-server.ts";
import { buildNodeImages, type NodeImages } from "./images/node-images.ts";
import { type Pod, Pods, podOf } from "./pods.ts";
import { clusterPrograms } from "./programs.ts";

const minutes = 60_000;
const timeout = 10 * minutes;
const namespace = "canton";
const participants = ["bank", "alice"];
const ports = { publicApi: 5001, adminApi: 5002, ledgerApi: 5011 };

const programs = await clusterPrograms();
const missing = "unavailable" in programs ? programs.unavailable : undefined;
if (missing !== undefined) console.warn(`SKIPPED: nodes on a whole Kubernetes: ${missing}`);

// One stack lives through all of this, in this order.
describe.skipIf(missing !== undefined)("a domain on Kubernetes", { timeout }, () => {
  const after = new AsyncDisposableStack();
  let images: NodeImages;
  let cluster: Cluster;
  let standIn: StandIn;
  let stack: CloudStack;
  let pods: Pods;
  /** What the stack is at the beginning. */
  let first: Wanted;

  beforeAll(async () => {
    if ("unavailable" in programs) return;
    const folder = await mkdtemp(join(tmpdir(), "pulumi-canton-kubernetes-"));
    after.defer(() => rm(folder, { recursive: true, force: true }));
    images = await buildNodeImages(programs, join(folder, "images"));
    cluster = after.use(await Cluster.start(programs, images, join(folder, "machine")));
    standIn = after.use(await StandIn.start(join(folder, "clouds")));
    standIn.clouds.watcher = cluster.objects;
    pods = new Pods(cluster, namespace);
    first = {
      environment: "dev",
      namespace,
      images,
      databases: await startDatabaseServer(cluster.machine, 5432),
      tunnels: await tunnelsTo(namespace, nodesOf({ sequencers: 2, participants })),
      sequencers: 2,
      participants: ["bank"],
    };
    stack = after.use(await CloudStack.create(standIn, "cluster", configurationOf(first)));
  }, 20 * minutes);

  afterAll(() => after.disposeAsync(), minutes);

  /** Where the admin APIs of nodes are reached, which need not be there yet. */
  async function tunnelsTo(of: string, nodes: readonly string[]): Promise<Record<string, string>> {
    const tunnels: Record<string, string> = {};
    for (const node of nodes) {
      const port = await cluster.machine.tunnel(`${node}.${of}.svc.cluster.local`, ports.adminApi);
      tunnels[node] = `127.0.0.1:${port}`;
    }
    return tunnels;
  }

  async function succeeded(outcome: Outcome, where = pods): Promise<Outcome> {
    if (outcome.exitCode === 0) return outcome;
    throw new Error([outcome.output, await where.report(), cluster.machine.logs].join("\n\n"));
  }

  /** Whether each of a node's pods is ready: those that are not come first. */
  async function readiness(node: string, where = pods): Promise<boolean[]> {
    return (await where.of(node)).map(({ ready }) => ready).sort();
  }

  test("comes up: every pod by its own probes, and the topology through their admin APIs", async () => {
    await succeeded(await stack.up());
    for (const node of nodesOf(first)) {
      const { image, restarts } = await pods.untilReady(node);
      expect(image).toMatch(/@sha256:/);
      expect(restarts).toBe(0);
    }
    expect(await stack.output("parties")).toEqual({ "Party-of-bank": expect.stringContaining("Party-of-bank::") });
  });

  test("is seen as it was asked for, and nothing is to be done", async () => {
    await succeeded(await stack.up("--refresh", "--expect-no-changes"));
  });

  test("pods reach whom they have to, and nobody else", async () => {
    const at = (node: string, port: keyof typeof ports) => [`${node}.${namespace}`, ports[port]] as const;
    const { databases } = first;
    expect(await pods.tries("bank", ...at("sequencer1", "publicApi"))).toBe("connected");
    expect(await pods.tries("mediator", ...at("sequencer2", "publicApi"))).toBe("connected");
    expect(await pods.tries("domain-manager", ...at("mediator", "adminApi"))).toBe("connected");
    expect(await pods.tries("bank", databases.host, databases.port)).toBe("connected");

    expect(await pods.tries("bank", ...at("mediator", "adminApi"))).toBe("no answer");
    expect(await pods.tries("bank", ...at("sequencer1", "adminApi"))).toBe("no answer");
    expect(await pods.tries("sequencer1", ...at("bank", "ledgerApi"))).toBe("no answer");
    expect(await pods.tries("bank", databases.host, 6443)).toBe("no answer");

    const elsewhere = new Pods(cluster, "elsewhere");
    await elsewhere.start("stranger", images.pinned("participant"));
    expect(await elsewhere.tries("stranger", ...at("sequencer1", "publicApi"))).toBe("no answer");
    expect(await elsewhere.tries("stranger", ...at("mediator", "adminApi"))).toBe("no answer");
    // It is the policies of the namespace that keep it out.
    expect(await elsewhere.tries("stranger", "kubernetes.default", 443)).toBe("connected");
  });

  test("the namespace takes no pod that asks for more than it needs", async () => {
    const { metadata, spec } = podOf("root", namespace, images.pinned("participant"));
    const asRoot = { ...spec, securityContext: { ...spec.securityContext, runAsNonRoot: false, runAsUser: 0 } };
    await expect(cluster.objects.apply({ apiVersion: "v1", kind: "Pod", metadata, spec: asRoot })).rejects.toThrow(
      /violates PodSecurity "restricted/,
    );
  });

  test("a pod that is deleted comes back, a program that is killed is started again, and the domain goes on", async () => {
    const mediator = await pods.untilReady("mediator");
    await pods.delete(mediator);
    await pods.untilReady("mediator", ({ uid }) => uid !== mediator.uid);

    const sequencer = await pods.untilReady("sequencer1");
    await cluster.containers("tasks", "kill", "--signal", "SIGKILL", sequencer.container);
    const again = await pods.untilReady("sequencer1", ({ restarts }) => restarts === 1);
    expect(again.uid).toBe(sequencer.uid);

    await stack.configure(configurationOf({ ...first, participants }));
    const grown = await succeeded(await stack.up());
    expect(done(grown, "create")).toEqual(
      expect.arrayContaining(["alice", "alice-connection", "alice-party-Party-of-alice"]),
    );
    expect([...done(grown, "replace"), ...done(grown, "delete")]).toEqual([]);
  });

  test("what somebody deletes is made again", async () => {
    const metadata = { name: "domain-manager", namespace };
    await cluster.objects.remove({ apiVersion: "apps/v1", kind: "Deployment", metadata });
    const repaired = await succeeded(await stack.up("--refresh"));
    expect(done(repaired, "create")).toContain("domain-manager");
    await pods.untilReady("domain-manager");
  });

  test("another image and another configuration replace the pods of participants, which stay the same nodes", async () => {
    const identities = await stack.output("participantIds");
    await stack.configure(configurationOf({ ...first, participants, participantImage: 2 }));
    const renewed = await succeeded(await stack.up());
    expect(new Set(done(renewed, "update"))).toEqual(new Set(participants));
    expect([...done(renewed, "create"), ...done(renewed, "replace"), ...done(renewed, "delete")]).toEqual([]);
    const image = images.pinned("participant", 2);
    const before = await Promise.all(participants.map((node) => pods.untilReady(node, (pod) => pod.image === image)));

    await stack.configure(
      configurationOf({ ...first, participants, participantImage: 2, audience: "https://ledger.example.com" }),
    );
    await succeeded(await stack.up());
    for (const { node, uid } of before) await pods.untilReady(node, (pod) => pod.uid !== uid);
    expect(await stack.output("participantIds")).toEqual(identities);
  });

  test("of the sequencers one at a time is moved", async () => {
    const [first, second] = [await pods.untilReady("sequencer1"), await pods.untilReady("sequencer2")];
    await expect.poll(() => pods.evict(first), { timeout: minutes }).toBe(201);
    // Too many requests, for as long as the first is away.
    expect(await pods.evict(second)).toBe(429);
    await pods.untilReady("sequencer1", ({ uid }) => uid !== first.uid);
    await expect.poll(() => pods.evict(second), { timeout: minutes }).toBe(201);
    await pods.untilReady("sequencer2", ({ uid }) => uid !== second.uid);
  });

  test("a standby takes over from a pod that is gone", async () => {
    await stack.configure(configurationOf({ ...first, participants, participantImage: 2, standbys: 1 }));
    await succeeded(await stack.up());
    await expect.poll(() => readiness("mediator"), { timeout: 2 * minutes, interval: 500 }).toEqual([false, true]);
    const all = await pods.of("mediator");
    const [leader, standby] = [all.find(({ ready }) => ready), all.find(({ ready }) => !ready)];
    await pods.delete(leader as Pod);
    await expect
      .poll(async () => (await pods.of("mediator")).find(({ ready }) => ready)?.uid, {
        timeout: minutes,
        interval: 500,
      })
      .toBe(standby?.uid);
    await succeeded(await stack.up("--refresh"));
  });

  test("goes, and leaves nothing", async () => {
    await succeeded(await stack.destroy());
    expect(standIn.clouds.resources).toEqual([]);
    expect((await cluster.client.ask(`/api/v1/namespaces/${namespace}`)).status).toBe(404);
  });

  test("staging: certificates of clients, TLS to the databases, and standbys from the beginning", async () => {
    using authority = await createTestAuthority();
    const place = { namespace: "canton-staging", sequencers: 1, participants: ["bank"] };
    const there = new Pods(cluster, place.namespace);
    const tunnels = await tunnelsTo(place.namespace, nodesOf(place));
    const databases = await startDatabaseServer(cluster.machine, 5433, authority);
    const configuration = configurationOf({ environment: "staging", images, databases, tunnels, ...place });
    await using staging = await CloudStack.create(standIn, "staging", configuration);
    await succeeded(await staging.up(), there);
    await succeeded(await staging.up("--refresh", "--expect-no-changes"), there);
    for (const node of ["mediator", "bank"]) {
      await expect.poll(() => readiness(node, there), { timeout: minutes, interval: 500 }).toEqual([false, true]);
    }
    expect(await failureWithoutCertificate(tunnels["mediator"] as string)).toMatch(/CERTIFICATE_REQUIRED/);
    await succeeded(await staging.destroy(), there);
    expect((await cluster.client.ask(`/api/v1/namespaces/${place.namespace}`)).status).toBe(404);
  });
});

/** Why a server ends the connection of a client that shows no certificate. */
function failureWithoutCertificate(address: string): Promise<string> {
  const { hostname: host, port } = new URL(`https://${address}`);
  return new Promise((resolve) => {
    connect({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ["h2"] })
      .once("error", ({ code }: NodeJS.ErrnoException) => resolve(String(code)))
      .once("close", () => resolve("it was closed"))
      .resume();
  });
}
