/** AWS KMS as moto plays it: another reading of its documentation than ours. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { CreateKeyCommand, KMSClient, RotateKeyOnDemandCommand } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { freePort } from "../../../test/free-port.ts";
import { pythonEnvironment } from "../../../test/python-environment.ts";
import { awsKmsWrapper } from "./aws-kms-wrapper.ts";

const python = await pythonEnvironment(join(import.meta.dirname, "testing", "moto-5.2.txt"));
const there = typeof python === "string";
if (!there) console.warn(`SKIPPED: no moto, so AWS KMS is not tested against it: ${python.unavailable}`);

const region = "eu-central-1";

describe.runIf(there)("AWS KMS", () => {
  let server: ChildProcess;
  let endpoint: string;
  let admin: KMSClient;
  beforeAll(async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    const port = await freePort();
    endpoint = `http://127.0.0.1:${port}`;
    server = spawn(python as string, ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
    await vi.waitFor(() => fetch(`${endpoint}/moto-api/`), { timeout: 30_000, interval: 100 });
    admin = new KMSClient({ endpoint, region });
  }, 40_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    if (server === undefined) return;
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
  });

  it("gives back what it wrapped; refuses an unknown key, and what it did not make", async () => {
    const { KeyMetadata } = await admin.send(new CreateKeyCommand({}));
    const keyId = KeyMetadata?.KeyId ?? "";
    const wrapper = awsKmsWrapper({ type: "aws-kms", keyId, region, endpoint });
    const dataKey = randomBytes(32);
    const signal = AbortSignal.timeout(10_000);
    const { wrapped } = await wrapper.wrap(dataKey, keyId, signal);
    expect(wrapped).toMatchObject({ arn: expect.stringMatching(/^arn:aws:kms:eu-central-1:.*:key\//) });
    await admin.send(new RotateKeyOnDemandCommand({ KeyId: keyId }));
    expect(await wrapper.unwrap(wrapped, keyId, signal)).toEqual(dataKey);
    await expect(wrapper.wrap(dataKey, "none", signal)).rejects.toMatchObject({ kind: "refused" });
    const garbage = { ...wrapped, ciphertext: randomBytes(80).toString("base64") };
    await expect(wrapper.unwrap(garbage, keyId, signal)).rejects.toMatchObject({ kind: "refused" });
  });
});
