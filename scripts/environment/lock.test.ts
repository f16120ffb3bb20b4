import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LockedError, takeLock, waitForLock } from "./lock.ts";
import { identityOf, isSameProcess } from "./process-identity.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pulumi-canton-lock-"));
  file = join(folder, "deeper", "lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("is held once, and tells the next who holds it", () => {
  const lock = takeLock(file, "./scripts/up");
  expect(() => takeLock(file, "./scripts/down")).toThrow(LockedError);
  expect(() => takeLock(file, "./scripts/down")).toThrow(`'./scripts/up' is running already (process ${process.pid})`);
  lock.release();
  takeLock(file, "./scripts/down").release();
  expect(existsSync(file)).toBe(false);
});

test("of a process that has ended is taken over", async () => {
  const ended = spawn(process.execPath, ["-e", ""]);
  await once(ended, "exit");
  for (const content of [JSON.stringify({ pid: ended.pid, started: "1", doing: "./scripts/up" }), "", '{"pid":']) {
    rmSync(file, { force: true });
    takeLock(file, "make the folder").release();
    writeFileSync(file, content);
    takeLock(file, "./scripts/up").release();
  }
});

test("of an earlier process with the same number is taken over", () => {
  takeLock(file, "make the folder").release();
  writeFileSync(file, JSON.stringify({ ...identityOf(process.pid), started: "long ago", doing: "./scripts/up" }));
  takeLock(file, "./scripts/up").release();
});

test("is not given up by one that lost it", () => {
  const lock = takeLock(file, "./scripts/up");
  writeFileSync(file, JSON.stringify({ ...identityOf(process.pid), doing: "someone else" }));
  lock.release();
  expect(existsSync(file)).toBe(true);
});

test("is waited for", async () => {
  const first = takeLock(file, "first");
  let told = "";
  const second = waitForLock(file, "second", (owner) => {
    told = owner.doing;
    first.release();
  });
  (await second).release();
  expect(told).toBe("first");
});

test("many at once: one at a time has it", async () => {
  let holders = 0;
  await Promise.all(
    Array.from({ length: 5 }, async (_, i) => {
      const lock = await waitForLock(file, `${i}`, () => {});
      holders++;
      await new Promise((resolve) => setImmediate(resolve));
      expect(holders).toBe(1);
      holders--;
      lock.release();
    }),
  );
});

test("a process is told from one that never was", () => {
  expect(isSameProcess(identityOf(process.pid))).toBe(true);
  expect(isSameProcess({ pid: 2 ** 22 + 1, started: "" })).toBe(false);
});
