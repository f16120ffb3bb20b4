import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, expect, test } from "vitest";

const program = fileURLToPath(new URL("testing/example-node.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "node-test-"));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function configFile(extra = "", adminPort = 0): string {
  const file = join(folder, `${files++}.yaml`);
  writeFileSync(
    file,
    `name: example1
adminApi: { port: ${adminPort} }
health: { port: 0 }
metrics: { port: 0 }
storage: { host: 127.0.0.1, database: d, user: u, passwordFile: /nowhere }
${extra}
`,
  );
  return file;
}

/** A node's process: its log lines as they come, and how it ended. */
function run(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const output = { stdout: "", stderr: "" };
  const waiters = new Set<() => void>();
  child.stdout.on("data", (data) => {
    output.stdout += data;
    for (const wake of waiters) wake();
  });
  child.stderr.on("data", (data) => {
    output.stderr += data;
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number, ...output }));
  const lines = () =>
    output.stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const logged = (message: string) => {
    const seen = new Promise<Record<string, unknown>>((resolve) => {
      const look = () => {
        const line = lines().find((each) => each.message === message);
        if (line === undefined) return;
        waiters.delete(look);
        resolve(line);
      };
      waiters.add(look);
      look();
    });
    const early = ended.then(({ code, stderr }) => {
      throw new Error(`the process ended with ${code} before it logged "${message}": ${stderr}`);
    });
    return Promise.race([seen, early]);
  };
  return { child, ended, logged, lines };
}

test.each(["SIGTERM", "SIGINT"] as const)("serves until %s, then closes and exits with 0", async (signal) => {
  const { child, ended, logged } = run("--config", configFile());
  await logged("Started");
  const { healthPort } = (await logged("Serving health and metrics")) as { healthPort: number };
  expect((await fetch(`http://127.0.0.1:${healthPort}/health/ready`)).status).toBe(200);
  expect(await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text()).toMatch(
    /process_cpu_seconds_total\{node="example1",role="example"\}/,
  );
  child.kill(signal);
  const { code, stderr } = await ended;
  expect(stderr).toBe("");
  expect(code).toBe(0);
});

test("a signal during the start ends it", async () => {
  const { child, ended, logged } = run("--config", configFile("behaviour: never-start"));
  await logged("Waiting");
  const { healthPort } = (await logged("Serving health and metrics")) as { healthPort: number };
  expect((await fetch(`http://127.0.0.1:${healthPort}/health/startup`)).status).toBe(503);
  child.kill("SIGTERM");
  expect((await ended).code).toBe(0);
});

test("a second signal ends a node that does not close", async () => {
  const { child, ended, logged } = run("--config", configFile("behaviour: never-close"));
  await logged("Started");
  child.kill("SIGTERM");
  await logged("Asked to stop");
  child.kill("SIGTERM");
  expect((await ended).code).toBe(1);
});

test("a configuration error is told without a stack, and exits with 78", async () => {
  const { code, stderr, stdout } = await run("--config", configFile("behavior: serve")).ended;
  expect(code).toBe(78);
  expect(stderr).toMatch(/behavior \(line 6\): unknown key; did you mean behaviour\?/);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stdout).toBe("");
});

test("a configuration error that shows at the start exits with 78", async () => {
  const file = configFile("", 0);
  const { code, stderr } = await run("--config", file.replace(/\d+\.yaml/, "absent.yaml")).ended;
  expect([code, stderr]).toEqual([78, expect.stringContaining("there is no such file")]);
  const strange = join(folder, "strange.yaml");
  writeFileSync(
    strange,
    `name: n
adminApi: { port: 0, tls: { certChainFile: /nowhere.pem, privateKeyFile: /nowhere.key } }
health: { port: 0 }
storage: { host: 127.0.0.1, database: d, user: u, passwordFile: /nowhere }
`,
  );
  const second = await run("--config", strange).ended;
  expect(second.code).toBe(78);
  expect(second.stderr).toBe(
    "Configuration: adminApi.tls.certChainFile: cannot read /nowhere.pem: there is no such file\n",
  );
});

test("a taken port names the key and exits with 75", async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
  const { port } = blocker.address() as { port: number };
  try {
    const { code, stderr } = await run("--config", configFile("", port)).ended;
    expect(code).toBe(75);
    expect(stderr).toBe(
      `adminApi.port: port ${port} on 127.0.0.1 is taken by another process. Stop that process, or set adminApi.port to a free port.\n`,
    );
  } finally {
    await new Promise((resolve) => blocker.close(resolve));
  }
});

test("a start that fails is logged and exits with 1", async () => {
  const { ended, lines } = run("--config", configFile("behaviour: throw"));
  expect((await ended).code).toBe(1);
  expect(lines()).toContainEqual(
    expect.objectContaining({ level: "fatal", error: expect.objectContaining({ message: "cannot start" }) }),
  );
});

test.each([
  ["reject-later", "nobody handles this"],
  ["fail-later", "beyond repair"],
])("an error of the running node ends it with 70 and is logged: %s", async (behaviour, message) => {
  const { ended, lines } = run("--config", configFile(`behaviour: ${behaviour}`));
  expect((await ended).code).toBe(70);
  expect(lines()).toContainEqual(
    expect.objectContaining({ level: "fatal", node: "example1", error: expect.objectContaining({ message }) }),
  );
});

test("arguments: --help, --check-config, none, unknown", async () => {
  const help = await run("--help").ended;
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining("Usage: node main.ts --config FILE")]);
  const check = await run("--config", configFile(), "--check-config").ended;
  expect([check.code, check.stdout]).toEqual([
    0,
    expect.stringContaining("is a valid configuration for the role example"),
  ]);
  expect((await run().ended).code).toBe(64);
  const unknown = await run("--confg", "x").ended;
  expect([unknown.code, unknown.stderr]).toEqual([64, expect.stringContaining("--confg")]);
});
