import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pb from "@pulumi/pulumi/proto/language_pb.js";
import structPb from "google-protobuf/google/protobuf/struct_pb.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { root } from "../environment/paths.ts";
import { installedPackages, requiredPackages } from "./packages.ts";
import { exitCodeOf, pluginCommand } from "./run-plugin.ts";
import { outcomeOf, runArguments, runEnvironment } from "./run-program.ts";
import { runtimeOptions } from "./runtime-options.ts";

const programWith = (options: { [key: string]: structPb.JavaScriptValue }) =>
  new pb.ProgramInfo()
    .setRootDirectory("/project")
    .setProgramDirectory(root)
    .setEntryPoint("stacks/index.ts")
    .setOptions(structPb.Struct.fromJavaScript(options));

test("runtime options are validated, each error naming what is accepted", () => {
  expect(runtimeOptions(undefined)).toEqual({ typescript: true, nodeArguments: [] });
  const given = programWith({ typescript: false, tsconfig: "t.json", nodeargs: " --inspect  --trace-gc " });
  expect(runtimeOptions(given)).toEqual({
    typescript: false,
    tsconfig: "t.json",
    nodeArguments: ["--inspect", "--trace-gc"],
  });
  expect(() => runtimeOptions(programWith({ typescript: "no" }))).toThrow(/typescript is "no"; it takes true or false/);
  expect(() => runtimeOptions(programWith({ typscript: false }))).toThrow(/unknown option runtime.options.typscript/);
  expect(() => runtimeOptions(programWith({ packagemanager: "yarn" }))).toThrow(/knows only npm/);
  expect(() => runtimeOptions(programWith({ tsconfig: 1 }))).toThrow(/takes a file name/);
  expect(() => runtimeOptions(programWith({ nodeargs: 1 }))).toThrow(/takes a string/);
});

test("a program's arguments and environment say all the SDK needs", () => {
  const request = new pb.RunRequest()
    .setProject("p")
    .setStack("s")
    .setOrganization("o")
    .setPwd("/project")
    .setMonitorAddress("127.0.0.1:1")
    .setParallel(16)
    .setDryrun(true)
    .setConfigsecretkeysList(["p:password"])
    .setInfo(programWith({ typescript: false, nodeargs: "--inspect" }));
  request.getConfigMap().set("p:password", "x").set("p:name", "y");
  expect(runArguments(request, "127.0.0.1:2", "/run.js")).toEqual([
    "--inspect",
    "/run.js",
    "--monitor=127.0.0.1:1",
    "--engine=127.0.0.1:2",
    "--organization=o",
    "--project=p",
    "--stack=s",
    "--pwd=/project",
    "--parallel=16",
    "--root-directory=/project",
    "--dry-run",
    "stacks/index.ts",
  ]);
  const environment = runEnvironment(request);
  expect(JSON.parse(environment.PULUMI_CONFIG ?? "")).toEqual({ "p:password": "x", "p:name": "y" });
  expect(environment.PULUMI_CONFIG_SECRET_KEYS).toBe('["p:password"]');
  expect(environment.PULUMI_NODEJS_TYPESCRIPT).toBe("false");
});

test("an ending becomes success, a failure that was told, or one to tell", () => {
  expect(outcomeOf({ code: 0, signal: null })).toEqual({ kind: "ok" });
  expect(outcomeOf({ code: 32, signal: null })).toEqual({ kind: "bail" });
  expect(outcomeOf({ code: 1, signal: null })).toEqual({
    kind: "failed",
    error: expect.stringContaining("exit code: 1"),
  });
  expect(outcomeOf({ code: null, signal: "SIGKILL" })).toMatchObject({ error: expect.stringContaining("SIGKILL") });
  expect(exitCodeOf({ code: null, signal: "SIGKILL" })).toBe(128);
});

test("a policy pack runs in its own folder, a component where the engine says", () => {
  const request = new pb.RunPluginRequest()
    .setPwd("/elsewhere")
    .setArgsList(["127.0.0.1:2"])
    .setEnvList(["A=1", "B=x=y"])
    .setInfo(programWith({}));
  const component = pluginCommand(request.setKind("resource"));
  expect(component.directory).toBe("/elsewhere");
  expect(component.args.slice(-2)).toEqual([root, "127.0.0.1:2"]);
  expect(component.environment).toMatchObject({ A: "1", B: "x=y" });
  const pack = pluginCommand(request.setKind("analyzer"));
  expect(pack.directory).toBe(root);
  expect(pack.args[0]).toContain("run-policy-pack");
  expect(pack.args.slice(1)).toEqual(["127.0.0.1:2", "."]);
});

describe("packages", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-canton-packages-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (where: string, manifest: object) => {
    mkdirSync(join(folder, where), { recursive: true });
    writeFileSync(join(folder, where, "package.json"), JSON.stringify(manifest));
  };

  test("are found where Node would find them, with the plugins they come with", () => {
    write(".", { dependencies: { "@pulumi/aws": "^7", component: "*", absent: "*" }, devDependencies: { dev: "*" } });
    write("node_modules/@pulumi/aws", {
      name: "@pulumi/aws",
      version: "7.1.0",
      pulumi: { resource: true, name: "aws" },
    });
    write("node_modules/component", { name: "component", version: "1.0.0", dependencies: { deep: "*", dev: "*" } });
    write("node_modules/component/node_modules/deep", {
      name: "@me/deep",
      version: "v2.0.0",
      pulumi: { resource: true, server: "https://example.com" },
    });
    write("node_modules/dev", { name: "dev", version: "1.0.0", dependencies: { component: "*" } });
    const { packages, missing } = installedPackages(folder);
    expect(packages.map(({ name, direct }) => [name, direct])).toEqual([
      ["@pulumi/aws", true],
      ["component", true],
      ["dev", true],
      ["@me/deep", false],
    ]);
    expect(missing).toEqual(["absent"]);
    expect(requiredPackages(folder)).toEqual([
      { name: "aws", version: "v7.1.0" },
      { name: "deep", version: "v2.0.0", server: "https://example.com" },
    ]);
  });

  test("a broken package.json is named", () => {
    writeFileSync(join(folder, "package.json"), "{");
    expect(() => installedPackages(folder)).toThrow(join(folder, "package.json"));
  });
});
