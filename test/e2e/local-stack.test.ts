/** The local stack from end to end: the real engine, the real nodes, the real database, nothing mocked. */
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { localHome } from "@pulumi-canton/components/platform/local/home.ts";
import { identify } from "@pulumi-canton/components/platform/local/process-identity.ts";
import { supervisorPid } from "@pulumi-canton/components/platform/local/supervisor/client.ts";
import type { ParticipantView } from "@pulumi-canton/console/commands/participants.ts";
import type { PartyView } from "@pulumi-canton/console/commands/parties.ts";
import type { TopologyStateView } from "@pulumi-canton/console/commands/topology.ts";
import type { Life } from "@pulumi-canton/console/trace/life.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deployment, shipped } from "./deployment.ts";

const minutes = 60_000;
const carol = { name: "carol", parties: ["Carol"] };

describe("the local stack", { timeout: 5 * minutes }, () => {
  let deployment: Deployment;
  beforeAll(async () => {
    deployment = await Deployment.create();
  });
  afterAll(async () => {
    await deployment.dispose();
  }, 2 * minutes);

  async function expectAgreement(...nodes: string[]): Promise<void> {
    await expect
      .poll(
        async () => {
          const states = await Promise.all(
            nodes.map((node) => deployment.console<TopologyStateView>("topology", "--node", node)),
          );
          return new Set(states.map(({ digest }) => digest)).size;
        },
        { timeout: 30_000 },
      )
      .toBe(1);
  }

  test("up brings up a permissioned domain and two connected participants", async () => {
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);

    const network = await deployment.status();
    expect(network.domain).toMatchObject({ alias: "mydomain", policy: "permissioned" });
    expect(network.domain.id).toMatch(/^mydomain::1220[0-9a-f]{64}$/);
    expect(network.domain.sequencers).toHaveLength(2);
    expect(
      Object.fromEntries(Object.entries(network.nodes).map(([name, { role, state }]) => [name, [role, state]])),
    ).toEqual({
      "domain-manager": ["domain-manager", "ready"],
      sequencer1: ["sequencer", "ready"],
      sequencer2: ["sequencer", "ready"],
      mediator: ["mediator", "ready"],
      bob: ["participant", "ready"],
      alice: ["participant", "ready"],
    });
    for (const { pid } of Object.values(network.nodes)) expect(pid).toBeGreaterThan(1);
    expect(Object.keys(network.parties).sort()).toEqual(["Alice", "Bob"]);
    expect(text).toMatch(/sequencer1 .*sequencer .*ready .*SEQ::mydomain::1220/);
    expect(text).toContain("What to try next:");

    const participants = await deployment.console<ParticipantView[]>("participants");
    expect(participants).toHaveLength(2);
    for (const participant of participants) expect(participant).toMatchObject({ allowed: true, active: true });
    const parties = await deployment.console<PartyView[]>("parties");
    expect(parties.map(({ party }) => party.split("::")[0]).sort()).toEqual(expect.arrayContaining(["Alice", "Bob"]));
    await expectAgreement("bob", "alice", "domain-manager", "mediator", "sequencer1", "sequencer2");
  });

  test("the console follows a new party through all nodes, from their logs", async () => {
    const { code, text } = await deployment.run("console", "parties", "enable", "Gottlieb", "--node", "alice");
    expect(code, text).toBe(0);
    const [life] = await deployment.console<Life[]>("trace", "--party", "Gottlieb", "--follow");
    expect(life?.waitingFor).toEqual([]);
    expect(
      life?.steps
        .filter(({ step }) => step === "effective")
        .map(({ node }) => node)
        .sort(),
    ).toEqual(["alice", "bob", "domain-manager", "mediator", "sequencer1", "sequencer2"]);
    const disabled = await deployment.run("console", "parties", "disable", "Gottlieb", "--node", "alice");
    expect(disabled.code, disabled.text).toBe(0);
  });

  test("up again changes nothing and disturbs no process", async () => {
    const before = await deployment.status();
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    expect(text).toContain("nothing to change");
    const pids = ({ nodes }: typeof before) => Object.entries(nodes).map(([name, { pid }]) => [name, pid]);
    expect(pids(await deployment.status())).toEqual(pids(before));
  });

  test("up brings back a supervisor that was killed together with what restarts it", async () => {
    const home = localHome(deployment.home);
    const supervisor = (await supervisorPid(home)) as number;
    const keeper = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${supervisor}/status`, "utf8"))?.[1]);
    expect(readFileSync(`/proc/${keeper}/cmdline`, "utf8")).toContain("supervisor");
    process.kill(keeper, "SIGKILL");
    process.kill(supervisor, "SIGKILL");
    await expect.poll(() => supervisorPid(home), { timeout: 10_000 }).toBeUndefined();

    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    expect(text).toContain("nothing to change");
    expect(await supervisorPid(home)).not.toBe(supervisor);
  });

  test("a permission taken away by hand shows as drift in preview and is repaired by up", async () => {
    const disabled = await deployment.run("console", "set-state", "alice", "Disabled");
    expect(disabled.code, disabled.text).toBe(0);
    const drifted = await deployment.console<ParticipantView[]>("participants");
    expect(drifted.find(({ participant }) => participant.includes("alice"))).toMatchObject({ active: false });

    const preview = await deployment.run(
      "pulumi",
      "preview",
      "--stack",
      "local",
      "--diff",
      "--config-file",
      deployment.configFile,
    );
    expect(preview.code, preview.text).toBe(0);
    expect(preview.text).toMatch(/permission.*"?Disabled"? => "?Submission"?/);

    const repaired = await deployment.run("up");
    expect(repaired.code, repaired.text).toBe(0);
    const participants = await deployment.console<ParticipantView[]>("participants");
    expect(participants.find(({ participant }) => participant.includes("alice"))).toMatchObject({
      permission: "Submission",
      active: true,
    });
    await expectAgreement("bob", "alice", "domain-manager");
  });

  test("a third participant is refused with its id and the line that admits it; the rest stands", async () => {
    await deployment.configure({ ...shipped, participants: [...shipped.participants, carol] });
    const { code, text } = await deployment.run("up");
    expect(code, text).not.toBe(0);
    expect(text).toMatch(/PAR::carol::1220[0-9a-f]{64}/);
    expect(text).toContain("pulumi-canton:allowList");
    expect(text).toContain("- participant: carol");
    expect(text).not.toMatch(/^\s+at .*\.ts:\d+/m);
    const { nodes } = await deployment.status();
    for (const name of ["bob", "alice", "sequencer1", "domain-manager"]) expect(nodes[name]?.state).toBe("ready");
  });

  test("the line added, the same participant is admitted", async () => {
    await deployment.configure({
      participants: [...shipped.participants, carol],
      allowList: [...shipped.allowList, "carol"],
    });
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    const network = await deployment.status();
    expect(network.nodes["carol"]).toMatchObject({ role: "participant", state: "ready" });
    expect(network.parties["Carol"]).toMatch(/^Carol::1220/);
    await expectAgreement("bob", "alice", "carol", "domain-manager");
  });

  test("taken out of the configuration it is gone, and the others stay", async () => {
    await deployment.configure(shipped);
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    const network = await deployment.status();
    expect(Object.keys(network.nodes)).not.toContain("carol");
    const participants = await deployment.console<ParticipantView[]>("participants");
    expect(participants.find(({ participant }) => participant.includes("carol"))?.active ?? false).toBe(false);
    await expectAgreement("bob", "alice", "domain-manager");
  });

  test("down leaves no process, no port and no file", async () => {
    const network = await deployment.status();
    const { code, text } = await deployment.run("down");
    expect(code, text).toBe(0);
    for (const [name, { pid, adminApi }] of Object.entries(network.nodes)) {
      expect(identify(pid as number), `${name} still runs`).toBeUndefined();
      expect(await answers(Number(new URL(adminApi).port)), `${name} still listens`).toBe(false);
    }
    expect(existsSync(deployment.home)).toBe(false);
  });
});

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
