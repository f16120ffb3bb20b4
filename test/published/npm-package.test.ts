/** The npm package, as somebody has it who installed it. */
import { execFileSync } from "node:child_process";
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
