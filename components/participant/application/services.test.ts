import { describe, expect, test } from "vitest";
import { jsonApiConfig, oauth2MiddlewareConfig, triggerServiceConfig } from "./services.ts";

const api = { address: "bob.canton.svc", port: 5011 };
const store = { host: "db", port: 5432, database: "json-api", user: "json-api", ownAuthority: true };
const login = {
  jwksUri: "https://login.example.com/jwks",
  authorizationEndpoint: "https://login.example.com/auth",
  tokenEndpoint: "https://login.example.com/token",
};
/** A configuration with its variables as texts. */
const read = (text: string) => JSON.parse(text.replace(/\$\{(\w+)\}/g, '"from $1"'));

test("all of them reach the Ledger API over TLS, with the participant's own authority", () => {
  const tls = { enabled: "true", "trust-collection-file": "/etc/application/ledger.crt" };
  const configs = [jsonApiConfig(api), triggerServiceConfig(api, undefined, [], undefined, { initialise: false })];
  for (const config of configs) expect(read(config)["ledger-api"]).toEqual({ ...api, tls });
});

describe("stores", () => {
  test("are reached over TLS with the server's name checked; the password is in the environment", () => {
    const { "query-store": queryStore } = read(jsonApiConfig(api, store));
    expect(queryStore["base-config"]).toMatchObject({
      user: "json-api",
      password: "from STORE_PASSWORD",
      url: "jdbc:postgresql://db:5432/json-api?sslmode=verify-full&sslrootcert=/etc/application/database.crt",
    });
    const known = read(jsonApiConfig(api, { ...store, ownAuthority: false }))["query-store"]["base-config"].url;
    expect(known).toContain("sslmode=verify-full&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory");
  });

  test("of triggers are made by a run that ends, and left as they are by the one that serves", () => {
    const config = (initialise: boolean) =>
      read(triggerServiceConfig(api, undefined, ["/dars/a.dar"], store, { initialise }));
    expect(config(true)).toMatchObject({ "init-db": "true", "allow-existing-schema": "true" });
    expect(config(false)).not.toHaveProperty("init-db");
    expect(config(false)["dar-paths"]).toEqual(["/dars/a.dar"]);
  });
});

test("users log in at the provider; the secret of the client is in the environment, cookies are for TLS only", () => {
  expect(read(oauth2MiddlewareConfig(login, "https://app.example.com"))).toMatchObject({
    "callback-uri": "https://app.example.com/auth/cb",
    "cookie-secure": "true",
    "oauth-auth": login.authorizationEndpoint,
    "oauth-token": login.tokenEndpoint,
    "client-id": "from DAML_CLIENT_ID",
    "client-secret": "from DAML_CLIENT_SECRET",
    "token-verifier": { type: "rs256-jwks", uri: login.jwksUri },
  });
  const triggers = triggerServiceConfig(
    api,
    { middlewareUrl: "http://oauth2-middleware:3000", externalUrl: "https://app.example.com" },
    [],
    undefined,
    { initialise: false },
  );
  expect(read(triggers).authorization).toEqual({
    "auth-redirect": "yes",
    "auth-internal-uri": "http://oauth2-middleware:3000",
    "auth-external-uri": "https://app.example.com/auth",
    "auth-callback-uri": "https://app.example.com/trigger/cb",
  });
});
