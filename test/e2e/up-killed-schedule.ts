/** `up` killed at random moments, and run again: what a test and the longer `npm run soak` have in common. */
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { localHome } from "@pulumi-canton/components/platform/local/home.ts";
import { listProcesses, supervisorPid } from "@pulumi-canton/components/platform/local/supervisor/client.ts";
import type { ParticipantView } from "@pulumi-canton/console/commands/participants.ts";
import type { TopologyStateView } from "@pulumi-canton/console/commands/topology.ts";
import { expect } from "vitest";
import { type Deployment, type Running, type StackConfig, shipped } from "./deployment.ts";
import { draw } from "./faults-random.ts";
import { killPart, leftBehind, type Victims } from "./up-killed-processes.ts";

const withCarol: StackConfig = {
  participants: [...shipped.participants, { name: "carol", parties: ["Carol"] }],
  allowList: [...shipped.allowList, "carol"],
};

/** What is killed, in turn. */
const parts: readonly Victims[] = ["everything", "engine", "command", "plugins"];

/** How often everything is taken down first, so that a fresh `up` is killed: every so many kills. */
const freshEvery = 5;

/** One kill, for people. */
export interface Kill {
  readonly what: string;
  /** Milliseconds after the command's start. */
  readonly afterMs: number;
  /** Milliseconds that the next `up` took. */
  readonly convergedInMs: number;
}

/**
 * Kills `up` so many times. After each kill it is run once more, which must succeed and leave the network as it is
 * configured, with nothing left running but that; at the end it is taken down. In between, the configuration changes or all is taken down, so that
 * there always is work to interrupt. A command that ends before its kill does not count.
 */
export async function killAndConverge(deployment: Deployment, times: number, seed: string): Promise<Kill[]> {
  const kills: Kill[] = [];
  // How long they take undisturbed, in milliseconds; corrected when one ends before it is killed.
  const duration = { fresh: 12_000, change: 9_000 };
  let config = shipped;
  for (let attempt = 0; kills.length < times; attempt++) {
    const kind = kills.length % freshEvery === 0 ? "fresh" : "change";
    if (kind === "fresh") await takeDown(deployment);
    config = config === shipped ? withCarol : shipped;
    await deployment.configure(config);

    const part = parts[Math.floor(draw(seed, `part ${attempt}`) * parts.length)] as Victims;
    const afterMs = Math.round(draw(seed, `moment ${attempt}`) * duration[kind]);
    const what = `kill ${kills.length + 1} of ${times}: ${part} of a ${kind} up after ${afterMs} ms`;
    const began = performance.now();
    const up = deployment.start("up");
    const killed = await killAfter(up, afterMs, part);
    const { code, text } = await up.ended;
    if (killed === 0) {
      expect(code, text).toBe(0);
      duration[kind] = performance.now() - began;
      continue;
    }

    const again = performance.now();
    const outcome = await deployment.run("up");
    expect(outcome.code, `${what}\n${text}\n--- and again:\n${outcome.text}`).toBe(0);
    kills.push({ what, afterMs, convergedInMs: Math.round(performance.now() - again) });
    await expectNetwork(deployment, config, what);
  }
  const last = await deployment.run("up");
  expect(last.code, last.text).toBe(0);
  expect(last.text).toContain("nothing to change");
  await expectOneTopology(deployment);
  await takeDown(deployment);
  return kills;
}

/** Kills a part of a command after a time; nothing, if the command has ended by then. Gives back how many it killed. */
async function killAfter(running: Running, ms: number, part: Victims): Promise<number> {
  const ended = await Promise.race([running.ended, delay(ms)]);
  if (ended !== undefined || running.pid === undefined) return 0;
  // Before the engine runs there is nothing of it to be killed: then the command is.
  return killPart(running.pid, part) || killPart(running.pid, "everything");
}

/** Takes everything down; no file and no process may be left. */
async function takeDown(deployment: Deployment): Promise<void> {
  const outcome = await deployment.run("down");
  expect(outcome.code, outcome.text).toBe(0);
  expect(existsSync(deployment.home)).toBe(false);
  await expect.poll(() => leftBehind(deployment.home), { timeout: 5_000 }).toEqual([]);
}

/** What runs is what the configuration says, and nothing else. */
async function expectNetwork(deployment: Deployment, { participants, allowList }: StackConfig, what: string) {
  const names = participants.map(({ name }) => name);
  const { nodes, parties } = await deployment.status();
  const states = Object.fromEntries(Object.entries(nodes).map(([name, { state }]) => [name, state]));
  const expected = ["domain-manager", "sequencer1", "sequencer2", "mediator", ...names];
  expect(states, what).toEqual(Object.fromEntries(expected.map((name) => [name, "ready"])));
  const hosted = participants.flatMap((participant) => participant.parties);
  expect(Object.keys(parties).sort(), what).toEqual(hosted.sort());

  const home = localHome(deployment.home);
  const supervised = listProcesses(home);
  expect(supervised.map(({ name }) => name).sort(), what).toEqual([...expected, "postgres"].sort());
  const pids = supervised.map(({ pid }) => pid);
  const supervisor = await supervisorPid(home);
  await expect
    .poll(() => leftBehind(deployment.home, pids, supervisor), { timeout: 10_000, message: what })
    .toEqual([]);

  const views = await deployment.console<ParticipantView[]>("participants");
  const active = views
    .filter((view) => view.active)
    .map(({ participant }) => participant.replace(/^PAR::/, "").split("::")[0]);
  expect(active.sort(), what).toEqual([...allowList].sort());
}

async function expectOneTopology(deployment: Deployment): Promise<void> {
  const { nodes } = await deployment.status();
  const digests = async () => {
    const states = await Promise.all(
      Object.keys(nodes).map((node) => deployment.console<TopologyStateView>("topology", "--node", node)),
    );
    return new Set(states.map(({ digest }) => digest)).size;
  };
  await expect.poll(digests, { timeout: 30_000, interval: 500 }).toBe(1);
}
