import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { TestNetwork } from "../testing/test-network.ts";

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let network: TestNetwork;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulumi-canton-terms-"));
  await writeFile(join(folder, "terms.txt"), "Be kind to each other.");
  const termsOfService = { id: "terms-1", textFile: join(folder, "terms.txt") };
  network = await TestNetwork.start(["alice"], { termsOfService });
}, 60_000);
afterAll(async () => {
  await network?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("terms of service are shown, and accepted only by their id; the domain's owner sees who did", async () => {
  await network.text("set-state", "alice", "Submission");
  const connect = ["domains", "connect", "mydomain", ...network.urls, "--node", "alice"];
  const shown = await network.console(connect);
  expect(shown.code).toBe(1);
  expect(shown.stdout).toContain("Be kind to each other.");
  expect(shown.stderr).toContain("console domains accept-agreement mydomain terms-1");
  expect(await network.refusal("domains", "accept-agreement", "mydomain", "terms-0", "--node", "alice")).toContain(
    "terms-1",
  );
  expect(await network.json("domains", "agreement", "mydomain", "--node", "alice")).toMatchObject({ accepted: false });
  await network.text("domains", "accept-agreement", "mydomain", "terms-1", "--node", "alice");
  expect(await network.text("domains", "agreement", "mydomain", "--node", "alice")).toContain("terms-1: accepted");
  expect(await network.text(...connect)).toContain("connected to mydomain");
  expect(await network.json("domain", "accepted-agreements")).toMatchObject([{ agreement: "terms-1" }]);
});
