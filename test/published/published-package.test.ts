/** The package that others use: its schema, and a program of somebody else that adds it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { executablesOnPath } from "../../scripts/engine/on-path.ts";
import { root } from "../../scripts/environment/paths.ts";
import { EngineRun } from "../../scripts/language-host/testing/engine-run.ts";
import { StandIn } from "../clouds/stand-in/stand-in.ts";

const published = join(root, "stacks", "published");
const schemaFile = join(published, "schema.json");
/** The engine keeps what it read of the schema beside the package, and would not see a change of it. */
const keptSchema = join(root, "stacks", "schema-pulumi-canton.json");
const caFile = join(root, "test", "clouds", "templates", "authority.pem");
const minutes = 60_000;

let folder: string;
let standIn: StandIn;
let run: EngineRun;

beforeAll(async () => {
  rmSync(keptSchema, { force: true });
  folder = mkdtempSync(join(tmpdir(), "pulumi-canton-published-"));
  standIn = await StandIn.start(folder);
  run = await EngineRun.of(join(import.meta.dirname, "program"));
  run.environment["PULUMI_DEBUG_PROVIDERS"] = standIn.attach;
}, 5 * minutes);

afterAll(async () => {
  await run?.[Symbol.asyncDispose]();
  await standIn?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
  rmSync(keptSchema, { force: true });
});

test("its schema is the one that is kept here", { timeout: 3 * minutes }, async () => {
  const { exitCode, output } = await run.pulumi("package", "get-schema", published);
  expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
  const schema = JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1));
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(schemaFile, `${JSON.stringify(schema, null, 2)}\n`);
  expect(schema, "what others see of the package has changed: UPDATE_GOLDEN=1 takes it over").toEqual(
    JSON.parse(readFileSync(schemaFile, "utf8")),
  );
});

test("a second program adds it, and previews a whole infrastructure", { timeout: 10 * minutes }, async () => {
  const added = await run.pulumi("package", "add", published);
  expect(added).toMatchObject({ exitCode: 0, output: expect.stringContaining('from "@pulumi/pulumi-canton";') });

  const preview = await run.pulumi("preview", "--config", "environment=dev", "--config", `caFile=${caFile}`);
  expect(preview).toMatchObject({ exitCode: 0 });
  expect(preview.output).toContain("pulumi-canton:index:AwsInfrastructure ledger create");
  expect(preview.output).toContain("aws:eks:Cluster ledger create");
  const planned = Number(/\+ (\d+) to create/.exec(preview.output)?.[1]);
  expect(planned).toBeGreaterThan(100);
  expect(planned).toBeLessThan(150);
});

test("a mistake is told as the templates tell it", { timeout: 3 * minutes }, async () => {
  const preview = await run.pulumi("preview", "--config", "environment=prod", "--config", `caFile=${caFile}`);
  expect(preview.exitCode).not.toBe(0);
  expect(preview.output).toContain('environment: got "prod"; expected one of "dev", "staging", "production"');
});

const [yamlHost] = executablesOnPath("pulumi-language-yaml", process.env["PATH"]);
if (yamlHost === undefined) {
  console.warn(
    "SKIPPED: a program in YAML that uses the package: pulumi-language-yaml is not on the PATH; see docs/testing.md",
  );
}

test.skipIf(yamlHost === undefined)("a program in YAML uses it without an SDK", { timeout: 5 * minutes }, async () => {
  await using yaml = await EngineRun.of(join(import.meta.dirname, "yaml-program"));
  yaml.environment["PULUMI_DEBUG_PROVIDERS"] = standIn.attach;
  // It starts the package itself, and finds the host of the package's language on the PATH only.
  const hosts = join(root, "scripts", "language-host", "bin");
  yaml.environment["PATH"] = `${hosts}:${yaml.environment["PATH"]}`;
  expect(await yaml.pulumi("package", "add", published)).toMatchObject({ exitCode: 0 });
  const preview = await yaml.pulumi("preview", "--config", `caPem=${readFileSync(caFile, "utf8")}`);
  expect(preview).toMatchObject({ exitCode: 0 });
  expect(preview.output).toContain("aws:eks:Cluster ledger create");
});
