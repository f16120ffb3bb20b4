import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import grpc from "@grpc/grpc-js";
import { LanguageRuntimeClient } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/language_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../testing/wait-until.ts";
import { EngineRun } from "./testing/engine-run.ts";

// These tests run the real engine: seconds each, and many times that on a machine that is busy with other tests.
const slow = 300_000;

describe("a program on the real engine", () => {
  let run: EngineRun;
  let file: string;

  beforeAll(async () => {
    run = await EngineRun.of("program");
    file = join(run.folder, "text");
    await run.pulumi("config", "set", "file", file);
  }, 20 * 60_000);
  afterAll(() => run?.[Symbol.asyncDispose]());

  test("previews, creates, changes nothing the second time", { timeout: slow }, async () => {
    const preview = await run.pulumi("preview");
    expect(preview.output).toContain("+ 2 to create");
    expect(existsSync(file)).toBe(false);

    const up = await run.pulumi("up", "--yes", "--skip-preview");
    expect(up).toMatchObject({ exitCode: 0, output: expect.stringContaining("+ 2 created") });
    expect(up.output).toContain("the program runs");
    expect(up.output).toContain('node: "v24.'); // not the Node that ran setup
    expect(readFileSync(file, "utf8")).toBe("hello");

    const again = await run.pulumi("up", "--yes", "--skip-preview");
    expect(again.output).toContain("2 unchanged");
  });

  test("shows drift in preview and repairs it in up", { timeout: slow }, async () => {
    writeFileSync(file, "changed behind its back");
    expect((await run.pulumi("preview", "--refresh")).output).toContain("~ 1 to update");
    expect((await run.pulumi("up", "--yes", "--skip-preview", "--refresh")).output).toContain("~ 1 updated");
    expect(readFileSync(file, "utf8")).toBe("hello");
  });

  test("a program that fails says so once, and changes nothing", { timeout: slow }, async () => {
    const failed = await run.pulumi("up", "--yes", "--skip-preview", "--config", "fail=true");
    expect(failed.exitCode).not.toBe(0);
    expect(failed.output.match(/Error: asked to fail/g)).toHaveLength(1);
    expect(failed.output).not.toContain("non-zero exit code");
    await run.pulumi("config", "rm", "fail");
    expect(existsSync(file)).toBe(true);
  });

  test("runs policy packs", { timeout: slow }, async () => {
    const pack = join(import.meta.dirname, "testing", "policy-pack");
    const good = await run.pulumi("preview", "--policy-pack", pack);
    expect(good).toMatchObject({ exitCode: 0, output: expect.stringContaining("language-host-policies@v0.1.0") });
    const bad = await run.pulumi("preview", "--policy-pack", pack, "--config", "text=forbidden");
    expect(bad.exitCode).not.toBe(0);
    expect(bad.output).toContain("this text is forbidden");
    await run.pulumi("config", "rm", "text");
  });

  test("a killed engine takes its plugins with it", { timeout: slow }, async () => {
    const slowFile = join(run.folder, "slow");
    const engine = run.start(
      "up",
      "--yes",
      "--skip-preview",
      "--config",
      `file=${slowFile}`,
      "--config",
      "takesMs=100000",
    );
    await waitUntil(() => existsSync(slowFile), "the resource is being created");
    const plugins = childrenOf(engine.pid as number);
    expect(plugins.length).toBeGreaterThanOrEqual(2);
    engine.kill("SIGKILL");
    await once(engine, "exit");
    await waitUntil(() => plugins.every((pid) => !existsSync(`/proc/${pid}/stat`)), "its plugins have ended");
    await run.pulumi("cancel", "--yes");
    await run.pulumi("config", "set", "file", file);
    await run.pulumi("config", "rm", "takesMs");
  });

  test("destroys", { timeout: slow }, async () => {
    const down = await run.pulumi("destroy", "--yes", "--skip-preview");
    expect(down.exitCode).toBe(0);
    expect(existsSync(file)).toBe(false);
  });

  test("tells what it depends on", { timeout: slow }, async () => {
    const about = await run.pulumi("about", "--json");
    expect(about.output).toContain(process.version.slice(1).split(".")[0]);
  });
});

test("a component package gives its schema", { timeout: slow }, async () => {
  await using run = await EngineRun.of("component");
  const { exitCode, output } = await run.pulumi("package", "get-schema", "./");
  expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
  const schema = JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1));
  expect(schema.resources["language-host-component:index:Greeting"]).toMatchObject({
    isComponent: true,
    inputProperties: { name: { type: "string", description: "Who is greeted." } },
    requiredInputs: ["name"],
  });
});

describe("the service itself", () => {
  let host: ReturnType<typeof spawn>;
  let client: LanguageRuntimeClient;

  beforeAll(async () => {
    host = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "-v=9", "127.0.0.1:1"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [line] = (await once(host.stdout as NonNullable<typeof host.stdout>, "data")) as [Buffer];
    client = new LanguageRuntimeClient(`127.0.0.1:${line.toString().trim()}`, grpc.credentials.createInsecure());
  });
  afterAll(async () => {
    client?.close();
    if (host?.exitCode !== null) return;
    host.stdin?.end();
    await once(host, "exit");
  });

  test("ends when the pipe to its parent does", async () => {
    const other = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "127.0.0.1:1"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(other.stdout, "data");
    other.stdin.end();
    expect((await once(other, "exit"))[0]).toBe(0);
  });

  test("answers UNIMPLEMENTED, with a reason, for what it does not build", async () => {
    const error = await new Promise<grpc.ServiceError | null>((resolve) => {
      client.pack(new pb.PackRequest(), (failure) => resolve(failure));
    });
    expect(error).toMatchObject({ code: grpc.status.UNIMPLEMENTED, details: expect.stringContaining("Pack") });
  });

  test("reports the SDK's version", async () => {
    const version = await new Promise((resolve, reject) => {
      client.getPluginInfo(new emptyPb.Empty(), (error, info) => (error ? reject(error) : resolve(info.getVersion())));
    });
    expect(version).toMatch(/^3\.\d+\.\d+$/);
  });

  test("a plugin whose dependencies are missing is refused with what to do", async () => {
    const info = new pb.ProgramInfo().setProgramDirectory("/nowhere").setRootDirectory("/nowhere");
    const call = client.runPlugin(new pb.RunPluginRequest().setKind("analyzer").setInfo(info).setPwd("/"));
    call.resume();
    const [error] = (await once(call, "error")) as [grpc.ServiceError];
    expect(error.code).toBe(grpc.status.FAILED_PRECONDITION);
    expect(error.details).toMatch(/cannot find @pulumi\/pulumi.*from \/nowhere.*npm install/);
  });

  test("a program that cannot be found fails with its folder's name", async () => {
    const request = new pb.RunRequest().setPwd("/nowhere").setMonitorAddress("127.0.0.1:1").setParallel(1);
    const error = await new Promise((resolve, reject) => {
      client.run(request, (failure, response) => (failure ? reject(failure) : resolve(response.getError())));
    });
    expect(error).toContain("/nowhere");
  });

  test("installs nothing where all is installed", async () => {
    const folder = join(import.meta.dirname, "..", "..");
    const call = client.installDependencies(new pb.InstallDependenciesRequest().setDirectory(folder));
    let told = "";
    call.on("data", (reply: { getStdout_asU8(): Uint8Array }) => {
      told += Buffer.from(reply.getStdout_asU8()).toString();
    });
    await once(call, "end");
    expect(told).toContain("are installed");
  });
});

/** The processes that a process started (each of its threads has a list of its own) and that still run. */
function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim().split(" "))
    .filter(Boolean)
    .map(Number);
}
