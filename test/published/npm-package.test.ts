/** The npm package, as somebody has it who installed it. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../../scripts/environment/paths.ts";

const minutes = 60_000;
let folder: string;
let project: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pulumi-canton-npm-"));
  project = join(folder, "project");
  const installed = join(project, "node_modules", "pulumi-canton");
  mkdirSync(installed, { recursive: true });
  execFileSync(process.execPath, [join(root, "scripts", "commands", "package.ts"), folder], { stdio: "pipe" });
  const [tarball] = readdirSync(folder).filter((file) => file.endsWith(".tgz"));
  execFileSync("tar", ["-xzf", join(folder, tarball ?? ""), "-C", installed, "--strip-components=1"]);
  // What npm would install besides: those of this clone.
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", type: "module", private: true }));
}, 5 * minutes);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("its components are constructed by a program that has nothing else of this project", { timeout: minutes }, () => {
  writeFileSync(
    join(project, "index.ts"),
    `import * as pulumi from "@pulumi/pulumi";
import { GcpInfrastructure } from "pulumi-canton";
import { Domain } from "pulumi-canton/domain/domain.js";
import { LocalPlatform } from "pulumi-canton/platform/local/local-platform.js";
const made: string[] = [];
await pulumi.runtime.setMocks({
  call: () => ({}),
  newResource: ({ type, name, inputs }) => (made.push(type), { id: name, state: inputs }),
}, "project", "stack", true);
const platform = new LocalPlatform("local", { home: "/nowhere" });
const domain: Domain = new Domain("mydomain", { platform, alias: "mydomain" });
new GcpInfrastructure("ledger", { name: "ledger", environment: "dev", region: "europe-west3", project: "my-project" });
await pulumi.runtime.disconnect();
console.log(JSON.stringify({ nodes: Object.keys(domain.nodes), gcp: made.filter((type) => type.startsWith("gcp:")).length }));
`,
  );
  const printed = execFileSync(process.execPath, ["index.ts"], { cwd: project, encoding: "utf8" });
  const { nodes, gcp } = JSON.parse(printed.trim().split("\n").at(-1) ?? "");
  expect(nodes).toEqual(["domain-manager", "sequencer1", "sequencer2", "mediator"]);
  expect(gcp).toBeGreaterThan(20);
});

test("its types know the arguments of the components", { timeout: 2 * minutes }, () => {
  writeFileSync(
    join(project, "typed.ts"),
    `import { AwsInfrastructure, type GcpInfrastructureArgs } from "pulumi-canton";
const least: GcpInfrastructureArgs = { name: "a", environment: "dev", region: "europe-west3", project: "my-project" };
export const right: GcpInfrastructureArgs[] = [{ ...least, cluster: { machines: { min: 2, max: 4 } }, ingress: { exposure: "external" } }];
// @ts-expect-error misspelt
right.push({ ...least, clusters: {} });
// @ts-expect-error wrong
right.push({ ...least, ingress: { exposure: "open" } });
// @ts-expect-error missing
new AwsInfrastructure("ledger", { name: "a", environment: "dev", region: "eu-central-1", account: "123456789012" });
`,
  );
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const options = "--noEmit --strict --skipLibCheck --module nodenext --target es2022 --pretty false".split(" ");
  const { stdout } = spawnSync(process.execPath, [compiler, ...options, "typed.ts"], {
    cwd: project,
    encoding: "utf8",
  });
  expect(stdout).toBe("");
});
