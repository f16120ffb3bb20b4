/**
 * The template `kubernetes` with nodes that run: the engine makes the objects in the stand-in, a kubelet of the tests runs their pods
 * as processes from the very files that they would have, and the topology is made through their admin APIs.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "@pulumi-canton/components/platform/local/embedded-postgres.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../free-port.ts";
import { CloudStack, type Config, type Outcome } from "./cloud-stack.ts";
import { Kubelet } from "./kubelet.ts";
import { StandIn } from "./stand-in/stand-in.ts";

const minutes = 60_000;
const names = ["domain-manager", "mediator", "sequencer1", "sequencer2", "bank", "alice"];
// All of loopback is this machine's: each node has an address, and all the same ports.
const addresses = Object.fromEntries(names.map((name, index) => [name, `127.0.77.${index + 1}`]));

let folder: string;
let standIn: StandIn;
let kubelet: Kubelet;
let postgres: Awaited<ReturnType<typeof startPostgres>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulumi-canton-cluster-"));
  postgres = await startPostgres({
    directory: join(folder, "postgres"),
    port: await freePort(),
    logFile: join(folder, "postgres.log"),
    deadlineMs: minutes,
  });
  standIn = await StandIn.start(join(folder, "clouds"));
  kubelet = new Kubelet(folder, addresses);
  standIn.clouds.watcher = kubelet;
}, 2 * minutes);

afterAll(async () => {
  await kubelet?.[Symbol.asyncDispose]();
  await standIn?.[Symbol.asyncDispose]();
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** An image that stands for the programs of this clone. */
const image = (role: string, version: number) =>
  `registry.example.com/${role}@sha256:${String(version).padStart(64, "0")}`;

function configOf(participants: readonly string[], version = 1): Config {
  const roles = ["domain-manager", "sequencer", "mediator", "participant"];
  const { hostname, port, username, password } = new URL(postgres.url);
  const nodes = names.filter((name) => name !== "bank" && name !== "alice").concat(participants);
  return {
    template: "kubernetes",
    environment: "dev",
    name: "canton",
    cluster: { kubeconfig: "{}" },
    databases: {
      nodes: {
        host: hostname,
        port: Number(port),
        administrator: { user: decodeURIComponent(username), password: decodeURIComponent(password) },
        tls: false,
      },
    },
    images: {
      nodes: Object.fromEntries(roles.map((role) => [role, image(role, role === "participant" ? version : 1)])),
      databaseSetup: image("database-setup", 1),
    },
    ledgerApi: { auth: [{ type: "jwks", url: "https://idp.example.com/jwks" }] },
    access: {
      via: "tunnels",
      tunnels: Object.fromEntries(nodes.map((name) => [name, `${addresses[name]}:5002`])),
    },
    domain: { alias: "mydomain", sequencers: 2, policy: "permissioned" },
    participants: participants.map((name) => ({ name, parties: [`Party-of-${name}`] })),
  };
}

function succeeded(outcome: Outcome): Outcome {
  if (outcome.exitCode !== 0) {
    throw new Error(
      [outcome.output, ...kubelet.nodes.map((name) => `${name}:\n${kubelet.log(name).slice(-3000)}`)].join("\n"),
    );
  }
  return outcome;
}

/** What was done to resources; the engine's own provider of dynamic ones is nobody's. */
const done = ({ steps }: Outcome, op: string) =>
  steps.filter((step) => step.op === op && step.type !== "pulumi:providers:pulumi-nodejs").map(({ name }) => name);

test("a domain and its participants come up in a cluster, stay, grow, are renewed and go", {
  timeout: 8 * minutes,
}, async () => {
  await using stack = await CloudStack.create(standIn, "cluster", configOf(["bank"]));
  succeeded(await stack.up());
  expect(kubelet.nodes).toEqual(["bank", "domain-manager", "mediator", "sequencer1", "sequencer2"]);

  // Nodes, permissions, connections and parties are looked at, and are as they are asked for.
  const again = succeeded(await stack.up("--refresh", "--expect-no-changes"));
  // Nodes that another sets to work are seen at work by now.
  expect(again.drifted.filter((resource) => !resource.includes(":NodeReadiness "))).toEqual([]);

  await stack.configure(configOf(["bank", "alice"]));
  const grown = succeeded(await stack.up());
  expect(done(grown, "create")).toEqual(
    expect.arrayContaining(["alice", "alice-connection", "alice-party-Party-of-alice"]),
  );
  expect([...done(grown, "replace"), ...done(grown, "delete")]).toEqual([]);
  expect(kubelet.nodes).toContain("alice");

  // Another image of participants: their pods are made anew, and are the same nodes.
  await stack.configure(configOf(["bank", "alice"], 2));
  const renewed = succeeded(await stack.up());
  expect(new Set(done(renewed, "update"))).toEqual(new Set(["alice", "bank"]));
  expect([...done(renewed, "create"), ...done(renewed, "replace"), ...done(renewed, "delete")]).toEqual([]);

  succeeded(await stack.destroy());
  expect(kubelet.nodes).toEqual([]);
  expect(standIn.clouds.resources).toEqual([]);
});
