import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { changesIn, describeChanges } from "./event-log.ts";
import { readiness } from "./readiness.ts";
import { parseStackOutputs } from "./stack-outputs.ts";
import { shorten, summarize } from "./summary.ts";
import { countsIn, lastLine } from "./test-counts.ts";

const fingerprint = `1220${"ab".repeat(32)}`;
const outputs = {
  domain: { id: `bob::${fingerprint}`, alias: "bob", sequencers: [], policy: "permissioned" },
  nodes: {
    participant1: {
      role: "participant",
      id: `PAR::alice::${fingerprint}`,
      adminApi: "127.0.0.1:1",
      ledgerApi: "127.0.0.1:2",
    },
    mediator1: { role: "mediator", id: null, adminApi: "127.0.0.1:3" },
  },
  parties: { alice: `alice::${fingerprint}` },
  console: "./scripts/console",
};

test("the summary names nodes, states, parties and what to do", () => {
  const parsed = parseStackOutputs(JSON.stringify(outputs));
  expect(parsed).toBeDefined();
  const text = summarize(parsed as NonNullable<typeof parsed>, new Map([["participant1", "ready"]]));
  expect(text).toContain(`Domain bob (permissioned): bob::${fingerprint}`);
  expect(text).toMatch(
    /participant1 +participant +ready +127\.0\.0\.1:1 +127\.0\.0\.1:2 +PAR::alice::1220abababababab…/,
  );
  expect(text).toMatch(/mediator1 +mediator +unknown/);
  expect(text).toContain(`alice  alice::${fingerprint}`);
  expect(text).toContain("./scripts/console status");
});

test("what is not a network's outputs is not summarized", () => {
  expect(parseStackOutputs("")).toBeUndefined();
  expect(parseStackOutputs('{"nodes": 3}')).toBeUndefined();
  expect(parseStackOutputs("{}")).toMatchObject({ nodes: {} });
});

test("identities are cut after twelve digits of their fingerprint", () => {
  expect(shorten(`bob::${fingerprint}`)).toBe("bob::1220abababababab…");
  expect(shorten("bob")).toBe("bob");
});

test("readiness is what the node answers", async () => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/health/ready" ? 200 : 503;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const node = (health: string) => ({ role: "sequencer", health });
  const states = await readiness({
    nodes: {
      plain: node(`127.0.0.1:${port}`),
      url: node(`http://127.0.0.1:${port}`),
      gone: node("http://127.0.0.1:1"),
      none: { role: "mediator" },
    },
    parties: {},
  });
  server.close();
  expect(Object.fromEntries(states)).toEqual({ plain: "ready", url: "ready", gone: "down" });
});

test("changes are read from the event log, however it ends", () => {
  const log = [
    '{"sequence":0,"preludeEvent":{}}',
    '{"sequence":1,"summaryEvent":{"resourceChanges":{"create":2,"same":1}}}',
    '{"sequence":2,"summaryEv',
  ].join("\n");
  expect(changesIn(log)).toEqual({ create: 2, same: 1 });
  expect(changesIn("")).toBeUndefined();
  expect(describeChanges({ same: 21 })).toBe("nothing to change");
  expect(describeChanges({ create: 2, update: 1, same: 3 })).toBe("2 created, 1 updated");
});

test("a report of tests is counted, and what could not run is a failure", () => {
  const report = (overrides: object) =>
    JSON.stringify({
      numPassedTests: 5,
      numFailedTests: 0,
      numPendingTests: 1,
      numTodoTests: 1,
      testResults: [],
      ...overrides,
    });
  expect(lastLine(countsIn(report({}), 0))).toBe("5 passed, 0 failed, 2 skipped");
  expect(countsIn(report({ testResults: [{ status: "failed", assertionResults: [] }] }), 1).failed).toBe(1);
  expect(countsIn(report({ numFailedTests: 2 }), 1).failed).toBe(2);
  expect(countsIn(report({}), 1).failed).toBe(1);
  expect(countsIn("", 0).failed).toBe(1);
});
