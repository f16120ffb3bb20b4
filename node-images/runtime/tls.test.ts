import { writeFileSync } from "node:fs";
import { status } from "@grpc/grpc-js";
import {
  ParticipantRepairServiceClient,
  ParticipantRepairServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/participant_repair_service.ts";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ServerTlsConfig } from "./config.ts";
import { type ClientTarget, call, connect, parseServerUrl } from "./grpc-client.ts";
import { implement, startGrpcServer } from "./grpc-server.ts";
import { silentLogger } from "./logger.ts";
import { type CertificateFiles, createTestAuthority, type TestAuthority } from "./testing/certificates.ts";
import { loadTls } from "./tls.ts";

let authority: TestAuthority;
let stranger: TestAuthority;
let serverFiles: CertificateFiles;
beforeAll(async () => {
  authority = await createTestAuthority();
  stranger = await createTestAuthority();
  serverFiles = await authority.issue("server");
});
afterAll(() => {
  authority[Symbol.dispose]();
  stranger[Symbol.dispose]();
});

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const request = { domain: "d", contractIds: [], ignoreAlreadyPurged: false, offboardedParties: [] };

async function serve(tls: ServerTlsConfig, address = "127.0.0.1"): Promise<number> {
  const server = await startGrpcServer({
    name: "publicApi",
    server: { address, port: 0, tls },
    services: [implement(ParticipantRepairServiceService, { purgeContracts: async () => ({}) })],
    logger: silentLogger,
  });
  closing.push(() => server.close(0));
  return server.port;
}

function purge(target: ClientTarget): Promise<unknown> {
  const client = connect(ParticipantRepairServiceClient, target);
  closing.push(() => client.close());
  return call(client, "purgeContracts", request, { deadlineMs: 5_000 });
}

const refused = { code: status.UNAVAILABLE };

describe("TLS", () => {
  test("a client that trusts the authority is served, by URL and by address", async () => {
    const port = await serve(serverFiles);
    const { caFile } = authority;
    await expect(purge({ url: `https://localhost:${port}`, tls: { caFile } })).resolves.toEqual({});
    await expect(purge({ address: "127.0.0.1", port, tls: { caFile } })).resolves.toEqual({});
  });

  test("every address may be listened on", async () => {
    const port = await serve(serverFiles, "0.0.0.0");
    await expect(purge({ url: `https://127.0.0.1:${port}`, tls: { caFile: authority.caFile } })).resolves.toEqual({});
  });

  test("the certificate is held against the address that was asked for, and Node has nothing to warn of", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on("warning", note);
    closing.push(() => process.off("warning", note));
    const port = await serve(serverFiles, "0.0.0.0");
    const { caFile } = authority;
    await expect(purge({ address: "127.0.0.1", port, tls: { caFile } })).resolves.toEqual({});
    // All of 127.0.0.0/8 leads here, but the certificate is for 127.0.0.1 and localhost. (Elsewhere than on Linux: nobody there.)
    await expect(purge({ address: "127.0.0.2", port, tls: { caFile } })).rejects.toMatchObject(refused);
    expect(warnings).toEqual([]);
  });

  test("a client that trusts others, the machine's authorities, or no TLS at all is not served", async () => {
    const port = await serve(serverFiles);
    await expect(purge({ url: `https://localhost:${port}`, tls: { caFile: stranger.caFile } })).rejects.toMatchObject(
      refused,
    );
    await expect(purge({ url: `https://localhost:${port}` })).rejects.toMatchObject(refused);
    await expect(purge({ url: `http://localhost:${port}` })).rejects.toMatchObject(refused);
  });
});

describe("TLS with client certificates", () => {
  test("only a client of the authority is served", async () => {
    const port = await serve({ ...serverFiles, clientCaFile: authority.caFile });
    const url = `https://localhost:${port}`;
    const { caFile } = authority;
    await expect(purge({ url, tls: { caFile, ...(await authority.issue("client")) } })).resolves.toEqual({});
    await expect(purge({ url, tls: { caFile, ...(await stranger.issue("client")) } })).rejects.toMatchObject(refused);
    await expect(purge({ url, tls: { caFile } })).rejects.toMatchObject(refused);
  });
});

describe("files that cannot be used are told with the key", () => {
  test("absent, not PEM, of different pairs, half", async () => {
    const other = await authority.issue("other");
    const noPem = `${serverFiles.certChainFile}.txt`;
    writeFileSync(noPem, "hello");
    const load = (files: Parameters<typeof loadTls>[1]) => () => loadTls("adminApi.tls", files);
    expect(load({ ...serverFiles, certChainFile: "/nowhere" })).toThrow(
      "adminApi.tls.certChainFile: cannot read /nowhere: there is no such file",
    );
    expect(load({ ...serverFiles, certChainFile: noPem })).toThrow(
      /adminApi\.tls\.certChainFile: .* has no certificate in PEM/,
    );
    expect(load({ ...serverFiles, privateKeyFile: noPem })).toThrow(
      /adminApi\.tls\.privateKeyFile: .* has no private key/,
    );
    expect(load({ ...serverFiles, clientCaFile: noPem })).toThrow(/adminApi\.tls\.clientCaFile/);
    expect(load({ caFile: noPem })).toThrow(/adminApi\.tls\.caFile/);
    expect(load({ ...serverFiles, privateKeyFile: other.privateKeyFile })).toThrow(
      /adminApi\.tls\.privateKeyFile: the key in .* does not belong to the first certificate/,
    );
    expect(load({ certChainFile: serverFiles.certChainFile })).toThrow(/adminApi\.tls\.privateKeyFile is required/);
  });
});

test("server URLs", () => {
  expect(parseServerUrl("http://localhost:5001")).toEqual({ address: "localhost", port: 5001, tls: false });
  expect(parseServerUrl("https://sequencer.example.com")).toEqual({
    address: "sequencer.example.com",
    port: 443,
    tls: true,
  });
  expect(parseServerUrl("http://[::1]:5/")).toEqual({ address: "[::1]", port: 5, tls: false });
  for (const url of ["", "localhost:5001", "ftp://a:1", "http://a:1/path", "http://u:p@a:1", "http://a:1?q"]) {
    expect(() => parseServerUrl(url)).toThrow(/expected http:\/\/host:port/);
  }
  expect(() => connect(ParticipantRepairServiceClient, { url: "http://localhost:1", tls: {} })).toThrow(/https:\/\//);
});
