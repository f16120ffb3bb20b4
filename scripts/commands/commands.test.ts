import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { acquireEngine } from "../engine/acquire.ts";
import { waitUntil } from "../testing/wait-until.ts";
import { Clone, isGone } from "./testing/clone.ts";

// The real engine: a few seconds a run, and many times that on a machine that is busy with other tests.
const slow = 300_000;

beforeAll(async () => {
  await acquireEngine(process.env, () => {});
}, 20 * 60_000);

test("every command has help, and refuses what it does not know", { timeout: slow }, async () => {
  using clone = new Clone();
  for (const command of ["setup", "up", "down", "test", "pulumi", "preview"]) {
    const help = await clone.run(command, "--help");
    expect(help).toMatchObject({ exitCode: 0, output: expect.stringContaining(`usage: ./scripts/${command}`) });
  }
  for (const command of ["setup", "up", "down", "preview"]) {
    expect(await clone.run(command, "--bogus")).toMatchObject({
      exitCode: 64,
      output: expect.stringContaining("unknown argument --bogus"),
    });
  }
  expect(isGone(clone)).toBe(true);
});

test("down, where nothing is up, says so", async () => {
  using clone = new Clone();
  expect(await clone.run("down")).toMatchObject({ exitCode: 0, output: expect.stringContaining("Nothing is up") });
});

test("up, up again, drift, change, down", { timeout: slow }, async () => {
  using clone = new Clone();
  const up = await clone.run("up");
  expect(up).toMatchObject({ exitCode: 0, output: expect.stringContaining("Up: 3 created.") });

  const again = await clone.run("up");
  expect(again).toMatchObject({ exitCode: 0, output: expect.stringContaining("Up: nothing to change.") });

  writeFileSync(join(clone.files, "first"), "changed behind its back");
  const preview = await clone.run("pulumi", "preview", "--non-interactive");
  expect(preview.output).toContain("~ 1 to update");
  expect(preview.output).toContain("pulumi-canton@v"); // the policies were asked
  expect((await clone.run("up")).output).toContain("Up: 1 updated.");
  expect(readFileSync(join(clone.files, "first"), "utf8")).toBe("one");

  const set = await clone.run("pulumi", "config", "set", "second", "three");
  expect(set.exitCode).toBe(0);
  expect(readFileSync(clone.configFile, "utf8")).toMatch(/^# written by a person\n[^]*pulumi-canton:second: three\n$/);
  expect((await clone.run("up")).output).toContain("Up: 1 updated.");
  expect(readFileSync(clone.configFile, "utf8")).not.toContain("encryptionsalt");

  expect(await clone.run("down")).toMatchObject({ exitCode: 0, output: expect.stringContaining("nothing is left") });
  expect(isGone(clone)).toBe(true);
  expect(readdirSync(clone.files)).toEqual([]);
});

test("a refusal fails alone, without a stack trace, and up converges once it is gone", { timeout: slow }, async () => {
  using clone = new Clone();
  clone.configure({ second: "refused" });
  const refused = await clone.run("up");
  expect(refused.exitCode).not.toBe(0);
  expect(refused.output).toContain("second is not on the allow-list");
  expect(refused.output).not.toMatch(/^\s+at .*:\d+/m);
  expect(existsSync(join(clone.files, "first"))).toBe(true);
  clone.configure({});
  expect((await clone.run("up")).output).toContain("Up: 1 created.");
  expect((await clone.run("down")).exitCode).toBe(0);
});

test("killed while it creates, up goes on from there", { timeout: slow }, async () => {
  using clone = new Clone();
  clone.configure({ takesMs: 60_000 });
  const up = clone.start("up");
  await waitUntil(() => readdirSync(clone.files).length === 2, "both are being created");
  process.kill(-(up.pid as number), "SIGKILL");
  await once(up, "exit");
  clone.configure({ takesMs: 0 });
  const next = await clone.run("up");
  expect(next).toMatchObject({ exitCode: 0, output: expect.stringContaining("was killed; this one goes on") });
  expect(next.output).not.toContain("pending operations");
  expect((await clone.run("up")).output).toContain("Up: nothing to change.");
  expect((await clone.run("down")).exitCode).toBe(0);
});

test("interrupted, up stops in order and gives up its lock; meanwhile another is told", { timeout: slow }, async () => {
  using clone = new Clone();
  clone.configure({ takesMs: 5_000 });
  const up = clone.start("up");
  await waitUntil(() => readdirSync(clone.files).length === 2, "both are being created");
  expect(await clone.run("up")).toMatchObject({
    exitCode: 75,
    output: expect.stringContaining(`'./scripts/up' is running already (process ${up.pid})`),
  });
  process.kill(-(up.pid as number), "SIGINT");
  const [exitCode] = await once(up, "exit");
  expect(exitCode).not.toBe(0);
  expect(existsSync(join(clone.home, "lock"))).toBe(false);
  expect((await clone.run("down")).exitCode).toBe(0);
  expect(readdirSync(clone.files)).toEqual([]);
});

test("a stack without a template is told which there are", { timeout: slow }, async () => {
  using clone = new Clone();
  clone.configure({ template: "nowhere" });
  const preview = await clone.run("pulumi", "preview", "--non-interactive");
  expect(preview.exitCode).not.toBe(0);
  expect(preview.output).toContain(
    "there is no template 'nowhere', which its configuration names. Templates are: local.",
  );
  clone.configure({});
  expect((await clone.run("down")).exitCode).toBe(0);
});

test("down --force needs no engine", { timeout: slow }, async () => {
  using clone = new Clone();
  mkdirSync(clone.home);
  writeFileSync(join(clone.home, "left over"), "");
  expect((await clone.run("down", "--force")).exitCode).toBe(0);
  expect(isGone(clone)).toBe(true);
});
