import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { knownStacks, locksOn, pendingOperations, removeLocks, type StackInBackend } from "./stack-state.ts";

let state: string;
let local: StackInBackend;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "pulumi-canton-state-"));
  local = { state, project: "pulumi-canton", stack: "local" };
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

function writeLock(name: string, content: object): string {
  const folder = join(state, ".pulumi", "locks", "organization", "pulumi-canton", "local");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), JSON.stringify(content));
  writeFileSync(join(folder, `${name}.attrs`), "{}");
  return folder;
}

test("a lock whose engine was killed here is dead; another machine's is left alone", async () => {
  const ended = spawn(process.execPath, ["-e", ""]);
  await once(ended, "exit");
  const folder = writeLock("mine.json", { pid: ended.pid, hostname: hostname() });
  writeLock("theirs.json", { pid: ended.pid, hostname: "elsewhere.example" });
  writeLock("reused.json", { pid: process.pid, hostname: hostname() }); // this process is no engine
  const { living, dead } = locksOn(local);
  expect(living).toEqual([]);
  expect(dead).toHaveLength(2);
  removeLocks(dead);
  expect(readdirSync(folder).sort()).toEqual(["theirs.json", "theirs.json.attrs"]);
});

test("an engine that runs holds its lock", async () => {
  const engine = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { argv0: "pulumi", stdio: "ignore" });
  try {
    await once(engine, "spawn");
    writeLock("mine.json", { pid: engine.pid, hostname: hostname() });
    expect(locksOn(local)).toEqual({ living: [engine.pid], dead: [] });
  } finally {
    engine.kill("SIGKILL");
  }
});

test("an empty backend has no stacks, locks or operations", () => {
  expect(knownStacks(state)).toEqual([]);
  expect(locksOn(local)).toEqual({ living: [], dead: [] });
  expect(pendingOperations(local)).toBe(0);
  expect(existsSync(join(state, ".pulumi"))).toBe(false);
});

test("interrupted operations are counted", () => {
  const folder = join(state, ".pulumi", "stacks", "pulumi-canton");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "local.json"),
    JSON.stringify({ checkpoint: { latest: { pending_operations: [{}, {}] } } }),
  );
  writeFileSync(join(folder, "local.json.attrs"), "{}");
  expect(pendingOperations(local)).toBe(2);
  expect(knownStacks(state)).toEqual(["local"]);
  writeFileSync(join(folder, "local.json"), JSON.stringify({ checkpoint: { latest: null } }));
  expect(pendingOperations(local)).toBe(0);
});
