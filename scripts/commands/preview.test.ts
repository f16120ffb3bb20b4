import { appendFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { acquireEngine } from "../engine/acquire.ts";
import type { PreviewReport } from "../preview-report/report.ts";
import { Clone } from "./testing/clone.ts";

// The real engine: a few seconds a run, and many times that on a machine that is busy with other tests.
const slow = 300_000;

beforeAll(async () => {
  await acquireEngine(process.env, () => {});
}, 20 * 60_000);

test("a preview says what it would do and does nothing; what is insisted on makes the exit code", {
  timeout: slow,
}, async () => {
  using clone = new Clone();
  const first = await clone.run("preview");
  expect(first).toMatchObject({ exitCode: 0, output: expect.stringContaining("Preview of local: 2 to create") });
  expect(first.output).not.toContain("\u001b[");
  expect(await clone.run("preview", "--expect-no-changes")).toMatchObject({ exitCode: 3 });
  expect(await clone.run("up")).toMatchObject({ exitCode: 0, output: expect.stringContaining("Up: 3 created.") });
  expect(await clone.run("preview", "local", "--expect-no-changes")).toMatchObject({
    exitCode: 0,
    output: expect.stringContaining("nothing to change; 2 unchanged"),
  });
  const { exitCode, output } = await clone.run("preview", "--json");
  const report = JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1)) as PreviewReport;
  expect(exitCode).toBe(0);
  expect(report).toMatchObject({ stack: "local", finished: true, counts: { same: 2 }, errors: [] });
  expect(report.policies.asked).toContain("encryption-at-rest");
  clone.configure({ environment: "production" });
  expect((await clone.run("up")).output).toContain("pulumi-canton@v"); // outside development an update asks the policies too
  expect((await clone.run("down")).exitCode).toBe(0);
});

test("what keeps the engine from a preview is told, and so are settings of policies that there are not", {
  timeout: slow,
}, async () => {
  using clone = new Clone();
  clone.configure({ template: "nowhere" });
  expect(await clone.run("preview")).toMatchObject({
    exitCode: 1,
    output: expect.stringContaining("there is no template 'nowhere', which its configuration names"),
  });
  clone.configure({});
  appendFileSync(clone.configFile, "  policies:backupDays: 99\n");
  const refused = await clone.run("preview");
  expect(refused).toMatchObject({ exitCode: 78, output: expect.stringContaining("policies:backupDays") });
  expect(refused.output).toContain(clone.configFile);
  expect((await clone.run("down", "--force")).exitCode).toBe(0);
});

test("two forms at once are refused", async () => {
  using clone = new Clone();
  expect(await clone.run("preview", "--json", "--markdown")).toMatchObject({ exitCode: 64 });
});
