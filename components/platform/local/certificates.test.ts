import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  authorityFiles,
  ensureAuthority,
  ensureServerCertificate,
  removeAuthority,
  removeServerCertificate,
} from "./certificates.ts";
import { type LocalHome, localHome } from "./home.ts";

let home: LocalHome;
beforeEach(() => {
  home = localHome(mkdtempSync(join(tmpdir(), "certificates-")));
});
afterEach(() => rmSync(home.directory, { recursive: true, force: true }));

test("a client that trusts the authority reaches a server by its names", async () => {
  const { certificate, privateKey } = await ensureServerCertificate(home, "sequencer1");
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(privateKey) }, (socket) =>
    socket.end("hello"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const ca = readFileSync(authorityFiles(home).certificate);
  for (const servername of ["localhost", "sequencer1"]) {
    const said = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", { ca, servername }).setEncoding("utf8");
      socket.once("error", reject);
      socket.once("data", (data) => resolve(String(data)));
    });
    expect(said).toBe("hello");
  }
  await new Promise((resolve) => server.close(resolve));
});

test("certificates are made once, again for a new authority, and removed without a trace", async () => {
  const [first, second] = await Promise.all([ensureServerCertificate(home, "a"), ensureServerCertificate(home, "b")]);
  const text = readFileSync(first.certificate, "utf8");
  await ensureServerCertificate(home, "a");
  expect(readFileSync(first.certificate, "utf8")).toBe(text);
  expect(statSync(second.privateKey).mode & 0o777).toBe(0o600);
  expect(statSync(home.tls).mode & 0o777).toBe(0o700);
  removeAuthority(home);
  await ensureServerCertificate(home, "a");
  const authority = new X509Certificate(readFileSync(await ensureAuthority(home)));
  expect(new X509Certificate(readFileSync(first.certificate)).verify(authority.publicKey)).toBe(true);
  removeServerCertificate(home, "a");
  removeServerCertificate(home, "b");
  removeAuthority(home);
  expect(() => statSync(home.tls)).toThrow(/ENOENT/);
});
