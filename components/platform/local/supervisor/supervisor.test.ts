import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LocalHome, localHome } from "../home.ts";
import { identify } from "../process-identity.ts";
import {
  endProcess,
  ensureSupervisor,
  listProcesses,
  type ProcessReport,
  superviseProcess,
  supervisorPid,
} from "./client.ts";

let home: LocalHome;

beforeEach(() => {
  home = localHome(mkdtempSync(join(tmpdir(), "supervisor-")));
});

afterEach(async () => {
  for (const process of listProcesses(home)) await endProcess(home, process.name);
  await until("the supervisor has ended", async () => (await supervisorPid(home)) === undefined);
  rmSync(home.directory, { recursive: true, force: true });
});

/** Waits for a condition; fails with its description. */
async function until<T>(what: string, condition: () => T | Promise<T>, deadlineMs = 15_000): Promise<T & {}> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await delay(20);
  }
}

function report(name: string): ProcessReport | undefined {
  return listProcesses(home).find((process) => process.name === name);
}

/** A program that says its number and then sleeps; `exec` so that the number is the process's own. */
function sleeper(name = "sleeper", extra: { revision?: string } = {}) {
  return { name, command: "/bin/sh", args: ["-c", "echo started $$; exec sleep 1000"], cwd: "/", ...extra };
}

describe("a supervised process", () => {
  test("runs, logs, and is back after kill -9", async () => {
    const first = await superviseProcess(home, sleeper());
    const pid = first.process?.pid as number;
    expect(identify(pid)).toEqual(first.process);
    process.kill(pid, "SIGKILL");
    const second = await until("it is back", () => {
      const now = report("sleeper");
      return now?.pid != null && now.pid !== pid ? now : undefined;
    });
    expect(second).toMatchObject({ status: "running", restarts: 1, lastExit: { reason: "ended by SIGKILL" } });
    const log = await until("both starts are logged", () => {
      const text = readFileSync(join(home.logs, "sleeper.log"), "utf8");
      return text.split("\n").length === 3 ? text : undefined;
    });
    expect(log).toBe(`started ${pid}\nstarted ${second.pid}\n`);
  });

  test("is not touched by the same spec, restarted by another, gone after its end", async () => {
    const first = await superviseProcess(home, sleeper());
    expect((await superviseProcess(home, sleeper())).process).toEqual(first.process);
    const second = await superviseProcess(home, sleeper("sleeper", { revision: "2" }));
    expect(second.process?.pid).not.toBe(first.process?.pid);
    expect(identify(first.process?.pid as number)).toBeUndefined();
    await endProcess(home, "sleeper");
    expect(identify(second.process?.pid as number)).toBeUndefined();
    expect(listProcesses(home)).toEqual([]);
  });

  test("gives up on a configuration error until the spec changes", async () => {
    await superviseProcess(home, { name: "wrong", command: "/bin/sh", args: ["-c", "exit 78"], cwd: "/" });
    await until("it has given up", () => report("wrong")?.status === "failed");
    expect(report("wrong")).toMatchObject({ pid: null, restarts: 0, lastExit: { reason: "ended with code 78" } });
    expect((await superviseProcess(home, sleeper("wrong"))).status).toBe("running");
  });

  test("is tried again when it cannot be started", async () => {
    await superviseProcess(home, { name: "missing", command: "/does/not/exist", args: [], cwd: "/" });
    await until("it was tried again", () => (report("missing")?.restarts ?? 0) >= 2);
  });

  test("runs its preparation before every start", async () => {
    const marks = join(home.directory, "marks");
    const before = { command: "/bin/sh", args: ["-c", `echo prepared >> ${marks}`] };
    const first = await superviseProcess(home, { ...sleeper(), before });
    process.kill(first.process?.pid as number, "SIGKILL");
    await until("it was prepared twice", () => readFileSync(marks, "utf8") === "prepared\nprepared\n");
    await until("it runs", () => report("sleeper")?.status === "running");
  });

  test("is killed when it does not end in time", async () => {
    const stubborn = ["-c", 'trap "" TERM; echo ready; while :; do sleep 1; done'];
    const state = await superviseProcess(home, {
      name: "stubborn",
      command: "/bin/sh",
      args: stubborn,
      cwd: "/",
      stopDeadlineMs: 200,
    });
    await until("it ignores SIGTERM", () => readFileSync(join(home.logs, "stubborn.log"), "utf8").includes("ready"));
    await endProcess(home, "stubborn");
    expect(identify(state.process?.pid as number)).toBeUndefined();
  });

  test("keeps writing to its log when that is rotated", async () => {
    const script = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.005; done";
    const log = { maxBytes: 2_000, keep: 2 };
    await superviseProcess(home, { name: "talker", command: "/bin/sh", args: ["-c", script], cwd: "/", log });
    const file = join(home.logs, "talker.log");
    await until("two old logs exist", () => existsSync(`${file}.2`));
    const size = readFileSync(file, "utf8").length;
    await until("it writes on", () => readFileSync(file, "utf8").length > size);
    expect(existsSync(`${file}.3`)).toBe(false);
    const lines = readFileSync(`${file}.1`, "utf8").trim().split("\n");
    const numbers = lines.map((line) => Number(line.split(" ")[1]));
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] as number) + index));
  });
});

describe("the supervisor", () => {
  test("killed with -9: the next one adopts what runs", async () => {
    const before = await Promise.all(["one", "two", "three"].map((name) => superviseProcess(home, sleeper(name))));
    const old = (await supervisorPid(home)) as number;
    process.kill(old, "SIGKILL");
    await until("it is gone", () => identify(old) === undefined);
    expect(await ensureSupervisor(home)).not.toBe(old);
    const after = await Promise.all(["one", "two", "three"].map((name) => superviseProcess(home, sleeper(name))));
    expect(after.map((state) => state.process)).toEqual(before.map((state) => state.process));
    // What it adopted it also watches.
    process.kill(after[0]?.process?.pid as number, "SIGKILL");
    await until("the adopted process is back", () => {
      const pid = report("one")?.pid;
      return pid != null && pid !== after[0]?.process?.pid;
    });
  });

  test("killed with -9: it comes back by itself, and then so does what it looks after", async () => {
    const before = await superviseProcess(home, sleeper());
    const old = (await supervisorPid(home)) as number;
    process.kill(old, "SIGKILL");
    process.kill(before.process?.pid as number, "SIGKILL");
    await until("the process is back", () => {
      const pid = report("sleeper")?.pid;
      return pid != null && pid !== before.process?.pid;
    });
    expect(await supervisorPid(home)).not.toBe(old);
  });

  test("is one, however many start it at once", async () => {
    const names = ["one", "two", "three", "four", "five"];
    await Promise.all(names.map((name) => superviseProcess(home, sleeper(name))));
    const pids = await Promise.all(names.map(() => ensureSupervisor(home)));
    expect(new Set(pids)).toEqual(new Set([await supervisorPid(home)]));
    expect(listProcesses(home).map((process) => process.restarts)).toEqual([0, 0, 0, 0, 0]);
  });

  test("is not started for nothing, and ends with the last process", async () => {
    expect(await ensureSupervisor(home)).toBeUndefined();
    await superviseProcess(home, sleeper());
    const pid = (await supervisorPid(home)) as number;
    await endProcess(home, "sleeper");
    await until("it has ended", () => identify(pid) === undefined);
    expect(existsSync(home.supervisor)).toBe(false);
  });

  test("ends a process whose spec went away while no supervisor ran", async () => {
    const state = await superviseProcess(home, sleeper());
    await superviseProcess(home, sleeper("other"));
    process.kill((await supervisorPid(home)) as number, "SIGKILL");
    rmSync(join(home.supervisor, "processes", "sleeper.json"));
    await ensureSupervisor(home);
    await until("the process is gone", () => identify(state.process?.pid as number) === undefined);
  });

  test("ends with all processes when its home is removed", async () => {
    const state = await superviseProcess(home, sleeper());
    rmSync(home.directory, { recursive: true, force: true });
    await until("the process is gone", () => identify(state.process?.pid as number) === undefined);
  });

  test("is reached in a home too deep for a socket's address", async () => {
    const deep = localHome(join(home.directory, ..."abcdef".split("").map((letter) => letter.repeat(60))));
    mkdirSync(deep.directory, { recursive: true });
    const state = await superviseProcess(deep, sleeper());
    expect(identify(state.process?.pid as number)).toBeDefined();
    await endProcess(deep, "sleeper");
    await until("it has ended", async () => (await supervisorPid(deep)) === undefined);
  });

  test("names the file and the field of a broken spec", async () => {
    await superviseProcess(home, sleeper());
    await expect(superviseProcess(home, { ...sleeper(), name: "Not A Name" })).rejects.toThrow(/accepted: lower-case/);
    writeFileSync(join(home.supervisor, "processes", "broken.json"), '{"name":"broken"}');
    process.kill((await supervisorPid(home)) as number, "SIGKILL");
    await ensureSupervisor(home);
    const log = join(home.logs, "supervisor.log");
    await until("it says so", () => /broken\.json: .*\n?.*command/s.test(readFileSync(log, "utf8")));
    rmSync(join(home.supervisor, "processes", "broken.json"));
  });
});
