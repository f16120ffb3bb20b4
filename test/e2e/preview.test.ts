/** `./scripts/preview` on the local stack: the real engine, the real nodes. */
import { spawnSync } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PreviewReport } from "../../scripts/preview-report/report.ts";
import { Deployment, shipped } from "./deployment.ts";

const minutes = 60_000;
let deployment: Deployment;

beforeAll(async () => {
  deployment = await Deployment.create();
  const { code, text } = await deployment.run("up");
  expect(code, text).toBe(0);
}, 5 * minutes);
afterAll(async () => {
  await deployment?.dispose();
}, 2 * minutes);

test("what a change of the configuration and a change by hand come to, in words", {
  timeout: 3 * minutes,
}, async () => {
  const barred = await deployment.run("console", "set-state", "bob", "Observation");
  expect(barred.code, barred.text).toBe(0);
  const [bob, alice] = shipped.participants;
  await deployment.configure({
    participants: [{ ...bob, name: "bob", parties: ["Bert"] }, alice as NonNullable<typeof alice>],
    allowList: ["bob"],
  });

  const { code, text, stdout } = await deployment.run("preview", "--json", "--expect-no-changes");
  expect(code, text).toBe(3);
  const report = JSON.parse(stdout) as PreviewReport;
  expect(report).toMatchObject({ stack: "local", finished: true, errors: [], counts: { create: 1, replace: 0 } });
  expect(report.topology).toEqual(
    expect.arrayContaining([
      "participant bob gains Submission on domain mydomain, where it had Observation",
      "participant alice loses Submission on domain mydomain",
      "party Bert is hosted by participant bob",
      "party Bob is no longer hosted by participant bob",
    ]),
  );
  expect(report.drift).toMatchObject([
    { name: "bob", changes: [{ property: "permission", was: "Submission", is: "Observation" }] },
  ]);
  expect(report.policies).toMatchObject({ violations: [], asked: expect.arrayContaining(["permissioned-domain"]) });
});

test("a state that a team shares is looked at where it is", { timeout: 3 * minutes }, async () => {
  const { home } = deployment;
  const own = join(home, "pulumi-state");
  const shared = join(home, "..", "team-state");
  await deployment.configure(shipped);
  renameSync(own, shared);
  try {
    const preview = spawnSync(join(import.meta.dirname, "..", "..", "scripts", "preview"), ["local", "--json"], {
      encoding: "utf8",
      env: {
        ...process.env,
        CANTON_HOME: home,
        CANTON_BACKEND_URL: `file://${shared}`,
        PULUMI_CONFIG_PASSPHRASE_FILE: join(home, "secrets", "passphrase"),
        // The engine's copy: it has the salt, as the file of a team's stack does.
        CANTON_CONFIG: join(home, "pulumi-config", "Pulumi.local.yaml"),
      },
    });
    expect(preview.status, preview.stderr).toBe(0);
    const { counts } = JSON.parse(preview.stdout) as PreviewReport;
    expect(counts.create).toBeLessThan(3);
    expect(counts.same).toBeGreaterThan(15);
    expect(existsSync(join(own, ".pulumi"))).toBe(false);
  } finally {
    rmSync(own, { recursive: true, force: true });
    renameSync(shared, own);
  }
});
