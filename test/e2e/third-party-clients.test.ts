/** The local stack as it answers programs that were made elsewhere: grpcurl and dazl, unchanged. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { status } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, type ServiceDefinition } from "@grpc/proto-loader";
import type { NetworkView } from "@pulumi-canton/console/commands/status.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pythonEnvironment } from "../python-environment.ts";
import { Deployment } from "./deployment.ts";
import { callEmpty, grpcurl } from "./grpcurl/program.ts";
import { publishedDescriptors, publishedDescriptorsFile } from "./published-clients-descriptors.ts";
import { sendBytes } from "./refusals-calls.ts";

const minutes = 60_000;
const canton = "com.digitalasset.canton";
const inPackage = (name: string, ...services: string[]) => services.map((service) => `${name}.${service}`);
const apiInfo = `${canton}.connection.v30.ApiInfoService`;
/** What every node's admin API has. */
const administration = [
  apiInfo,
  `${canton}.health.admin.v0.StatusService`,
  `${canton}.crypto.admin.v0.VaultService`,
  ...inPackage(
    `${canton}.topology.admin.v0`,
    "InitializationService",
    "TopologyAggregationService",
    "TopologyManagerReadService",
  ),
];
const topologyWrites = `${canton}.topology.admin.v0.TopologyManagerWriteService`;

/** The published services that each API has, built or not; the others it does not know. */
const apis: { node: string; api: "adminApi" | "publicApi" | "ledgerApi"; services: string[] }[] = [
  {
    node: "alice",
    api: "adminApi",
    services: [
      ...administration,
      topologyWrites,
      `${canton}.domain.api.v0.DomainTimeService`,
      ...inPackage(
        `${canton}.participant.admin.v0`,
        "DomainConnectivityService",
        "EnterpriseParticipantReplicationService",
        "InspectionService",
        "PackageService",
        "ParticipantRepairService",
        "ParticipantStatusService",
        "PartyNameManagementService",
        "PingService",
        "PruningService",
        "ResourceManagementService",
        "TransferService",
      ),
    ],
  },
  {
    node: "alice",
    api: "ledgerApi",
    services: [
      apiInfo,
      ...inPackage(
        "com.daml.ledger.api.v1",
        "ActiveContractsService",
        "CommandCompletionService",
        "CommandService",
        "CommandSubmissionService",
        "EventQueryService",
        "LedgerConfigurationService",
        "LedgerIdentityService",
        "PackageService",
        "TransactionService",
        "VersionService",
        "testing.TimeService",
      ),
      ...inPackage(
        "com.daml.ledger.api.v1.admin",
        "CommandInspectionService",
        "ConfigManagementService",
        "IdentityProviderConfigService",
        "MeteringReportService",
        "PackageManagementService",
        "ParticipantPruningService",
        "PartyManagementService",
        "UserManagementService",
      ),
      ...inPackage(
        "com.daml.ledger.api.v2",
        "VersionService",
        "admin.IdentityProviderConfigService",
        "admin.PartyManagementService",
        "admin.UserManagementService",
      ),
    ],
  },
  {
    node: "domain-manager",
    api: "adminApi",
    services: [
      ...administration,
      topologyWrites,
      ...inPackage(
        `${canton}.domain.admin.v0`,
        "DomainInitializationService",
        "DomainManagerStatusService",
        "DomainService",
        "DomainStatusService",
        "EnterpriseSequencerConnectionService",
      ),
    ],
  },
  {
    node: "mediator",
    api: "adminApi",
    services: [
      ...administration,
      topologyWrites,
      ...inPackage(
        `${canton}.domain.admin.v0`,
        "EnterpriseMediatorAdministrationService",
        "EnterpriseSequencerConnectionService",
        "MediatorInitializationService",
        "MediatorStatusService",
      ),
    ],
  },
  {
    node: "sequencer1",
    api: "adminApi",
    services: [
      ...administration,
      ...inPackage(
        `${canton}.domain.admin.v0`,
        "DomainService",
        "EnterpriseSequencerAdministrationService",
        "SequencerAdministrationService",
        "SequencerInitializationService",
        "SequencerStatusService",
        "SequencerVersionService",
        "TopologyBootstrapService",
      ),
    ],
  },
  {
    node: "sequencer1",
    api: "publicApi",
    services: inPackage(
      `${canton}.domain.api.v0`,
      "DomainService",
      "SequencerAuthenticationService",
      "SequencerConnectService",
      "SequencerService",
    ),
  },
];

/** Answers that blame the node, or nobody. */
const improper = [
  status.CANCELLED,
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
];

const descriptors = await publishedDescriptors();
const protoset = await publishedDescriptorsFile();
const program = await grpcurl();
const whyNoGrpcurl = [program, protoset].map((had) => (typeof had === "string" ? "" : had.unavailable)).join("");
if (whyNoGrpcurl !== "") console.warn(`SKIPPED: grpcurl with the published descriptors: ${whyNoGrpcurl}`);
const dazls = await Promise.all(
  ["7.12", "8.9"].map(async (version) => {
    const python = await pythonEnvironment(join(import.meta.dirname, "dazl", `dazl-${version}.txt`));
    if (typeof python !== "string") console.warn(`SKIPPED: dazl ${version} cannot be had: ${python.unavailable}`);
    return { version, python };
  }),
);

let deployment: Deployment;
let network: NetworkView;
beforeAll(async () => {
  deployment = await Deployment.create();
  const { code, text } = await deployment.run("up");
  expect(code, text).toBe(0);
  network = await deployment.status();
}, 3 * minutes);
afterAll(async () => {
  await deployment.dispose();
}, 2 * minutes);

describe.skipIf(whyNoGrpcurl !== "")("grpcurl", { timeout: 3 * minutes }, () => {
  const published = new Map<string, readonly string[]>();
  beforeAll(() => {
    for (const definition of Object.values(loadFileDescriptorSetFromBuffer(descriptors as Buffer))) {
      if ("format" in definition) continue;
      const paths = Object.values(definition as ServiceDefinition).map(({ path }) => path.slice(1));
      published.set(paths[0]?.split("/")[0] ?? "", paths);
    }
  });

  test.each(apis)("every published rpc of $node's $api", async ({ node, api, services }) => {
    const url = network.nodes[node]?.[api] ?? "";
    const served: string[] = [];
    for (const [service, [first]] of published) {
      const [ending] = await sendBytes(url, `/${first}`, [Buffer.alloc(0)]);
      if (!/does not implement the method/.test(ending?.details ?? "")) served.push(service);
    }
    expect(served.sort()).toEqual([...services].sort());

    const methods = served.flatMap((service) => published.get(service) ?? []);
    const faults: string[] = [];
    const callAll = async () => {
      for (let method = methods.pop(); method !== undefined; method = methods.pop()) {
        const { code, text } = await callEmpty(program as string, protoset as string, url, method);
        const proper =
          !improper.includes(code) && (code !== status.UNIMPLEMENTED || /is (not built|answered by)/.test(text));
        if (!proper) faults.push(`${method}: ${status[code]} ${text}`);
      }
    };
    await Promise.all([callAll(), callAll()]);
    expect(faults).toEqual([]);
  });

  test("and the network is as it was", async () => {
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    expect(text).toContain("nothing to change");
  });
});

describe("dazl", { timeout: minutes }, () => {
  for (const { version, python } of dazls) {
    test.skipIf(typeof python !== "string")(`${version} lists and allocates parties`, async () => {
      const { id, ledgerApi } = network.nodes["alice"] ?? {};
      const hint = `Dazl-${version.replace(".", "-")}`;
      const party = `${hint}::${id?.split("::").at(-1)}`;
      const script = join(import.meta.dirname, "dazl", "parties.py");
      const { stdout } = await promisify(execFile)(python as string, [script, ledgerApi ?? "", hint], {
        timeout: minutes,
      });
      const { before, allocated, after, again, ...rest } = JSON.parse(stdout);
      expect(rest.version).toMatch(new RegExp(`^${version.replace(".", "\\.")}\\.`));
      const { Alice, Bob } = network.parties;
      expect(before).toEqual(
        expect.arrayContaining([
          { party: Alice, displayName: "", isLocal: true },
          { party: Bob, displayName: "", isLocal: false },
        ]),
      );
      expect(allocated).toEqual({ party, displayName: `${hint} by dazl`, isLocal: true });
      expect(after).toEqual(expect.arrayContaining([...before, allocated]));
      expect(after).toHaveLength(before.length + 1);
      expect(again).toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining("Party already exists"),
      });
    });
  }
});
