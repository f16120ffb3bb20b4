/** The token that a resource calls the Ledger API with lies nowhere in the clear: not in the state, and not in what is printed. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startTestParticipant, type TestParticipant } from "@pulumi-canton/participant/testing/test-participant.ts";
import { startTokenIssuer, type TokenIssuer } from "@pulumi-canton/participant/testing/token-issuer.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EngineRun } from "../../scripts/language-host/testing/engine-run.ts";

const audience = "the-ledger";
let issuer: TokenIssuer;
let database: TestDatabase;
let node: TestParticipant;
let run: EngineRun;

beforeAll(async () => {
  run = await EngineRun.of("../../../test/e2e/testing/token-program");
  [issuer, database] = await Promise.all([startTokenIssuer(), createTestDatabase()]);
  node = await startTestParticipant({
    name: "alice",
    storage: database.storage,
    ledgerApi: { auth: [{ type: "jwks", url: issuer.jwksUrl, targetAudience: audience }] },
  });
  Object.assign(run.environment, { LEDGER_PORT: String(node.ledgerPort) });
}, 120_000);

afterAll(async () => {
  await node?.stop();
  await database?.drop();
  await issuer?.[Symbol.asyncDispose]();
  await run?.[Symbol.asyncDispose]();
});

/** Files below the run's folder that hold a text. */
function filesWith(text: string): string[] {
  return readdirSync(run.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(text));
}

test("neither when the user is made, read again and deleted, nor when the token is refused", {
  timeout: 120_000,
}, async () => {
  const worthless = "not.a.token-but-still-a-secret";
  run.environment["LEDGER_TOKEN"] = worthless;
  const refused = await run.pulumi("up", "--yes", "--skip-preview");
  expect(refused.exitCode, refused.output).not.toBe(0);
  expect(refused.output).toContain("does not accept the token");
  expect(refused.output).not.toContain(worthless);
  expect(filesWith(worthless)).toEqual([]);

  const token = await issuer.sign({ sub: "participant_admin", aud: audience });
  run.environment["LEDGER_TOKEN"] = token;
  for (const command of [
    ["up", "--yes", "--skip-preview"],
    ["refresh", "--yes", "--skip-preview"],
    ["preview", "--diff"],
    ["destroy", "--yes", "--skip-preview"],
  ]) {
    const { exitCode, output } = await run.pulumi(...command);
    expect(exitCode, output).toBe(0);
    expect(output).not.toContain(token);
    expect(filesWith(token), command.join(" ")).toEqual([]);
  }
});
