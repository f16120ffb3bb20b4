/** The local stack with `tls: true`: every gRPC API speaks TLS with certificates of the stack's own authority. */
import { readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { status } from "@grpc/grpc-js";
import type { ParticipantView } from "@pulumi-canton/console/commands/participants.ts";
import type { PartyView } from "@pulumi-canton/console/commands/parties.ts";
import type { NetworkView } from "@pulumi-canton/console/commands/status.ts";
import type { TopologyStateView } from "@pulumi-canton/console/commands/topology.ts";
import { DomainConnectivityServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deployment, shipped } from "./deployment.ts";
import { sendBytes } from "./refusals-calls.ts";

const minutes = 60_000;
const deadlineMs = 10_000;

describe("the local stack with TLS", { timeout: 2 * minutes }, () => {
  let deployment: Deployment;
  let network: NetworkView;
  let caFile: string;
  /** The URLs of all gRPC APIs. */
  let apis: string[];

  beforeAll(async () => {
    deployment = await Deployment.create({ ...shipped, tls: true });
    caFile = join(deployment.home, "tls", "ca.crt");
  });
  afterAll(async () => {
    await deployment.dispose();
  }, 2 * minutes);

  test("comes up, says https of every gRPC API, and has nothing to warn of", async () => {
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    expect(text).not.toMatch(/warning/i);
    network = await deployment.status();
    apis = Object.values(network.nodes).flatMap(({ adminApi, publicApi, ledgerApi }) =>
      [adminApi, publicApi, ledgerApi].filter((url) => url !== undefined),
    );
    expect(apis).toHaveLength(10);
    for (const url of [...apis, ...network.domain.sequencers]) expect(url).toMatch(/^https:\/\//);
    for (const [name, { state }] of Object.entries(network.nodes)) expect(state, name).toBe("ready");
  });

  test("every API has a certificate of the stack's own authority, for its address", async () => {
    const ca = await readFile(caFile);
    const issuers = new Set<string | undefined>();
    for (const url of apis) {
      const { authorized, protocol, issuer } = await handshake(url, { ca });
      expect([url, authorized]).toEqual([url, true]);
      expect(["TLSv1.2", "TLSv1.3"]).toContain(protocol);
      issuers.add(issuer);
    }
    expect(issuers.size).toBe(1);
    const folder = join(deployment.home, "tls");
    for (const key of readdirSync(folder).filter((name) => name.endsWith(".key"))) {
      expect(statSync(join(folder, key)).mode & 0o077, key).toBe(0);
    }
  });

  test("clients that speak plain text, or do not trust the authority, are not served", async () => {
    for (const url of apis) {
      const [plain] = await sendBytes(
        url.replace("https:", "http:"),
        "/com.digitalasset.canton.topology.admin.v0.InitializationService/GetId",
        [Buffer.alloc(0)],
      );
      expect(plain?.code, url).toBe(status.UNAVAILABLE);
      expect(await handshake(url, {}), url).toMatchObject({ authorized: false });
    }
    const getId = async (target: Parameters<typeof connect<InitializationServiceClient>>[1]) => {
      const client = connect(InitializationServiceClient, target);
      try {
        return await call(client, "getId", {}, { deadlineMs });
      } finally {
        client.close();
      }
    };
    const url = network.nodes["alice"]?.adminApi as string;
    await expect(getId({ url })).rejects.toMatchObject({ code: status.UNAVAILABLE });
    await expect(getId({ url, tls: { caFile } })).resolves.toMatchObject({ initialized: true });
  });

  test("the participants are connected by https, and every node has the same topology", async () => {
    for (const name of ["alice", "bob"]) {
      const url = network.nodes[name]?.adminApi as string;
      const client = connect(DomainConnectivityServiceClient, { url, tls: { caFile } });
      try {
        const { results } = await call(client, "listConfiguredDomains", {}, { deadlineMs });
        const connections = results.flatMap(({ config }) => config?.sequencerConnections ?? []);
        expect(connections.flatMap(({ type }) => type?.value.connections)).toEqual(network.domain.sequencers);
        const { connectedDomains } = await call(client, "listConnectedDomains", {}, { deadlineMs });
        expect(connectedDomains).toMatchObject([{ domainAlias: "mydomain", healthy: true }]);
      } finally {
        client.close();
      }
    }
    const digest = async (node: string) =>
      (await deployment.console<TopologyStateView>("topology", "--node", node)).digest;
    const domain = await digest("domain-manager");
    for (const node of ["alice", "bob", "mediator", "sequencer1", "sequencer2"]) {
      await expect.poll(() => digest(node), { timeout: 30_000 }).toBe(domain);
    }
  });

  test("the console works, reading and writing", async () => {
    const parties = await deployment.console<PartyView[]>("parties");
    expect(parties.map(({ party }) => party.split("::")[0])).toEqual(expect.arrayContaining(["Alice", "Bob"]));
    for (const permission of ["Observation", "Submission"]) {
      const { code, text } = await deployment.run("console", "set-state", "alice", permission);
      expect(code, text).toBe(0);
      expect(text).not.toMatch(/warning/i);
      const alice = async () =>
        (await deployment.console<ParticipantView[]>("participants")).find(({ participant }) =>
          participant.includes("alice"),
        );
      await expect.poll(alice, { timeout: 20_000 }).toMatchObject({ permission, allowed: true });
    }
  });

  test("up again has nothing to change", async () => {
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    expect(text).toContain("nothing to change");
  });
});

/** What a TLS client sees of a server. */
function handshake(url: string, options: ConnectionOptions) {
  const { hostname, port } = new URL(url);
  return new Promise<{ authorized: boolean; protocol: string | null; issuer: string | undefined }>(
    (resolve, reject) => {
      const socket: TLSSocket = connectTls(
        { host: hostname, port: Number(port), ALPNProtocols: ["h2"], rejectUnauthorized: false, ...options },
        () => {
          const { authorized } = socket;
          const issuer = socket.getPeerX509Certificate()?.issuer;
          resolve({ authorized, protocol: socket.getProtocol(), issuer });
          socket.destroy();
        },
      );
      socket.once("error", reject);
    },
  );
}
