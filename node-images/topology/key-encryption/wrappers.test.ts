/** Every wrapper against a server that stands in for its service, verifies what it is sent, and really encrypts. */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeyEncryptionConfig } from "@pulumi-canton/runtime/config.ts";
import { createTestAuthority } from "@pulumi-canton/runtime/testing/certificates.ts";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { azureKeyVaultWrapper } from "./azure-key-vault-wrapper.ts";
import type { KeyWrapper } from "./key-wrapper.ts";
import { openKeyWrapper } from "./open-key-wrapper.ts";
import { awsCredentials, awsFaults, startAwsKms } from "./testing/aws-kms-stand-in.ts";
import {
  azureFaults,
  identityHeader,
  startAzureKeyVault,
  startManagedIdentity,
} from "./testing/azure-key-vault-stand-in.ts";
import { gcpCredentials, gcpFaults, startGcpKms } from "./testing/gcp-kms-stand-in.ts";
import type { StandInAnswer, StandInServer } from "./testing/stand-in-server.ts";
import { startVault, vaultFaults, vaultToken } from "./testing/vault-stand-in.ts";

/** A wrapper and the service behind it. */
interface Case {
  wrapper: KeyWrapper;
  server: StandInServer;
  /** Ids of two keys that there are, and of one that there is not. */
  keyIds: [string, string, string];
  faults: Record<"throttled" | "internal" | "denied", StandInAnswer>;
  /** What the service does when it rotates its key by itself. */
  rotate: () => void;
}

const folder = mkdtempSync(join(tmpdir(), "wrappers-"));
const closers: (() => unknown)[] = [() => rmSync(folder, { recursive: true })];
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
};
const soon = () => AbortSignal.timeout(20_000);

const starts: Record<string, () => Promise<Case>> = {
  "aws-kms": async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", awsCredentials.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", awsCredentials.secretAccessKey);
    const server = await startAwsKms("one", "two");
    const config: KeyEncryptionConfig = {
      type: "aws-kms",
      keyId: "one",
      region: awsCredentials.region,
      endpoint: server.url,
    };
    const wrapper = await openKeyWrapper(config, "k");
    return {
      wrapper,
      server,
      keyIds: ["one", "two", "none"],
      faults: awsFaults,
      rotate: () => server.keys.addVersion("one"),
    };
  },
  "gcp-kms": async () => {
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", file("gcp.json", gcpCredentials()));
    const [one, two, none] = ["one", "two", "none"].map(
      (name) => `projects/p/locations/global/keyRings/r/cryptoKeys/${name}`,
    ) as [string, string, string];
    const server = await startGcpKms(one, two);
    const wrapper = await openKeyWrapper({ type: "gcp-kms", keyId: one, endpoint: server.url }, "k");
    return { wrapper, server, keyIds: [one, two, none], faults: gcpFaults, rotate: () => server.keys.addVersion(one) };
  },
  "azure-key-vault": async () => {
    const authority = await createTestAuthority();
    const identity = await startManagedIdentity();
    closers.push(
      () => authority[Symbol.dispose](),
      () => identity[Symbol.asyncDispose](),
    );
    vi.stubEnv("IDENTITY_ENDPOINT", identity.url);
    vi.stubEnv("IDENTITY_HEADER", identityHeader);
    vi.stubEnv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential");
    const server = await startAzureKeyVault(await authority.issue("vault"), "one", "two");
    const [one, two, none] = ["one", "two", "none"].map((name) => `${server.url}/keys/${name}/1`) as [
      string,
      string,
      string,
    ];
    // The name of the real service is part of its certificate and of the token's resource; 127.0.0.1 is not.
    const wrapper = azureKeyVaultWrapper({ type: "azure-key-vault", keyId: one, caFile: authority.caFile }, "k", {
      disableChallengeResourceVerification: true,
    });
    return { wrapper, server, keyIds: [one, two, none], faults: azureFaults, rotate: () => server.addVersion("one") };
  },
  vault: async () => {
    const authority = await createTestAuthority();
    closers.push(() => authority[Symbol.dispose]());
    const server = await startVault(await authority.issue("vault"), "one", "two");
    const wrapper = await openKeyWrapper(
      {
        type: "vault",
        address: server.url,
        mount: "transit",
        keyId: "one",
        tokenFile: file("token", `${vaultToken}\n`),
        caFile: authority.caFile,
      },
      "k",
    );
    return {
      wrapper,
      server,
      keyIds: ["one", "two", "none"],
      faults: vaultFaults,
      rotate: () => server.keys.addVersion("one"),
    };
  },
};

afterAll(async () => {
  for (const close of closers.reverse()) await close();
  vi.unstubAllEnvs();
});

describe.each(Object.keys(starts))("%s", (type) => {
  let wrapper: KeyWrapper;
  let server: StandInServer;
  let it_: Case;
  const dataKey = randomBytes(32);
  /** How many operations were asked for; reading a key is none. */
  const posted = () => server.requests.filter(({ method }) => method === "POST").length;
  const printed = [dataKey.toString("base64"), dataKey.toString("base64url"), dataKey.toString("hex")];

  beforeAll(async () => {
    it_ = await (starts[type] as () => Promise<Case>)();
    ({ wrapper, server } = it_);
    closers.push(() => server[Symbol.asyncDispose]());
  });
  afterEach(() => {
    server.next.length = 0;
  });

  it("gives back what it wrapped, also after the service rotated its key, and with no other key", async () => {
    const [one, two] = it_.keyIds;
    const { wrapped, keyId } = await wrapper.wrap(dataKey, one, soon());
    expect(wrapper.type).toBe(type);
    expect(keyId).toBe(one);
    expect(server.requests.length).toBeGreaterThan(0);
    for (const text of printed) expect(JSON.stringify(wrapped)).not.toContain(text);
    it_.rotate();
    expect(await wrapper.unwrap(wrapped, keyId, soon())).toEqual(dataKey);
    const other = await wrapper.wrap(dataKey, two, soon());
    const mixed = { ...wrapped, ciphertext: other.wrapped["ciphertext"] as string };
    await expect(wrapper.unwrap(mixed, one, soon())).rejects.toMatchObject({ kind: "refused" });
  });

  it("says whether a failure may pass: throttled and broken services may, a denial and an unknown key do not", async () => {
    const { faults, keyIds } = it_;
    const { wrapped, keyId } = await wrapper.wrap(dataKey, keyIds[0], soon());
    const failures: [StandInAnswer | undefined, string][] = [
      [faults.throttled, "unavailable"],
      [faults.internal, "unavailable"],
      [faults.denied, "refused"],
    ];
    for (const [fault, kind] of failures) {
      const before = posted();
      if (fault !== undefined) server.next.push(fault);
      const wrapping = await wrapper.wrap(dataKey, keyIds[0], soon()).catch((error: unknown) => error);
      server.next.length = 0;
      expect(wrapping).toMatchObject({ name: "KeyWrapperError", kind });
      expect((wrapping as Error).cause).toBeUndefined();
      for (const text of printed) expect((wrapping as Error).stack).not.toContain(text);
      // It is tried again by the caller, not by the library too.
      expect(posted() - before).toBe(1);
      server.next.push(fault as StandInAnswer);
      await expect(wrapper.unwrap(wrapped, keyId, soon())).rejects.toMatchObject({ kind });
      server.next.length = 0;
    }
    await expect(wrapper.wrap(dataKey, keyIds[2], soon())).rejects.toMatchObject({ kind: "refused" });
  });

  it("ends a call to a service that never answers when the signal says so", async () => {
    const abort = new AbortController();
    server.next.push("never", "never");
    const before = server.requests.length;
    const wrapping = wrapper.wrap(dataKey, it_.keyIds[0], abort.signal);
    await vi.waitFor(() => expect(server.requests.length).toBe(before + 1));
    abort.abort(new Error("enough"));
    await expect(wrapping).rejects.toMatchObject({ kind: "unavailable" });
  });

  it("is unavailable when nobody listens", async () => {
    const { wrapped, keyId } = await wrapper.wrap(dataKey, it_.keyIds[0], soon());
    await server[Symbol.asyncDispose]();
    await expect(wrapper.unwrap(wrapped, keyId, soon())).rejects.toMatchObject({ kind: "unavailable" });
  });
});

describe("vault", () => {
  it("reads its token anew for every call, and refuses a file that everybody can read", async () => {
    await using server = await startVault(undefined, "one");
    const tokenFile = file("renewed", "hvs.expired");
    const wrapper = await openKeyWrapper(
      { type: "vault", address: server.url, mount: "transit", keyId: "one", tokenFile, namespace: "team" },
      "crypto.keyEncryption",
    );
    await expect(wrapper.wrap(randomBytes(32), "one", soon())).rejects.toThrow(/permission denied/);
    file("renewed", vaultToken);
    await wrapper.wrap(randomBytes(32), "one", soon());
    expect(server.requests.at(-1)?.headers["x-vault-namespace"]).toBe("team");
    chmodSync(tokenFile, 0o644);
    await expect(wrapper.wrap(randomBytes(32), "one", soon())).rejects.toThrow(
      /crypto.keyEncryption.tokenFile: every user/,
    );
  });
});

it("azure-key-vault: a request cannot have the node's credential sent to another vault", async () => {
  const wrapper = azureKeyVaultWrapper({ type: "azure-key-vault", keyId: "https://a.example/keys/k/1" }, "k");
  for (const keyId of [
    "https://evil.example/keys/k/1",
    "http://a.example/keys/k/1",
    "https://a.example@evil.example/k",
    "k",
  ]) {
    const wrapping = wrapper.wrap(Buffer.alloc(32), keyId, soon());
    await expect(wrapping).rejects.toMatchObject({
      kind: "refused",
      message: `${keyId} is no key of https://a.example, the vault of k.keyId`,
    });
  }
});
