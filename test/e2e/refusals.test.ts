/**
 * Bad input to the real thing: the commands, the nodes' programs, and the APIs of a network that runs. Each is refused
 * with what was wrong and what to do, without a stack trace, and leaves the network as it was.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import type { NetworkView } from "@pulumi-canton/console/commands/status.ts";
import { TestParticipant } from "@pulumi-canton/domain-manager/testing/test-participant.ts";
import { VersionServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/version_service.ts";
import { SequencerVersionServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/sequencer_version_service.ts";
import { SequencerConnectServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connect_service.ts";
import {
  type DomainConnectionConfig,
  DomainConnectivityServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { Deployment, type Outcome, shipped } from "./deployment.ts";
import { BareSequencer, sendBytes } from "./refusals-calls.ts";
import { roles, runCommand, runNodeProgram } from "./refusals-process.ts";

const minutes = 60_000;
const deadlineMs = 10_000;
const stackTrace = /^\s+at .+:\d+:\d+\)?$|node:internal|\[object Object\]|unhandled exception/m;

/** A command that was refused: its text is for people. */
function expectRefusal({ code, text }: Outcome, ...tellings: (string | RegExp)[]): void {
  expect(code, text).not.toBe(0);
  for (const telling of tellings) {
    if (typeof telling === "string") expect(text).toContain(telling);
    else expect(text).toMatch(telling);
  }
  expect(text).not.toMatch(stackTrace);
}

describe("the commands, before anything runs", { timeout: minutes }, () => {
  let deployment: Deployment;
  beforeAll(async () => {
    deployment = await Deployment.create();
  });
  afterAll(async () => {
    await deployment.dispose();
  });

  const files = ["below a regular file", ...(existsSync("/proc/self") ? ["in /proc, where nobody makes folders"] : [])];
  test.each(files)("CANTON_HOME %s", async (where) => {
    const home = where.includes("/proc") ? "/proc/canton" : join(deployment.configFile, "home");
    const at = (script: string, ...args: string[]) => runCommand({ CANTON_HOME: home }, script, ...args);
    expectRefusal(await at("up"), `cannot write to ${home}`, "Set CANTON_HOME to a folder that you may write to.");
    expectRefusal(await at("console", "status"), "No network is up", "./scripts/up");
    const down = await at("down");
    expect([down.code, down.text]).toEqual([0, expect.stringContaining("Nothing is up")]);
  });

  test("CANTON_CONFIG without a file", async () => {
    const absent = join(deployment.configFile, "..", "absent.yaml");
    const up = await runCommand({ CANTON_HOME: deployment.home, CANTON_CONFIG: absent }, "up");
    expectRefusal(up, `CANTON_CONFIG is ${absent}`, "there is no such file");
    expect(existsSync(join(deployment.home, "outputs.json"))).toBe(false);
  });

  test.each([
    ["is not YAML", "config: [", /line \d+, column \d+: is not valid YAML/],
    ["has another section", "confg:\n  pulumi-canton:tls: true\n", "confg (line 1): unknown key; did you mean config?"],
    ["names another project", "config:\n  pulumi-cantn:tls: true\n", "did you mean pulumi-canton:tls?"],
  ])("a configuration file that %s", async (_, content, telling) => {
    await writeFile(deployment.configFile, content);
    expectRefusal(await deployment.run("up"), deployment.configFile, telling, "Correct the file");
    expect(existsSync(join(deployment.home, "postgres"))).toBe(false);
  });
});

describe("a network", { timeout: 2 * minutes }, () => {
  let deployment: Deployment;
  /** Holds a port as another program does. */
  let squatter: Server;
  let takenPort: number;
  let network: NetworkView;
  let before: Record<string, number | null | undefined>;

  beforeAll(async () => {
    deployment = await Deployment.create();
    squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    takenPort = (squatter.address() as { port: number }).port;
  }, minutes);
  afterAll(async () => {
    squatter.close();
    await deployment.dispose();
  }, 2 * minutes);

  /** The shipped configuration with some keys changed. */
  async function configure(keys: Record<string, unknown>): Promise<void> {
    await deployment.configure(shipped);
    const { config } = parse(await readFile(deployment.configFile, "utf8"));
    for (const [key, value] of Object.entries(keys)) config[`pulumi-canton:${key}`] = value;
    await writeFile(deployment.configFile, stringify({ config }));
  }

  const pids = ({ nodes }: NetworkView) =>
    Object.fromEntries(Object.entries(nodes).map(([name, { pid }]) => [name, pid]));
  const urlOf = (node: string, api: "adminApi" | "publicApi" | "ledgerApi") => network.nodes[node]?.[api] ?? "";

  test("a configured port that another program has: its node fails alone, and up converges once it is free", async () => {
    await configure({ ports: { alice: { adminApi: takenPort } } });
    expectRefusal(
      await deployment.run("up"),
      `ports.alice.adminApi: port ${takenPort} is taken by another program on this machine`,
      "stop that program, choose another port, or remove ports.alice.adminApi",
    );
    const half = await deployment.status();
    expect(Object.keys(half.nodes).sort()).toEqual(["bob", "domain-manager", "mediator", "sequencer1", "sequencer2"]);
    for (const { state } of Object.values(half.nodes)) expect(state).toBe("ready");

    squatter.close();
    await once(squatter, "close");
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    network = await deployment.status();
    expect(network.nodes["alice"]).toMatchObject({ state: "ready", adminApi: `http://127.0.0.1:${takenPort}` });
    expect(Object.keys(network.parties).sort()).toEqual(["Alice", "Bob"]);
    before = pids(network);
    expect(before).toMatchObject(pids(half));
  });

  describe("that runs, refuses", () => {
    afterEach(async () => {
      for (const [name, { health }] of Object.entries(network.nodes)) {
        expect(() => process.kill(before[name] as number, 0), `${name} was disturbed`).not.toThrow();
        expect((await fetch(`${health}/health/ready`)).status, `${name} is not ready`).toBe(200);
      }
    });

    const ports = () => ({ ports: { alice: { adminApi: takenPort } } });

    test("typos in the configuration, all told at once", async () => {
      await configure({
        ...ports(),
        alowList: [],
        tls: "yes",
        domain: { alias: "mydomain", owner: "bob", sequencrs: 2 },
      });
      expectRefusal(
        await deployment.run("up"),
        "alowList: unknown key; did you mean allowList?",
        'tls: got "yes"; expected true or false',
        "domain.sequencrs: unknown key; did you mean sequencers?",
      );
    });

    test("an allow-list that names nobody", async () => {
      await configure({ ...ports(), allowList: [{ participant: "bob" }, { participant: "alicia" }] });
      expectRefusal(
        await deployment.run("up"),
        'allowList[1].participant: got "alicia"; expected a participant of this stack (bob, alice) or an id',
      );
    });

    test("a second process of a node, by the port that the first one has", async () => {
      for (const [node, role] of Object.entries(network.nodes).map(([name, { role }]) => [name, role] as const)) {
        const { code, stderr } = await runNodeProgram(role, join(deployment.home, "config", `${node}.yaml`));
        expect([node, code, stderr]).toEqual([
          node,
          75,
          expect.stringMatching(
            /^\w+\.port: port \d+ on 127\.0\.0\.1 is taken by another process\. .*set \w+\.port to a free/,
          ),
        ]);
        expect(stderr).not.toMatch(stackTrace);
      }
    });

    test("a configuration of any role with an unknown key, and without TLS where others reach it", async () => {
      for (const role of roles) {
        const [node] = Object.entries(network.nodes).find(([, each]) => each.role === role) ?? [];
        const good = parse(await readFile(join(deployment.home, "config", `${node}.yaml`), "utf8"));
        const bad = { ...good, adminApi: { ...good.adminApi, address: "0.0.0.0" }, storag: good.storage };
        const file = join(deployment.home, "..", `bad-${role}.yaml`);
        await writeFile(file, stringify(bad));
        const { code, stderr, stdout } = await runNodeProgram(role, file);
        expect([role, code, stdout]).toEqual([role, 78, ""]);
        expect(stderr).toContain(file);
        expect(stderr).toMatch(/adminApi\.tls \(line \d+\) is required because address "0\.0\.0\.0" is reachable/);
        expect(stderr).toMatch(/storag \(line \d+\): unknown key; did you mean storage\?/);
        expect(stderr).not.toMatch(stackTrace);
      }
    });

    test("bytes that are no message, and messages that are too large, at every API; and goes on serving", async () => {
      const admin = "/com.digitalasset.canton.topology.admin.v0.InitializationService/GetId";
      const apis: [url: string, path: string][] = [
        ...Object.keys(network.nodes)
          .filter((node) => !node.startsWith("sequencer") && node !== "mediator")
          .map((node): [string, string] => [urlOf(node, "adminApi"), admin]),
        [
          urlOf("mediator", "adminApi"),
          "/com.digitalasset.canton.domain.admin.v0.MediatorStatusService/MediatorStatus",
        ],
        [
          urlOf("sequencer1", "adminApi"),
          "/com.digitalasset.canton.domain.admin.v0.SequencerStatusService/SequencerStatus",
        ],
        [
          urlOf("sequencer1", "publicApi"),
          "/com.digitalasset.canton.domain.api.v0.SequencerConnectService/GetDomainId",
        ],
        [
          urlOf("sequencer2", "publicApi"),
          "/com.digitalasset.canton.domain.api.v0.SequencerConnectService/GetDomainId",
        ],
        [urlOf("alice", "ledgerApi"), "/com.daml.ledger.api.v1.VersionService/GetLedgerApiVersion"],
      ];
      for (const [url, path] of apis) {
        const [malformed, oversized, wellFormed] = await sendBytes(url, path, [
          Buffer.from("0aff7f", "hex"),
          Buffer.alloc(12 * 1024 * 1024),
          Buffer.alloc(0),
        ]);
        expect(malformed, path).toMatchObject({
          code: status.INVALID_ARGUMENT,
          details: expect.stringMatching(/^PROTO_DESERIALIZATION_FAILURE\(8,[0-9a-f]{8}\)/),
        });
        expect(oversized, path).toMatchObject({
          code: status.RESOURCE_EXHAUSTED,
          details: expect.stringMatching(/larger than max \(12582912 vs 10\d{6}\)/),
        });
        expect(wellFormed, path).toEqual({ code: 0, details: "" });
      }
    });

    test("protocol versions that it does not speak", async () => {
      const open = connect(SequencerConnectServiceClient, { url: urlOf("sequencer1", "publicApi") });
      const administration = connect(SequencerVersionServiceClient, { url: urlOf("sequencer1", "adminApi") });
      const ledger = connect(VersionServiceClient, { url: urlOf("alice", "ledgerApi") });
      const handshake = async (clientProtocolVersions: string[], minimumProtocolVersion?: string) => {
        const request = { clientProtocolVersions, minimumProtocolVersion };
        const answers = [
          await call(open, "handshake", request, { deadlineMs }),
          await call(administration, "handshake", request, { deadlineMs }),
        ];
        expect(answers[0]).toEqual(answers[1]);
        return answers[0]?.value;
      };
      try {
        for (const versions of [["4"], ["6", "30"], ["five"], []]) {
          expect(await handshake(versions)).toMatchObject({
            $case: "failure",
            value: {
              reason: expect.stringMatching(
                new RegExp(
                  `required by the server \\(5\\) is not among .* by the client: ${versions.join(", ") || "none"}$`,
                ),
              ),
            },
          });
        }
        expect(await handshake(["5"], "6")).toMatchObject({
          $case: "failure",
          value: {
            reason: expect.stringContaining("lower than the minimum version configured by the participant (6)"),
          },
        });
        expect(await handshake(["4", "5"])).toMatchObject({ $case: "success" });
        const other = call(ledger, "getLedgerApiVersion", { ledgerId: "another" }, { deadlineMs });
        await expect(other).rejects.toMatchObject({ reason: "LEDGER_ID_MISMATCH" });
        await expect(call(ledger, "getLedgerApiVersion", { ledgerId: "" }, { deadlineMs })).resolves.toMatchObject({
          version: expect.stringMatching(/^2\./),
        });
      } finally {
        for (const client of [open, administration, ledger]) client.close();
      }
    });

    test("replayed nonces, forged signatures, and tokens that are wrong, of others or of another sequencer", async () => {
      const { id: domainId, sequencers } = network.domain;
      using mallory = new TestParticipant("mallory", domainId, sequencers);
      using stranger = new TestParticipant("stranger", domainId, sequencers);
      using first = new BareSequencer(sequencers[0] as string);
      using second = new BareSequencer(sequencers[1] as string);
      const refused = (reason: string | RegExp) => ({
        $case: "failure",
        value: { reason: expect.stringMatching(reason) },
      });

      expect(await first.challenge(mallory.member)).toMatchObject(refused("is not active on the domain"));
      const unwanted = await mallory.requestOnboarding();
      expect(unwanted.map(({ state }) => state)).not.toContain("ACCEPTED");
      const admitted = await deployment.run("console", "set-state", mallory.member, "Submission");
      expect(admitted.code, admitted.text).toBe(0);
      await expect
        .poll(async () => (await mallory.requestOnboarding()).map(({ state }) => state), { timeout: 20_000 })
        .not.toContain("REJECTED");
      for (const sequencer of [first, second]) {
        await expect
          .poll(async () => (await sequencer.challenge(mallory.member))?.$case, { timeout: 20_000 })
          .toBe("success");
      }

      expect(await first.challenge(mallory.member, ["4"])).toMatchObject(refused("speaks protocol version 5"));
      expect(await first.challenge("mallory")).toMatchObject(refused("mallory"));
      const nonce = await first.nonce(mallory.member);
      expect(await first.authenticate(mallory.member, nonce, mallory, domainId)).toMatchObject({ $case: "success" });
      const used = /was not given to this member, was used already, or has expired; ask for a new challenge/;
      const forged = "is not one of the keys of";
      const again = () => first.nonce(mallory.member);
      expect(await first.authenticate(mallory.member, nonce, mallory, domainId)).toMatchObject(refused(used));
      expect(await second.authenticate(mallory.member, await again(), mallory, domainId)).toMatchObject(refused(used));
      expect(await first.authenticate(mallory.member, randomBytes(32), mallory, domainId)).toMatchObject(refused(used));
      expect(await first.authenticate(mallory.member, await again(), stranger, domainId)).toMatchObject(
        refused(forged),
      );
      expect(await first.authenticate(mallory.member, await again(), mallory, "other::1220aa")).toMatchObject(
        refused(forged),
      );

      const token = await first.token(mallory, domainId);
      const claim = { member: mallory.member, domainId, token };
      const alice = network.nodes["alice"]?.id ?? "";
      const send = (
        {
          at = first,
          sender = mallory.member,
          by = mallory,
        }: { at?: BareSequencer; sender?: string; by?: TestParticipant },
        changed: Partial<typeof claim> = {},
      ) => at.send({ ...claim, ...changed }, sender, by, randomUUID());
      await expect(
        first.send({ member: mallory.member, domainId }, mallory.member, mallory, "m"),
      ).rejects.toMatchObject({
        code: status.UNAUTHENTICATED,
        reason: "MISSING_TOKEN",
        message: expect.stringContaining("authenticate first"),
      });
      const invalid = {
        code: status.UNAUTHENTICATED,
        reason: "INVALID_TOKEN",
        message: expect.stringContaining("authenticate again"),
      };
      await expect(send({}, { token: randomBytes(32) })).rejects.toMatchObject(invalid);
      await expect(send({}, { member: alice })).rejects.toMatchObject(invalid);
      await expect(send({ at: second })).rejects.toMatchObject(invalid);
      await expect(send({}, { domainId: "other::1220aa" })).rejects.toMatchObject({
        code: status.PERMISSION_DENIED,
        reason: "WRONG_DOMAIN_ID",
        message: expect.stringContaining(`serves the domain ${domainId}, not other::1220aa`),
      });
      expect(await send({ by: stranger })).toMatchObject({
        value: expect.stringContaining("not signed with a key of"),
      });
      expect(await send({ sender: alice })).toMatchObject({ $case: "requestRefused" });
      expect(await send({}), "and the right one is taken").toBeUndefined();

      const barred = await deployment.run("console", "set-state", mallory.member, "Disabled");
      expect(barred.code, barred.text).toBe(0);
      // A good token of a member that is no longer wanted: refused as such, and forgotten soon after.
      const ending = async () => await send({}).then(String, (error: { reason: string }) => error.reason);
      await expect.poll(ending, { timeout: 20_000 }).toMatch(/^(MEMBER_NOT_ACTIVE|INVALID_TOKEN)$/);
      expect(await first.challenge(mallory.member)).toMatchObject(refused("is not active on the domain"));
    });

    test("an alias that is taken, a domain that is not the pinned one, and sequencers that nobody reaches", async () => {
      const client = connect(DomainConnectivityServiceClient, { url: urlOf("alice", "adminApi") });
      const register = (add: DomainConnectionConfig) => call(client, "registerDomain", { add }, { deadlineMs });
      const connectTo = (domainAlias: string) =>
        call(client, "connectDomain", { domainAlias, retry: false }, { deadlineMs: 40_000 });
      const configured = async () => (await call(client, "listConfiguredDomains", {}, { deadlineMs })).results;
      try {
        const [present] = await configured();
        const config = present?.config as DomainConnectionConfig;
        await expect(register({ ...config, priority: config.priority + 1 })).rejects.toMatchObject({
          code: status.ALREADY_EXISTS,
          reason: "SYNC_SERVICE_ALREADY_ADDED",
          metadata: { domain: "Domain 'mydomain'" },
        });
        await expect(register(config), "the same again is none").resolves.toEqual({});
        expect(await configured()).toEqual([present]);

        const elsewhere = network.domain.id.replace(/^[^:]+/, "elsewhere");
        await register({ ...config, domainAlias: "pinned", domainId: elsewhere, manualConnect: true });
        await expect(connectTo("pinned")).rejects.toMatchObject({
          code: status.FAILED_PRECONDITION,
          reason: "DOMAIN_ID_MISMATCH",
          metadata: { expected: elsewhere, observed: network.domain.id },
        });
        const nowhere: DomainConnectionConfig = {
          ...config,
          domainAlias: "nowhere",
          manualConnect: true,
          domainId: "",
          sequencerConnections: [
            {
              alias: "",
              type: {
                $case: "grpc",
                value: {
                  connections: ["http://127.0.0.1:1"],
                  transportSecurity: false,
                  customTrustCertificates: undefined,
                },
              },
            },
          ],
        };
        await register(nowhere);
        await expect(connectTo("nowhere")).rejects.toMatchObject({
          code: status.UNAVAILABLE,
          reason: "DOMAIN_IS_NOT_AVAILABLE",
          metadata: { reason: expect.stringContaining("http://127.0.0.1:1") },
        });
        await expect(register({ ...nowhere, domainAlias: "bad", sequencerConnections: [] })).rejects.toMatchObject({
          code: status.INVALID_ARGUMENT,
          message: expect.stringContaining("sequencer_connections"),
        });
        const { connectedDomains } = await call(client, "listConnectedDomains", {}, { deadlineMs });
        expect(connectedDomains).toMatchObject([{ domainAlias: "mydomain", healthy: true }]);
      } finally {
        client.close();
      }
    });

    test("and after all of it, up has nothing to change", async () => {
      await configure(ports());
      const { code, text } = await deployment.run("up");
      expect(code, text).toBe(0);
      expect(text).toContain("nothing to change");
      expect(pids(await deployment.status())).toEqual(before);
    });
  });
});
