import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { engineEnvironment } from "../environment/engine-environment.ts";
import { Failure } from "../environment/failure.ts";
import { homeOf, root } from "../environment/paths.ts";
import { acquireEngine } from "./acquire.ts";
import { buildEngine } from "./build.ts";
import { engineOnPath, executablesOnPath } from "./on-path.ts";
import { addPluginLaunchers } from "./plugin-launchers.ts";
import { engineVersion, isAtLeast, oldestUsableEngine } from "./version.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pulumi-canton-acquire-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program that prints `output`, in a folder of its own. */
function program(name: string, output: string, place = name + output.replace(/\W/g, "")): string {
  const directory = join(folder, place);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), `#!/bin/sh\necho '${output}'\n`, { mode: 0o755 });
  return directory;
}

test("the first engine on the PATH that is new enough is used; an older one is told", async () => {
  const old = program("pulumi", "v3.100.0");
  const broken = program("pulumi", "not a version");
  const good = program("pulumi", "v3.999.1");
  const path = [old, broken, join(folder, "nowhere"), "", good].join(delimiter);
  const told: string[] = [];
  const engine = await engineOnPath({ PATH: path }, (file, version) => told.push(`${file} ${version}`));
  expect(engine).toEqual({ file: join(good, "pulumi"), version: "3.999.1", source: "PATH" });
  expect(told).toEqual([`${join(old, "pulumi")} 3.100.0`]);
});

test("this clone's own commands are not taken for an engine", () => {
  expect(executablesOnPath("pulumi", join(root, "scripts"))).toEqual([]);
});

test("an engine in the cache is used as it is, and gets launchers for our plugins", async () => {
  const cached = join(folder, "pulumi-canton", "engine", engineVersion);
  program("pulumi", `v${engineVersion}`, join("pulumi-canton", "engine", engineVersion));
  const engine = await acquireEngine({ PATH: "", XDG_CACHE_HOME: folder }, () => {});
  expect(engine).toEqual({ file: join(cached, "pulumi"), version: engineVersion, source: "cache" });
  const launcher = join(cached, "pulumi-language-nodejs");
  expect(statSync(launcher).mode & 0o111).not.toBe(0);
  expect(readFileSync(launcher, "utf8")).toContain("PULUMI_CANTON_PLUGINS");
});

test("an official release keeps its own language host", () => {
  const release = program("pulumi-language-nodejs", "official");
  addPluginLaunchers(release);
  expect(readFileSync(join(release, "pulumi-language-nodejs"), "utf8")).toContain("official");
});

test("our plugins are on the PATH, last, only for an engine that has none", () => {
  const home = homeOf({ CANTON_HOME: join(folder, "home") });
  const ours = join(root, "scripts", "language-host", "bin");
  const release = program("pulumi", "v3.999.0");
  const file = join(folder, "linked-pulumi");
  symlinkSync(join(release, "pulumi"), file);
  const path = () =>
    engineEnvironment({ PATH: "/somewhere" }, home, { file, version: "3.999.0", source: "PATH" }).PATH?.split(
      delimiter,
    );
  expect(path()).toEqual([join(root, "node_modules", ".bin"), "/somewhere", ours]);
  program("pulumi-language-nodejs", "official", release.slice(folder.length + 1));
  expect(path()).not.toContain(ours);
});

test("a passphrase in the environment does not win over the clone's own", () => {
  const home = homeOf({ CANTON_HOME: join(folder, "home") });
  const file = join(program("pulumi", "v3.999.0"), "pulumi");
  const environment = engineEnvironment({ PULUMI_CONFIG_PASSPHRASE: "theirs" }, home, {
    file,
    version: "3.999.0",
    source: "PATH",
  });
  expect(environment.PULUMI_CONFIG_PASSPHRASE).toBeUndefined();
  expect(environment.PULUMI_BACKEND_URL).toBe(`file://${home.state}`);
});

test("a build that fails says why and leaves nothing behind", async () => {
  // A Go that is new enough and builds nothing.
  const go = program("go", "go version go1.99.0 linux/amd64");
  const directory = join(folder, "engine", "9.9.9");
  const acquisition = { environment: { PATH: `${go}${delimiter}/bin:/usr/bin` }, directory, say: () => {} };
  writeFileSync(
    join(go, "go"),
    "#!/bin/sh\ncase $1 in version) echo go version go1.99.0;; list) echo a;; *) echo 'no route to proxy' >&2; exit 1;; esac\n",
  );
  await expect(buildEngine(acquisition, "9.9.9")).rejects.toThrow(
    /building the Pulumi engine failed:\nno route to proxy/,
  );
  await expect(buildEngine(acquisition, "9.9.9")).rejects.toBeInstanceOf(Failure);
  expect(() => statSync(directory)).toThrow();
  expect(dirname(directory)).toBe(join(folder, "engine"));
});

test("versions are compared number by number", () => {
  expect(isAtLeast("3.9.0", "3.10.0")).toBe(false);
  expect(isAtLeast("v3.255.0-dev.1", "3.255.0")).toBe(true);
  expect(isAtLeast("nonsense", "3.255.0")).toBe(false);
  expect(isAtLeast(engineVersion, oldestUsableEngine)).toBe(true);
  const number = fc.nat(1000);
  fc.assert(
    fc.property(fc.tuple(number, number, number), fc.tuple(number, number, number), (a, b) => {
      const sorted = [a, b].sort((x, y) => x[0] - y[0] || x[1] - y[1] || x[2] - y[2]);
      expect(isAtLeast(b.join("."), a.join("."))).toBe(sorted[0] === a || a.join() === b.join());
    }),
  );
});

test("go.mod asks for the version that is built", () => {
  const goMod = readFileSync(join(import.meta.dirname, "go.mod"), "utf8");
  expect(goMod.match(/pulumi\/(pkg|sdk)\/v3 v(\S+)/g)).toEqual([
    `pulumi/pkg/v3 v${engineVersion}`,
    `pulumi/sdk/v3 v${engineVersion}`,
  ]);
});
