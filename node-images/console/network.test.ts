import { describe, expect, test } from "vitest";
import { renderNetwork } from "./commands/status.ts";
import { initialisedParticipantOf, type Network, parseNetwork, topologyReaderOf } from "./network.ts";

const fingerprint = `1220${"ab".repeat(32)}`;
const node = {
  role: "participant",
  id: `PAR::alice::${fingerprint}`,
  adminApi: "http://127.0.0.1:5001",
  ledgerApi: "http://127.0.0.1:5002",
  health: "http://127.0.0.1:5003",
  metrics: "http://127.0.0.1:5003/metrics",
};
const outputs = {
  domain: {
    id: `mydomain::${fingerprint}`,
    alias: "mydomain",
    sequencers: ["http://127.0.0.1:1"],
    policy: "permissioned",
  },
  nodes: { alice: node },
  parties: { Alice: `Alice::${fingerprint}`, Carol: null },
  console: "./scripts/console",
};

describe("parseNetwork", () => {
  test("leaves out a party that has no id yet", () => {
    expect(parseNetwork(JSON.stringify(outputs))?.parties).toEqual({ Alice: `Alice::${fingerprint}` });
  });

  test("of a stack whose domain has no identity yet: its nodes can be reached all the same", () => {
    const { domain: _, console: __, ...rest } = outputs;
    const network = parseNetwork(JSON.stringify({ ...rest, domain: { alias: "mydomain" } }));
    expect(network).toMatchObject({ domain: { id: "", sequencers: [] }, nodes: { alice: node } });
    expect(parseNetwork(JSON.stringify(rest))?.domain.id).toBe("");
  });

  test.each([
    "",
    "{}",
    "[]",
    '{"nodes": 3}',
    JSON.stringify({ ...outputs, nodes: { alice: { ...node, role: "king" } } }),
  ])("%s is not the output of a network's stack", (text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });
});

test("the status names the domain, every node with state, pid, ports and identity, and the parties", () => {
  const network = parseNetwork(JSON.stringify(outputs));
  if (network === undefined) throw new Error("the example is not a network");
  const text = renderNetwork({
    ...network,
    nodes: { alice: { ...node, role: "participant", pid: 77, state: "ready" } },
  });
  expect(text).toContain("domain mydomain (permissioned)");
  for (const word of [
    "alice",
    "participant",
    "ready",
    "77",
    "5001",
    "5002",
    "PAR::alice::1220abababab…",
    "Alice::1220abababab…",
  ])
    expect(text).toContain(word);
});

describe("which node is meant", () => {
  const network = (nodes: object) => parseNetwork(JSON.stringify({ ...outputs, nodes })) as Network;

  test("about topology: the domain manager; an application user's participant; otherwise it has to be named", () => {
    const manager = { ...node, role: "domain-manager", adminApi: "http://127.0.0.1:6001" };
    expect(topologyReaderOf(network({ alice: node, manager }), undefined).adminApi).toBe(manager.adminApi);
    expect(topologyReaderOf(network({ alice: node, manager }), "alice").adminApi).toBe(node.adminApi);
    expect(topologyReaderOf(network({ alice: node }), undefined).adminApi).toBe(node.adminApi);
    expect(() => topologyReaderOf(network({ alice: node, carol: node }), undefined)).toThrow("several participants");
    expect(() => topologyReaderOf(network({}), undefined)).toThrow("no participant");
  });

  test("one that had no identity at the stack's last update cannot host, and how to go on is told", () => {
    const waiting = network({ alice: { ...node, id: "" } });
    expect(() => initialisedParticipantOf(waiting, "alice")).toThrow("alice was not initialised yet");
    expect(initialisedParticipantOf(network({ alice: node }), undefined).name).toBe("alice");
  });
});
