/** The templates as Jsonnet itself understands them. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { pythonEnvironment } from "../../../test/python-environment.ts";
import { keycloakTemplates } from "./request-templates.ts";

const run = promisify(execFile);
const python = await pythonEnvironment(join(import.meta.dirname, "testing", "jsonnet-0.22.txt"));
const there = typeof python === "string";
if (!there) console.warn(`SKIPPED: no Jsonnet, so templates are not evaluated: ${python.unavailable}`);

const config = { clientId: "canton-app", clientSecret: "the secret" };

/** What the middleware makes of a template: it calls the function with its configuration and what it wants. */
async function evaluated(template: string, request: object): Promise<unknown> {
  const program = "import _jsonnet, sys; print(_jsonnet.evaluate_snippet('template', sys.argv[1]))";
  const call = `(${template})(${JSON.stringify(config)}, ${JSON.stringify(request)})`;
  const { stdout } = await run(python as string, ["-c", program, call]);
  return JSON.parse(stdout);
}

describe.runIf(there)("for Keycloak", () => {
  test("a login asks for no scope that is made of a party, and names no secret", async () => {
    const claims = { admin: true, applicationId: "app", actAs: ["Alice"], readAs: ["Bob"] };
    const request = { claims, redirectUri: "https://app.example.com/auth/cb", state: "the state" };
    expect(await evaluated(keycloakTemplates.authorization, request)).toEqual({
      client_id: "canton-app",
      redirect_uri: "https://app.example.com/auth/cb",
      response_type: "code",
      scope: "offline_access",
      state: "the state",
    });
  });

  test("a token is refreshed as OAuth 2.0 has it", async () => {
    expect(await evaluated(keycloakTemplates.refresh, { refreshToken: "the token" })).toEqual({
      client_id: "canton-app",
      client_secret: "the secret",
      grant_type: "refresh_token",
      refresh_token: "the token",
    });
  });
});
