import { metricSources } from "@pulumi-canton/components/observability/alerts/alert.ts";
import { exporterMetrics } from "@pulumi-canton/components/observability/alerts/exporter-alerts.ts";
import { recordingRules } from "@pulumi-canton/components/observability/alerts/recording-rules.ts";
import { alertGroups } from "@pulumi-canton/components/observability/alerts/rule-groups.ts";
import { dashboards } from "@pulumi-canton/components/observability/dashboards/dashboards.ts";
import { idle, setState } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { eventually, TestDomain } from "@pulumi-canton/domain-manager/testing/test-domain.ts";
import { connection, connectTo, enableParty, uidOf } from "@pulumi-canton/participant/testing/permissioned-domain.ts";
import { createTestAuthority } from "@pulumi-canton/runtime/testing/certificates.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../free-port.ts";
import { labelsIn, metricsIn, usesOf } from "./metric-uses.ts";
import { NodeProcess } from "./node-process.ts";

/** Labels that Prometheus adds to what it scrapes; `up` is its own. */
const added = ["namespace", "pod", "job", "instance", "database"];
const prometheusOwn = new Map([["up", new Set<string>()]]);

/** What all roles of a network tell, once a participant has joined and enabled a party. */
let told: Map<string, Set<string>>;
const cleanUp = new AsyncDisposableStack();

beforeAll(async () => {
  const databases = cleanUp.use(new TestDomain());
  const authority = cleanUp.use(await createTestAuthority());
  const certificate = await authority.issue("ledger");
  const storage = async () => ({ ...(await databases.database()).storage, maxConnections: 4 });
  const [publicPort = 0, ledgerPort = 0] = await freePorts(2);
  const start = async (...args: Parameters<typeof NodeProcess.start>) => cleanUp.use(await NodeProcess.start(...args));
  const [sequencer, mediator] = await Promise.all([
    start("sequencer", "sequencer1", {
      publicApi: { port: publicPort },
      storage: await storage(),
      backend: await storage(),
    }),
    start("mediator", "mediator1", { storage: await storage() }),
  ]);
  const publicApi = `http://127.0.0.1:${publicPort}`;
  const peer = (node: NodeProcess) => ({ name: node.name, adminApi: { address: "127.0.0.1", port: node.adminPort } });
  const [manager, participant] = await Promise.all([
    start("domain-manager", "domain-manager", {
      storage: await storage(),
      domain: { sequencers: [{ ...peer(sequencer), publicApi }], mediators: [peer(mediator)] },
    }),
    start("participant", "alice", {
      storage: await storage(),
      ledgerApi: { port: ledgerPort, tls: certificate },
    }),
  ]);
  const { commonStatus } = await idle(manager.adminPort);
  const domainId = commonStatus?.uid ?? "";
  const apis = {
    admin: participant.admin.bind(participant),
    ledger: () => {
      throw new Error("the Ledger API is not called");
    },
  };
  const uid = await eventually(async () => (await uidOf(apis)) || undefined);
  await setState(manager.adminPort, domainId, `PAR::${uid}`);
  await connectTo(apis, connection({ urls: [publicApi], domainId }));
  await enableParty(apis, "Alice");
  const nodes = [sequencer, mediator, manager, participant];
  told = await eventually(async () => {
    const texts = await Promise.all(nodes.map((node) => node.metrics()));
    const text = texts.join("\n");
    // The party's transaction has gone all the way, and come back.
    const arrived = ["decided", "sequenced", "effective"].every((step) => text.includes(`step="${step}"`));
    const answered = text.includes("participant_topology_dispatched_total{domain=");
    return arrived && answered ? metricsIn(text) : undefined;
  });
}, 120_000);
afterAll(() => cleanUp.disposeAsync());

/** Labels of every series that a rule records. */
function recorded(): Map<string, Set<string>> {
  return new Map(
    recordingRules.map(({ record, expr }) => {
      const { metrics, grouping } = usesOf(expr);
      const all = metrics.flatMap(({ metric }) => [...(told.get(metric) ?? [])]);
      return [record, new Set(grouping.length > 0 ? grouping.filter((label) => label !== "le") : all)];
    }),
  );
}

/** What is wrong with a query: metrics and labels that nobody tells. */
function wrongIn(expr: string, known: ReadonlyMap<string, ReadonlySet<string>>, shown: readonly string[]): string[] {
  const { metrics, grouping } = usesOf(expr);
  const problems: string[] = [];
  const there = new Set(added);
  for (const { metric, labels } of metrics) {
    const has = known.get(metric);
    if (has === undefined) problems.push(`there is no ${metric}`);
    for (const label of has ?? []) there.add(label);
    for (const label of labels) {
      if (!has?.has(label) && !added.includes(label)) problems.push(`${metric} has no label ${label}`);
    }
  }
  const after = grouping.length > 0 && !/\bon\s*\(/.test(expr) ? new Set([...grouping, ...added]) : there;
  for (const label of grouping) if (!there.has(label)) problems.push(`nothing has the label ${label} to group by`);
  for (const label of shown) if (!after.has(label)) problems.push(`the text shows ${label}, which nothing has`);
  return problems;
}

test("recording rules use what nodes tell", () => {
  for (const { record, expr } of recordingRules) expect(wrongIn(expr, told, []), record).toEqual([]);
});

test("alerts use what their source tells, in queries and texts", () => {
  for (const { source, alerts } of alertGroups({ sources: metricSources })) {
    const others = Object.entries(exporterMetrics[source] ?? {}).map(
      ([name, labels]) => [name, new Set(labels)] as const,
    );
    const known = new Map([...(source === "nodes" ? [...told, ...recorded(), ...prometheusOwn] : []), ...others]);
    for (const { name, expr, summary, description } of alerts) {
      expect(wrongIn(expr, known, [...labelsIn(summary), ...labelsIn(description)]), name).toEqual([]);
    }
  }
});

test("dashboards use what nodes tell, in queries and legends", () => {
  const known = new Map([...told, ...recorded()]);
  for (const { title, rows } of dashboards) {
    for (const { title: panel, queries } of rows.flatMap((row) => row.panels)) {
      for (const { expr, legend } of queries) {
        expect(wrongIn(expr, known, labelsIn(legend)), `${title}: ${panel}`).toEqual([]);
      }
    }
  }
});

test("a metric or label that nobody tells is found", () => {
  expect(wrongIn('rate(no_such_total{x="y"}[5m])', told, [])).toEqual([
    "there is no no_such_total",
    "no_such_total has no label x",
  ]);
  expect(wrongIn('sequencer_queued_messages{domain="d"}', told, ["alias"])).toEqual([
    "sequencer_queued_messages has no label domain",
    "the text shows alias, which nothing has",
  ]);
});
