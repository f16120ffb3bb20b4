import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { TestNetwork } from "../testing/test-network.ts";
import type { Life } from "../trace/life.ts";
import type { StepTimes } from "../trace/step-times.ts";
import type { TopologyStateView } from "./topology.ts";

vi.setConfig({ testTimeout: 120_000 });

let network: TestNetwork;
beforeAll(async () => {
  network = await TestNetwork.start();
  await network.join("alice");
  await network.join("bob");
}, 60_000);
afterAll(() => network?.[Symbol.asyncDispose]());

const trace = (...args: string[]) => network.json<Life[]>("trace", ...args);
const steps = ({ steps }: Life) => steps.map(({ number, step, node }) => [number, step, node]);
const wholeLife = [
  ["3", "authorised", "alice"],
  ["4", "stored", "alice"],
  ["5", "dispatched", "alice"],
  ["6", "request sequenced", "mydomain"],
  ["6", "decided", "mydomain"],
  ["7, 8", "added to the domain", "mydomain"],
  ["9", "broadcast", "mydomain"],
  ["10", "sequenced", "sequencer"],
];
const members = ["alice", "bob", "mediator1", "mydomain", "sequencer1", "sequencer2"];

async function allLogs(): Promise<string> {
  const folder = network.path("logs");
  const texts = (await readdir(folder)).map((name) => readFile(`${folder}/${name}`, "utf8"));
  return (await Promise.all(texts)).join("");
}

test("one trace id follows an enabled party through all nodes, in the order of the steps", async () => {
  const enabled = await network.text("parties", "enable", "Gottlieb", "--node", "alice");
  const traceId = /console trace ([0-9a-f]{32})/.exec(enabled)?.[1] ?? "";
  const [life] = await trace("--party", "Gottlieb", "--follow");
  expect(life?.traceIds).toEqual([traceId]);
  expect(life?.waitingFor).toEqual([]);
  const taken = steps(life as Life);
  expect(taken.slice(0, wholeLife.length)).toEqual(wholeLife);
  const effective = taken.filter(([, step]) => step === "effective");
  expect(effective.map(([, , node]) => node).sort()).toEqual(members);
  // What one node did after another is told with times that fit: all processes share this machine's clock.
  const times = (life as Life).steps.slice(0, wholeLife.length).map(({ at }) => Date.parse(at));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test("by element id, by hash and by trace id it is the same life; the logs may come through a pipe", async () => {
  const { transactions } = await network.json<TopologyStateView>(
    "topology",
    "list",
    "--kind",
    "PartyToParticipant",
    "--about",
    "Gottlieb",
  );
  const [{ elementId = "", transaction = "" } = {}] = transactions;
  const [byElement] = await trace(elementId);
  expect(await trace(transaction.slice(0, 12))).toEqual([byElement]);
  expect(await trace(byElement?.traceIds[0] ?? "")).toEqual([byElement]);
  // As `kubectl logs --prefix` writes them.
  const piped = (await allLogs()).replace(/^\{/gm, "[pod/x/node] {");
  const { stdout } = await network.console(
    ["trace", elementId, "--from", "-", "--json"],
    `${piped}no log line\n{"step":\n`,
  );
  expect(JSON.parse(stdout)).toEqual([byElement]);
});

test("a change that waits for a connection, and for a restart, keeps the trace in which it was made", async () => {
  await network.text("domains", "disconnect", "mydomain", "--node", "alice");
  const enabled = await network.text("parties", "enable", "Patient", "--node", "alice", "--no-wait");
  const traceId = /console trace ([0-9a-f]{32})/.exec(enabled)?.[1] ?? "";
  const [waiting] = await trace("--party", "Patient");
  expect(steps(waiting as Life)).toEqual(wholeLife.slice(0, 2));
  expect(waiting?.waitingFor).toEqual(["alice to pass it on to a domain"]);
  expect((await network.console(["trace", "--party", "Patient", "--follow", "--timeout", "300ms"])).code).toBe(1);
  await network.restart("alice");
  await network.text("domains", "reconnect", "mydomain", "--node", "alice");
  const [life] = await trace("--party", "Patient", "--follow");
  expect(life?.traceIds).toEqual([traceId]);
  expect(steps(life as Life).slice(0, wholeLife.length)).toEqual(wholeLife);
});

test("what the domain's owner changes has no request, and what it refuses ends with the reason", async () => {
  const changed = await network.text("domain", "parameters", "set", "maxRatePerParticipant=400000");
  const [life] = await trace(/console trace (\w+)/.exec(changed)?.[1] ?? "", "--follow");
  expect(
    steps(life as Life)
      .slice(0, 4)
      .map(([, step]) => step),
  ).toEqual(["authorised", "stored", "broadcast", "sequenced"]);

  const stranger = `Strange::${network.idOf("bob").split("::").at(-1)}`;
  // The owner's side of a party that another participant is to host: the domain takes it, the target's side is missing.
  const { transaction } = await network.json<{ transaction: string }>(
    ...([
      "topology",
      "authorize",
      "party-to-participant",
      stranger,
      "alice",
      "--side",
      "From",
      "--node",
      "bob",
    ] as const),
  );
  expect((await trace(transaction, "--follow"))[0]?.waitingFor).toEqual([]);

  const otherKeys = await network.json<{ fingerprint: string }>("keys", "generate", "signing", "--node", "alice");
  await network.text(
    "topology",
    "authorize",
    "owner-to-key",
    `SEQ::fake::${network.idOf("alice").split("::").at(-1)}`,
    otherKeys.fingerprint,
    "--purpose",
    "signing",
    "--node",
    "alice",
  );
  const [refused] = await trace(...(await hashOf("SEQ::fake")), "--follow");
  const decided = refused?.steps.find(({ step }) => step === "decided");
  expect(decided?.detail).toContain("keys of the domain's own nodes are registered by the domain");
  expect(refused?.waitingFor).toEqual([]);
});

async function hashOf(about: string): Promise<[string]> {
  const args = ["topology", "list", "--node", "alice", "--authorized", "--about", about.replace("SEQ::", "")];
  const { transactions } = await network.json<TopologyStateView>(...args);
  return [transactions[0]?.transaction ?? ""];
}

test("the metrics tell how long each step takes", async () => {
  const times = await network.json<StepTimes[]>("trace", "--times");
  for (const step of ["stored", "dispatched", "effective"]) {
    const found = times.find((each) => each.step === step && each.node === "alice");
    expect(found?.count).toBeGreaterThan(0);
    expect(found?.meanSeconds).toBeGreaterThanOrEqual(0);
  }
});

test("mistakes are told with what is accepted", async () => {
  expect(await network.refusal("trace")).toContain("--party");
  expect(await network.refusal("trace", "abc")).toContain("too short");
  expect(await network.refusal("trace", "0123456789abcdef")).toContain("No log tells");
  expect(await network.refusal("trace", "0123456789abcdef", "--from", network.path("nowhere"))).toContain(
    "kubectl logs",
  );
  expect(await network.text("trace", "--help")).toContain("element id");
});
