/** The package that others use: its schema, and a program of somebody else that adds it. */
import { spawnSync } from "node:child_process";
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

/** All of the program's configuration, since the engine keeps what it was given once. */
const configured = (more: object = {}, unknown = false, hidden = "") =>
  [`caFile=${caFile}`, `more=${JSON.stringify(more)}`, `unknown=${unknown}`, `hidden=${hidden}`].flatMap((one) => [
    "--config",
    one,
  ]);

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
  expect(schema).toEqual(JSON.parse(readFileSync(schemaFile, "utf8")));
});

test("a second program adds it, and previews a whole infrastructure", { timeout: 10 * minutes }, async () => {
  const added = await run.pulumi("package", "add", published);
  expect(added).toMatchObject({ exitCode: 0, output: expect.stringContaining('from "@pulumi/pulumi-canton";') });

  const preview = await run.pulumi("preview", ...configured());
  expect(preview).toMatchObject({ exitCode: 0 });
  expect(preview.output).toContain("pulumi-canton:index:AwsInfrastructure ledger create");
  expect(preview.output).toContain("aws:eks:Cluster ledger create");
  const planned = Number(/\+ (\d+) to create/.exec(preview.output)?.[1]);
  expect(planned).toBeGreaterThan(100);
  expect(planned).toBeLessThan(150);
});

/** Arguments as somebody writes them, each line but the first with a mistake. */
const typed = `import { AwsInfrastructure } from "@pulumi/pulumi-canton";
const least = { name: "a", environment: "dev", region: "eu-central-1", account: "123456789012", caPem: "" } as const;
new AwsInfrastructure("right", { ...least, network: { nat: "zonal", flowLogDays: 30 }, tags: { team: "a" }, nodes: ["a"] });
new AwsInfrastructure("1", { ...least, networks: {} });
new AwsInfrastructure("2", { ...least, cluster: { machines: { min: 1, max: 2, desired: 2 } } });
new AwsInfrastructure("3", { ...least, database: { storage: "big" } });
new AwsInfrastructure("4", { ...least, network: { flowLogDays: 8 } });
new AwsInfrastructure("5", { ...least, ingress: "open" });
new AwsInfrastructure("6", { name: "a", environment: "dev", region: "eu-central-1", caPem: "" });
`;

test("its arguments have types in a program: what is misspelt, missing or wrong does not compile", {
  timeout: minutes,
}, () => {
  writeFileSync(join(run.project, "typed.ts"), typed);
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const options = "--noEmit --strict --skipLibCheck --module nodenext --target es2022 --pretty false".split(" ");
  const { stdout } = spawnSync(process.execPath, [compiler, ...options, "typed.ts"], {
    cwd: run.project,
    encoding: "utf8",
  });
  const errors = stdout.split(/\n(?=typed\.ts\()/);
  const named = [
    "'networks'",
    "'desired'",
    "'string' is not assignable to type 'number'",
    "'8'",
    "'\"open\"'",
    "'account'",
  ];
  expect(errors.map((error) => /^typed\.ts\((\d+)/.exec(error)?.[1])).toEqual(["4", "5", "6", "7", "8", "9"]);
  errors.forEach((error, index) => expect(error).toContain(named[index]));
});

test.each([
  ["environment", { environment: "prod" }, 'got "prod"; expected one of "dev", "staging", "production"'],
  ["cluster.machines.desired", { cluster: { machines: { min: 1, max: 2, desired: 2 } } }, "unknown key"],
  ["database.storage", { database: { storage: "big" } }, 'got "big"; expected a number'],
  ["network.range", { network: { range: "10.0.0.0/8" } }, 'got "10.0.0.0/8"; expected a range of /16 to /19'],
])(
  "a mistake that nothing saw before is told in the preview: %s",
  { timeout: 3 * minutes },
  async (key, more, reason) => {
    const given = ["--config", `caFile=${caFile}`, "--config", `more=${JSON.stringify(more)}`];
    const preview = await run.pulumi("preview", ...given);
    expect(preview.exitCode).not.toBe(0);
    expect(preview.output).toContain(key);
    expect(preview.output).toContain(reason);
  },
);

test("a value that is not known yet is told by its key", { timeout: 3 * minutes }, async () => {
  const preview = await run.pulumi("preview", ...configured({}, true));
  expect(preview.exitCode).not.toBe(0);
  expect(preview.output).toContain("nodes[1]");
  expect(preview.output).toContain("is not known before another resource is made");
});

test("a secret is told by its key, and not shown", { timeout: 3 * minutes }, async () => {
  const preview = await run.pulumi("preview", ...configured({}, false, "tell-nobody"));
  expect(preview.exitCode).not.toBe(0);
  expect(preview.output).toContain("namespace");
  expect(preview.output).toContain("got a secret");
  expect(preview.output).not.toContain("tell-nobody");
});

test("it is made, a second time without a change, and one in another region follows it", {
  timeout: 10 * minutes,
}, async () => {
  const made = await run.pulumi("up", "--yes", "--skip-preview", ...configured());
  expect(made).toMatchObject({ exitCode: 0 });
  expect(made.output).toMatch(/infrastructure *: \[secret\]/);
  expect(await run.pulumi("preview", "--expect-no-changes", ...configured())).toMatchObject({ exitCode: 0 });

  expect(await run.pulumi("stack", "init", "standby")).toMatchObject({ exitCode: 0 });
  const standby = configured({
    name: "canton-west",
    region: "eu-west-1",
    network: { range: "10.21.0.0/16" },
    standby: { of: "organization/second-program/test" },
  });
  const preview = await run.pulumi("preview", "--stack=standby", "--diff", ...standby);
  expect(preview).toMatchObject({ exitCode: 0 });
  expect(preview.output.match(/replicateSourceDb *: "arn:aws:rds:eu-central-1:/g)).toHaveLength(2);
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
  const given = ["--config", `caPem=${readFileSync(caFile, "utf8")}`];
  const preview = await yaml.pulumi("preview", ...given);
  expect(preview).toMatchObject({ exitCode: 0 });
  expect(preview.output).toContain("aws:eks:Cluster ledger create");

  const file = join(yaml.project, "Pulumi.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace("flowLogDays: 30", "flowLogDay: 30"));
  const misspelt = await yaml.pulumi("preview", ...given);
  expect(misspelt.exitCode).not.toBe(0);
  expect(misspelt.output).toContain("Property flowLogDay does not exist on 'pulumi-canton:index:AwsNetwork'");
});
