/**
 * Every process of the local stack is killed (SIGKILL) before, during and after an onboarding, the database and the
 * supervisor too, while members of the test's own send to each other and record all that they receive. Nothing mocked.
 *
 * When in an onboarding a process dies, follows from a seed; FAULTS_SEED sets another one.
 */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ParticipantView } from "@pulumi-canton/console/commands/participants.ts";
import type { NetworkView } from "@pulumi-canton/console/commands/status.ts";
import type { TopologyStateView } from "@pulumi-canton/console/commands/topology.ts";
import { setState } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { PartyManagementServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import { encodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deployment, shipped } from "./deployment.ts";
import { problemsIn } from "./faults-history.ts";
import { RecordingMember } from "./faults-member.ts";
import { Processes, supervisor } from "./faults-processes.ts";
import { draw } from "./faults-random.ts";

const minutes = 60_000;
const seed = process.env["FAULTS_SEED"] ?? "2024";
const nodes = ["domain-manager", "sequencer1", "sequencer2", "mediator", "bob", "alice"];
const targets = [...nodes, "postgres", supervisor];
/** Onboardings in which each target dies: once in each part of the time that one takes. */
const parts = 2;
/** Sends that are under way at once, and the pause after each, in milliseconds: a bounded rate. */
const senders = 4;
const pauseMs = 100;

describe(`kill -9 (seed ${seed})`, { timeout: 3 * minutes }, () => {
  let deployment: Deployment;
  let network: NetworkView;
  let processes: Processes;
  /** Send to each other from beginning to end, and each read three streams. */
  let recorders: RecordingMember[];
  /** Those and all that joined later. */
  const members: RecordingMember[] = [];
  const quiet = new AbortController();
  let sending: Promise<void>[] = [];
  /** The quickest one so far: a kill after that time would often come too late. */
  let onboardingMs = Number.POSITIVE_INFINITY;
  let killedWhileJoining = 0;

  beforeAll(async () => {
    deployment = await Deployment.create();
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    network = await deployment.status();
    processes = new Processes(
      deployment.home,
      Object.values(network.nodes).map(({ health }) => health),
    );
  }, 3 * minutes);

  test("members join and send", async () => {
    // The first one of all also waits for what a fresh domain has to do: no measure for the others.
    await onboard("warm-up");
    recorders = [];
    for (const name of ["first", "second"]) {
      const began = performance.now();
      recorders.push(await onboard(name));
      onboardingMs = Math.min(onboardingMs, performance.now() - began);
    }
    for (const recorder of recorders) recorder.followEach();
    const [first, second] = recorders.map(({ member }) => member) as [string, string];
    const audiences = [[first], [second], [first, second]];
    sending = recorders.flatMap((recorder, index) =>
      Array.from({ length: senders / 2 }, (_, sender) => {
        let count = 0;
        const choose = () => audiences[Math.floor(draw(seed, `${index} ${sender} ${count++}`) * 3)] as string[];
        return recorder.keepSending(choose, pauseMs, quiet.signal);
      }),
    );
  });

  afterAll(async () => {
    quiet.abort();
    await Promise.all(members.map((member) => member.close()));
    await deployment.dispose(process.env["KEEP_LOGS"]);
  }, 2 * minutes);

  /** A further participant, as an operator and it would do it: admitted, registered, caught up, active. */
  async function onboard(name: string): Promise<RecordingMember> {
    const member = new RecordingMember(name, { id: network.domain.id, sequencers: network.domain.sequencers });
    members.push(member);
    await admit(member.identity.uid);
    await member.join();
    return member;
  }

  /** Puts a participant on the allow-list; an operator whose call fails because the manager died makes it again. */
  async function admit(uid: string): Promise<void> {
    const port = Number(new URL(network.nodes["domain-manager"]?.adminApi ?? "").port);
    for (const deadline = Date.now() + minutes; ; await delay(50)) {
      try {
        await setState(port, network.domain.id, `PAR::${uid}`);
        return;
      } catch (error) {
        if (!isCantonError(error) || Date.now() > deadline) throw error;
        // The manager died between writing it and saying so.
        if (error.reason === "TOPOLOGY_MAPPING_ALREADY_EXISTS") return;
      }
    }
  }

  test.each(targets)(
    "%s before, during and after an onboarding: it comes back, and who joined has joined",
    async (target) => {
      await processes.cameBack(target, await processes.kill(target));

      for (let part = 0; part < parts; part++) {
        const moment = ((part + draw(seed, `${target} ${part}`)) / parts) * onboardingMs;
        let joining = true;
        const joined = onboard(`joins-${part}-while-${target}-dies`).finally(() => {
          joining = false;
        });
        const killing = delay(moment).then(async () => {
          if (joining) killedWhileJoining++;
          return await processes.kill(target);
        });
        const [member, killed] = await Promise.all([joined, killing]);
        await processes.cameBack(target, killed);
        const everybody = [...recorders.map((recorder) => recorder.member), member.member];
        expect(await member.send(everybody), "a message of the member that joined").toBeDefined();
      }

      await processes.cameBack(target, await processes.kill(target));
    },
  );

  test("kills did come in the midst of onboardings", () => {
    expect(killedWhileJoining).toBeGreaterThan(targets.length / 2);
  });

  test("the supervisor and, before it is back, a node and the database: all come back", async () => {
    const names = [supervisor, "postgres", "sequencer1", "bob"];
    const killed = await Promise.all(names.map((name) => processes.kill(name)));
    for (const [index, name] of names.entries()) await processes.cameBack(name, killed[index] as number);
  });

  test("everything at once: all comes back", async () => {
    const names = Object.keys(processes.pids());
    expect(names.sort()).toEqual([...nodes, "postgres"].sort());
    const killed = await Promise.all(names.map((name) => processes.kill(name)));
    for (const [index, name] of names.entries()) await processes.cameBack(name, killed[index] as number);
  });

  test("a participant joins through up, while it and what it needs is killed", async () => {
    await deployment.configure({
      participants: [...shipped.participants, { name: "carol", parties: ["Carol"] }],
      allowList: [...shipped.allowList, "carol"],
    });
    const up = deployment.start("up");
    const carol = expect.poll(() => processes.pidOf("carol"), { timeout: minutes, interval: 20 }).toBeDefined();
    await Promise.race([carol, up.ended.then(({ code, text }) => expect(code, text).toBe(0))]);
    for (const target of ["carol", "domain-manager", "postgres"]) {
      await delay(draw(seed, `up ${target}`) * 1_500);
      await processes.kill(target);
    }
    await up.ended;
    // Whatever became of that update, the next one ends well.
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    network = await deployment.status();
    expect(network.nodes["carol"]).toMatchObject({ role: "participant", state: "ready" });
  });

  test("no stream has a gap or a repeat, and every acknowledged message is there exactly once", async () => {
    quiet.abort();
    await Promise.all(sending);
    const last = await recorders[0]?.send(members.map(({ member }) => member));
    expect(last).toBeDefined();
    for (const member of members) await member.hasRead(last as bigint);
    for (const recorder of recorders) await recorder.readAgain(last as bigint);

    expect(members.flatMap(({ complaints }) => complaints)).toEqual([]);
    const sent = members.flatMap((member) => member.sent);
    const streams = members.flatMap((member) => member.streams);
    expect(problemsIn(streams, sent)).toEqual([]);
    // Through all of this, members could send.
    expect(sent.filter(({ acknowledged }) => acknowledged === undefined)).toEqual([]);
    expect(sent.length).toBeGreaterThan(100);
  });

  test("all nodes, and all members that joined, have the same topology", async () => {
    const digests = async () => {
      const states = await Promise.all(
        Object.keys(network.nodes).map((node) => deployment.console<TopologyStateView>("topology", "--node", node)),
      );
      return new Set([...states.map(({ digest }) => digest), ...members.map(({ topology }) => digestOf(topology))])
        .size;
    };
    await expect.poll(digests, { timeout: minutes, interval: 500 }).toBe(1);
  });

  test("all participants are active and every party is known to all of them", async () => {
    const participants = await deployment.console<ParticipantView[]>("participants");
    expect(participants.filter(({ active }) => !active)).toEqual([]);
    expect(participants.map(({ participant }) => participant)).toEqual(
      expect.arrayContaining(members.map(({ identity }) => identity.member)),
    );
    expect(participants).toHaveLength(members.length + 3);
    const parties = Object.values(network.parties);
    expect(parties).toHaveLength(3);
    for (const name of ["bob", "alice", "carol"]) {
      await expect.poll(() => partiesOf(network, name), { timeout: 30_000 }).toEqual(expect.arrayContaining(parties));
    }
    const { nodes: views } = await deployment.status();
    expect(Object.entries(views).filter(([, { state }]) => state !== "ready")).toEqual([]);
  });
});

/** As the console's: of the transactions in force, in an order of their own. */
function digestOf(topology: RecordingMember["topology"]): string {
  const digest = createHash("sha256");
  for (const text of [...topology.transactions()].map((tx) => encodeSignedTransaction(tx).toString("hex")).sort()) {
    digest.update(`${text}\n`);
  }
  return digest.digest("hex");
}

async function partiesOf({ nodes }: NetworkView, name: string): Promise<string[]> {
  const client = connect(PartyManagementServiceClient, { url: nodes[name]?.ledgerApi ?? "" });
  try {
    const request = { pageSize: 0, pageToken: "", identityProviderId: "" };
    const { partyDetails } = await call(client, "listKnownParties", request, { deadlineMs: 10_000 });
    return partyDetails.map(({ party }) => party);
  } finally {
    client.close();
  }
}
