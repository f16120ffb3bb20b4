import { writeFile } from "node:fs/promises";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { TestNetwork } from "../testing/test-network.ts";
import { type DomainView, sequencersFrom } from "./domains.ts";

vi.setConfig({ testTimeout: 120_000 });

let network: TestNetwork;
beforeAll(async () => {
  network = await TestNetwork.start();
}, 60_000);
afterAll(() => network?.[Symbol.asyncDispose]());

const list = (node: string, ...args: string[]) =>
  network.json<DomainView[]>("domains", "list", "--node", node, ...args);

test("a participant that is not on the allow-list learns why, and connects once it is", async () => {
  const refusal = await network.refusal("domains", "connect", "mydomain", network.urls[0] ?? "", "--node", "alice");
  expect(refusal).toContain("allow-list");
  expect(await list("alice")).toMatchObject([{ alias: "mydomain", connected: false, manual: true }]);
  await network.text("set-state", "alice", "Submission");
  await network.text("domains", "connect", "mydomain", network.urls[0] ?? "", "--node", "alice");
  expect(await list("alice", "--connected")).toMatchObject([
    { connected: true, healthy: true, manual: false, domainId: network.domainId },
  ]);
});

test("modify changes what is named and nothing else", async () => {
  await network.text(
    "domains",
    "modify",
    "mydomain",
    "--priority",
    "7",
    "--max-retry-delay",
    "9s",
    "--manual",
    "--node",
    "alice",
  );
  expect(await list("alice")).toMatchObject([
    { priority: 7, maxRetryDelay: "9s", manual: true, sequencers: [{ urls: [network.urls[0]] }] },
  ]);
  await network.text(
    "domains",
    "modify",
    "mydomain",
    "--no-manual",
    "--sequencer",
    `one=${network.urls[0]}`,
    "--sequencer",
    `two=${network.urls[1]}`,
    "--node",
    "alice",
  );
  expect(await list("alice")).toMatchObject([
    { priority: 7, manual: false, sequencers: [{ alias: "one" }, { alias: "two" }] },
  ]);
  expect(await network.refusal("domains", "modify", "other", "--priority", "1", "--node", "alice")).toContain(
    "Known: mydomain",
  );
});

test("disconnect, reconnect, and all of them at once", async () => {
  await network.text("domains", "disconnect", "mydomain", "--node", "alice");
  expect(await list("alice", "--connected")).toEqual([]);
  await network.text("domains", "reconnect", "mydomain", "--node", "alice");
  expect(await network.text("domains", "disconnect-all", "--node", "alice")).toContain("left: mydomain");
  expect(await network.text("domains", "reconnect-all", "--node", "alice")).toContain("connected to: mydomain");
  expect(await network.text("domains", "id", "mydomain", "--node", "alice")).toBe(`${network.domainId}\n`);
  expect(await network.refusal("domains", "reconnect", "nowhere", "--node", "alice")).toContain("nowhere");
});

test("a pinned domain id that is another one's refuses the connection; register alone connects nothing", async () => {
  await network.text("set-state", "bob", "Submission");
  const wrong = `mydomain::1220${"ab".repeat(32)}`;
  await network.text(
    "domains",
    "register",
    "pinned",
    network.urls[0] ?? "",
    "--domain-id",
    wrong,
    "--manual",
    "--node",
    "bob",
  );
  expect(await network.refusal("domains", "reconnect", "pinned", "--node", "bob")).toContain(wrong);
  await network.text(
    "domains",
    "register",
    "right",
    network.urls.join(","),
    "--domain-id",
    network.domainId,
    "--priority",
    "3",
    "--manual",
    "--node",
    "bob",
  );
  expect(await list("bob", "--connected")).toEqual([]);
  await network.text("domains", "reconnect", "right", "--node", "bob");
  expect(await list("bob", "--connected")).toMatchObject([
    { alias: "right", priority: 3, sequencers: [{ urls: network.urls }] },
  ]);
});

test("a domain without terms of service says so", async () => {
  expect(await network.text("domains", "agreement", "mydomain", "--node", "alice")).toContain("no terms of service");
  expect(await network.json("domains", "agreement", "mydomain", "--node", "alice")).toMatchObject({
    agreement: null,
    accepted: false,
  });
  expect(await network.refusal("domains", "accept-agreement", "mydomain", "v1", "--node", "alice")).toContain(
    "it has none",
  );
});

test("mistakes are told with what is accepted", async () => {
  expect(await network.refusal("domains", "register", "x", "localhost:1", "--node", "alice")).toContain(
    "http://host:port",
  );
  expect(
    await network.refusal("domains", "register", "x", "http://localhost:1", "--priority", "high", "--node", "alice"),
  ).toContain("whole number");
  await writeFile(network.path("no.pem"), "nothing");
  expect(
    await network.refusal(
      "domains",
      "register",
      "x",
      "https://localhost:1",
      "--certificates",
      network.path("no.pem"),
      "--node",
      "alice",
    ),
  ).toContain("no certificate");
  expect(await network.text("domains", "--help")).toContain("reconnect-all");
});

test("the domain's parameters: read, changed, and refused with what is accepted", async () => {
  expect(await network.json("domain", "parameters")).toMatchObject({
    maxRatePerParticipant: 1_000_000,
    participantResponseTimeout: "30s",
  });
  await network.text("domain", "parameters", "set", "maxRatePerParticipant=500000", "participant-response-timeout=20s");
  expect(await network.json("domain", "parameters", "get")).toMatchObject({
    maxRatePerParticipant: 500_000,
    participantResponseTimeout: "20s",
  });
  expect(await network.refusal("domain", "parameters", "set", "maxRequestSize=1")).toContain("65536");
  expect(await network.refusal("domain", "parameters", "set", "colour=red")).toContain("reconciliationInterval");
  expect(await network.refusal("domain", "parameters", "set", "reconciliationInterval=soon")).toContain(
    "whole seconds",
  );
  expect(await network.refusal("domain", "parameters", "set", "ledgerTimeRecordTimeTolerance=30m")).toContain(
    "at least twice",
  );
  expect(await network.json("domain", "static-parameters")).toMatchObject({
    protocolVersion: 5,
    hashAlgorithms: ["Sha256"],
  });
  expect(await network.text("domain", "parameters", "set", "--help")).toContain("mediatorDeduplicationTimeout");
});

test("sequencers are given as URLs, with names and several endpoints", () => {
  expect(sequencersFrom(["a=http://x:1,http://y:1", "https://z:2"], undefined)).toMatchObject([
    { alias: "a", type: { value: { connections: ["http://x:1", "http://y:1"], transportSecurity: false } } },
    { alias: "sequencer2", type: { value: { connections: ["https://z:2"], transportSecurity: true } } },
  ]);
  expect(() => sequencersFrom(["ftp://x"], undefined)).toThrow(ConsoleError);
});
