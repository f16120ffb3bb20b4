/** The pack on the real engine. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EngineRun } from "../scripts/language-host/testing/engine-run.ts";
import { packConfig, policySettings } from "../scripts/policy-pack/settings.ts";

// Seconds each, and many times that on a machine that is busy with other tests.
const slow = 300_000;
const production = { "pulumi-canton:environment": "production" };

let run: EngineRun;
beforeAll(async () => {
  run = await EngineRun.of("../../../policies/testing/program");
}, 20 * 60_000);
afterAll(() => run?.[Symbol.asyncDispose]());

/** Previews a domain of this policy, with what a stack's configuration says to the pack. */
function preview(policy: string, stackConfig: Readonly<Record<string, unknown>>) {
  const file = join(run.folder, "pack-config.json");
  writeFileSync(file, JSON.stringify(packConfig(policySettings("aws", stackConfig))));
  const pack = ["--policy-pack", import.meta.dirname, "--policy-pack-config", file];
  return run.pulumi("preview", ...pack, "--config", `policy=${policy}`);
}

test("a violation in production stops it, and says what to do", { timeout: slow }, async () => {
  const { exitCode, output } = await preview("open", production);
  expect(exitCode).not.toBe(0);
  expect(output).toMatch(/\[mandatory\].*permissioned-domain.*mydomain/);
  expect(output).toContain('policy: got "open"; expected "permissioned"');
});

test("as advice it is told, and stops nothing", { timeout: slow }, async () => {
  const advice = { "policies:levels": { "permissioned-domain": "advisory" } };
  const { exitCode, output } = await preview("open", { ...production, ...advice });
  expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
  expect(output).toMatch(/\[advisory\].*permissioned-domain/);
});

test("what complies is well, and so is what is exempt", { timeout: slow }, async () => {
  const good = await preview("permissioned", production);
  expect(good).toMatchObject({ exitCode: 0, output: expect.stringMatching(/✅ pulumi-canton/) });
  const exemption = { policy: "permissioned-domain", resource: "my*", reason: "a drill" };
  const exempt = await preview("open", { ...production, "policies:exemptions": [exemption] });
  expect(exempt).toMatchObject({ exitCode: 0, output: expect.not.stringContaining("permissioned-domain") });
});
