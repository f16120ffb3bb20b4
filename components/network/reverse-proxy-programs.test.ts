/** The configurations of the reverse proxies, in the programs that they are for. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type DebianPackages, debianPackages } from "../../test/debian-packages.ts";
import { freePorts } from "../../test/free-port.ts";
import { authorityFiles, ensureServerCertificate } from "../platform/local/certificates.ts";
import { localHome } from "../platform/local/home.ts";
import { haproxyConfig, nginxConfig, type ReverseProxyConfig } from "./reverse-proxy-config.ts";

const loopback = "127.0.0.1";
const [haproxy, nginx] = await Promise.all([
  debianPackages("haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"),
  debianPackages("nginx", "libnginx-mod-stream"),
]);
for (const [name, packages] of Object.entries({ haproxy, nginx })) {
  if ("unavailable" in packages) console.warn(`SKIPPED: configurations in ${name} itself: ${packages.unavailable}`);
}

/** How a program is started with a configuration. */
interface Program {
  readonly packages: DebianPackages | { readonly unavailable: string };
  readonly config: (config: ReverseProxyConfig) => string;
  readonly check: (file: string) => readonly string[];
  readonly start: (file: string) => readonly string[];
  readonly file: string;
}

const programs: Readonly<Record<"haproxy" | "nginx", Program>> = {
  haproxy: {
    packages: haproxy,
    config: haproxyConfig,
    check: (file) => ["-c", "-f", file],
    start: (file) => ["-db", "-f", file],
    file: "haproxy",
  },
  nginx: {
    packages: nginx,
    // Debian has `stream` in a module of its own; its images have it built in.
    config: (config) =>
      `load_module ${"folder" in nginx ? nginx.folder : ""}/usr/lib/nginx/modules/ngx_stream_module.so;\n${nginxConfig(config)}`,
    check: (file) => ["-t", "-c", file],
    start: (file) => ["-c", file, "-g", "daemon off;"],
    file: "nginx",
  },
};

let folder: string;
let certificates: { readonly ca: string; readonly folder: string };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pulumi-canton-reverse-proxy-"));
  const home = localHome(folder);
  const { certificate, privateKey } = await ensureServerCertificate(home, "sequencers");
  const pair = join(folder, "pair");
  mkdirSync(pair);
  writeFileSync(join(pair, "tls.crt"), readFileSync(certificate));
  writeFileSync(join(pair, "tls.key"), readFileSync(privateKey));
  certificates = { ca: authorityFiles(home).certificate, folder: pair };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const common: ReverseProxyConfig = {
  port: 8443,
  statusPort: 8404,
  sequencers: [
    { name: "sequencer1", host: loopback, port: 5001 },
    { name: "sequencer2", host: loopback, port: 5002 },
  ],
  allowedRanges: ["127.0.0.0/8", "203.0.113.0/24"],
  connectionsPerAddress: 100,
  connectionRatePerAddress: 1000,
  connections: 400,
  idleSeconds: 60,
};

function write(program: Program, config: ReverseProxyConfig): string {
  const file = join(mkdtempSync(join(folder, "config-")), "proxy.conf");
  writeFileSync(file, program.config(config));
  return file;
}

function commandOf({ packages, file }: Program): { readonly file: string; readonly env: NodeJS.ProcessEnv } {
  const { folder: root, environment } = packages as DebianPackages;
  return { file: join(root, "usr", "sbin", file), env: environment };
}

/** Starts a program that writes what it says to a file: of the pipes of Node, NGINX cannot open `/dev/stderr`. */
function launch(program: Program, args: (file: string) => readonly string[], config: ReverseProxyConfig) {
  const file = write(program, config);
  const log = join(dirname(file), "log");
  const output = openSync(log, "a");
  const command = commandOf(program);
  const child = spawn(command.file, args(file), { env: command.env, stdio: ["ignore", output, output] });
  closeSync(output);
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { child, exit, said: () => readFileSync(log, "utf8") };
}

/** What a program says to a configuration, and how it ends. */
async function check(program: Program, config: ReverseProxyConfig): Promise<{ code: number | null; said: string }> {
  const { exit, said } = launch(program, program.check, config);
  return { code: await exit, said: said() };
}

/** Runs a program until the test is over. */
async function start(
  program: Program,
  config: Partial<ReverseProxyConfig>,
): Promise<{ port: number; statusPort: number }> {
  const [port, statusPort] = (await freePorts(2)) as [number, number];
  const { child, exit, said } = launch(program, program.start, { ...common, ...config, port, statusPort });
  onTestFinished(async () => {
    child.kill();
    await exit;
  });
  const health = () => fetch(`http://${loopback}:${statusPort}/health`).catch(() => undefined);
  await expect.poll(() => (child.exitCode === null ? health() : said())).toMatchObject({ status: 200 });
  return { port, statusPort };
}

/** A sequencer: an HTTP/2 server that says its name, and one for its health. */
async function sequencer(name: string, tls = false) {
  const answer = (_: unknown, response: http2.Http2ServerResponse) => void response.end(name);
  const server = tls
    ? http2.createSecureServer(
        {
          cert: readFileSync(join(certificates.folder, "tls.crt")),
          key: readFileSync(join(certificates.folder, "tls.key")),
        },
        answer,
      )
    : http2.createServer(answer);
  const sessions = new Set<http2.Http2Session>();
  server.on("session", (session) => sessions.add(session));
  const state = { ready: true };
  const health = createHttpServer((_, response) => response.writeHead(state.ready ? 200 : 503).end());
  const listening = (each: Server | http2.Http2Server | http2.Http2SecureServer) =>
    new Promise<number>((resolve) => each.listen(0, loopback, () => resolve((each.address() as AddressInfo).port)));
  const spec = { name, host: loopback, port: await listening(server), healthPort: await listening(health) };
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
    health.closeAllConnections();
    health.close();
  });
  return { spec, state };
}

/** Opens a connection for as long as the test takes. */
function connect(url: string): http2.ClientHttp2Session {
  const session = http2.connect(url, { ca: readFileSync(certificates.ca) });
  session.on("error", () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

/** Who answers a call on a connection; `closed` if nobody does. */
function ask(session: http2.ClientHttp2Session): Promise<string> {
  return new Promise((resolve) => {
    if (session.destroyed || session.closed) return resolve("closed");
    const stream = session.request({ ":path": "/" });
    let text = "";
    const end = () => {
      session.off("close", end);
      resolve(text || "closed");
    };
    session.once("close", end);
    stream.setEncoding("utf8").on("data", (chunk) => (text += chunk));
    stream.once("error", end);
    stream.once("close", end);
  });
}

const terminated = () => ({ certificateFolder: certificates.folder });
const onward = () => ({ ...terminated(), sequencers: { caFile: certificates.ca, serverName: "localhost" } });
const withHealth = common.sequencers.map((each) => ({ ...each, healthPort: 8080 }));

describe.skipIf("unavailable" in haproxy)("HAProxy", () => {
  test.each([
    ["TLS that goes through", () => ({})],
    ["TLS that ends there", () => ({ tls: terminated() })],
    ["TLS on both sides", () => ({ tls: onward() })],
    ["health of sequencers", () => ({ tls: onward(), sequencers: withHealth })],
    ["names that are not there yet", () => ({ sequencers: [{ name: "s", host: "s.nowhere.svc", port: 1 }] })],
  ])("takes a configuration with %s, without a warning", async (_, config) => {
    const { code, said } = await check(programs.haproxy, { ...common, ...config() });
    const warnings = said.split("\n").filter((line) => /^\[(?!NOTICE)/.test(line));
    expect({ code, warnings }).toEqual({ code: 0, warnings: [] });
  });

  test("sends nobody to a sequencer that is not ready, and ends what is open there", async () => {
    const [first, second] = [await sequencer("first"), await sequencer("second")];
    const { port } = await start(programs.haproxy, { sequencers: [first.spec, second.spec] });
    const url = `http://${loopback}:${port}`;
    await expect.poll(() => ask(connect(url))).toBe("first");
    const open = [connect(url), connect(url), connect(url)];
    expect(new Set(await Promise.all(open.map(ask)))).toEqual(new Set(["first", "second"]));
    first.state.ready = false;
    await expect
      .poll(async () => new Set(await Promise.all(open.map(ask))), { timeout: 45_000 })
      .toEqual(new Set(["closed", "second"]));
    expect(new Set(await Promise.all([connect(url), connect(url)].map(ask)))).toEqual(new Set(["second"]));
  }, 60_000);

  test("ends TLS and begins it anew, for a server whose certificate has the name", async () => {
    const { spec } = await sequencer("tls", true);
    const ends = await start(programs.haproxy, { sequencers: [spec], tls: onward() });
    expect(await ask(connect(`https://localhost:${ends.port}`))).toBe("tls");
    const other = { caFile: certificates.ca, serverName: "other.example.com" };
    const refuses = await start(programs.haproxy, { sequencers: [spec], tls: { ...onward(), sequencers: other } });
    expect(await ask(connect(`https://localhost:${refuses.port}`))).toBe("closed");
  });

  test("tells its metrics", async () => {
    const { statusPort } = await start(programs.haproxy, {});
    const metrics = await fetch(`http://${loopback}:${statusPort}/metrics`);
    expect(await metrics.text()).toContain('haproxy_server_status{proxy="sequencers",server="sequencer1"');
  });
});

describe.skipIf("unavailable" in nginx)("NGINX", () => {
  test.each([
    ["TLS that goes through", () => ({})],
    ["TLS that ends there", () => ({ tls: terminated() })],
  ])("takes a configuration with %s, without a warning", async (_, config) => {
    const { code, said } = await check(programs.nginx, { ...common, ...config() });
    // It says so of Debian's own log and of a start by root, which its images know nothing of.
    const warnings = said
      .split("\n")
      .filter((line) => /\[(?!notice)\w+\]/.test(line) && !/var\/log|"user" directive/.test(line));
    expect({ code, warnings }).toEqual({ code: 0, warnings: [] });
  });

  test("ends TLS for servers in the clear", async () => {
    const { spec } = await sequencer("clear");
    const { port } = await start(programs.nginx, { sequencers: [spec], tls: terminated() });
    expect(await ask(connect(`https://localhost:${port}`))).toBe("clear");
  });
});

describe.each(["haproxy", "nginx"] as const)("%s", (name) => {
  const program = programs[name];
  const skip = "unavailable" in program.packages;
  const plain = async (sequencerName: string, tls?: boolean) => {
    const { healthPort: _, ...spec } = (await sequencer(sequencerName, tls)).spec;
    return spec;
  };

  test.skipIf(skip)("lets TLS through, and spreads connections, not calls", async () => {
    const sequencers = [await plain("first", true), await plain("second", true)];
    const { port } = await start(program, { sequencers });
    const sessions = Array.from({ length: 4 }, () => connect(`https://localhost:${port}`));
    const answers: string[] = [];
    for (const session of sessions) answers.push(await ask(session));
    expect(answers.toSorted()).toEqual(["first", "first", "second", "second"]);
    expect(await Promise.all(sessions.map(ask))).toEqual(answers);
  });

  test.skipIf(skip)("goes on with the others where one is gone", async () => {
    const [gone] = await freePorts(1);
    const sequencers = [{ name: "gone", host: loopback, port: gone as number }, await plain("there")];
    const { port } = await start(program, { sequencers });
    for (let call = 0; call < 4; call++) expect(await ask(connect(`http://${loopback}:${port}`))).toBe("there");
  });

  test.skipIf(skip)("refuses who is not on the allow-list", async () => {
    const { port } = await start(program, { sequencers: [await plain("closed")], allowedRanges: ["203.0.113.0/24"] });
    expect(await ask(connect(`http://${loopback}:${port}`))).toBe("closed");
  });

  test.skipIf(skip)("refuses one address more connections than it may have", async () => {
    const { port } = await start(program, { sequencers: [await plain("there")], connectionsPerAddress: 2 });
    const sessions: http2.ClientHttp2Session[] = [];
    const answers: string[] = [];
    for (let count = 0; count < 3; count++) {
      const session = connect(`http://${loopback}:${port}`);
      sessions.push(session);
      answers.push(await ask(session));
    }
    expect(answers).toEqual(["there", "there", "closed"]);
  });
});
