/** The configuration of the programs that stand between a participant and its applications: JSON API, triggers, login. Pure. */
import { FromEnvironment, type HoconValue, renderHocon } from "../../platform/kubernetes/hocon.ts";
import { type RequestTemplates, templateFile } from "./request-templates.ts";

/** The ports that they listen on. */
export const applicationPorts = { jsonApi: 7575, triggerService: 8088, oauth2Middleware: 3000, metrics: 9464 } as const;

/** What they are called, after the stack's prefix. */
export const programNames = {
  jsonApi: "json-api",
  triggerService: "trigger-service",
  oauth2Middleware: "oauth2-middleware",
} as const;

/** Where their files are in a pod. */
export const configFolder = "/etc/application";

/** Variables of the environment that hold secrets. */
export const secretVariables = {
  storePassword: "STORE_PASSWORD",
  clientId: "DAML_CLIENT_ID",
  clientSecret: "DAML_CLIENT_SECRET",
} as const;

/** The Ledger API that they use, with TLS. */
export interface LedgerApi {
  readonly address: string;
  readonly port: number;
}

/** A database of theirs; its password is in the environment. */
export interface Store {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Whether the server's certificate is of an authority in `database.crt`, and not of one that every machine knows. */
  readonly ownAuthority: boolean;
}

/** What a provider tells of itself, as text. */
export interface Login {
  readonly jwksUri: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
}

const ledgerApi = ({ address, port }: LedgerApi): HoconValue => ({
  address,
  port,
  tls: { enabled: "true", "trust-collection-file": `${configFolder}/ledger.crt` },
});

const metrics: HoconValue = {
  reporter: `prometheus://0.0.0.0:${applicationPorts.metrics}`,
  "reporting-interval": "30s",
};

const store = ({ host, port, database, user, ownAuthority }: Store): { [key: string]: HoconValue } => ({
  driver: "org.postgresql.Driver",
  url: `jdbc:postgresql://${host}:${port}/${database}?sslmode=verify-full${ownAuthority ? `&sslrootcert=${configFolder}/database.crt` : "&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory"}`,
  user,
  password: new FromEnvironment(secretVariables.storePassword),
});

/**
 * The HTTP JSON API. Tokens are taken over plain HTTP from a proxy that says that it had them over TLS.
 *
 * @param queryStore absent: every query reads the active contracts from the ledger, which is for few of them
 */
export function jsonApiConfig(api: LedgerApi, queryStore?: Store): string {
  return renderHocon({
    server: { address: "0.0.0.0", port: applicationPorts.jsonApi },
    "ledger-api": ledgerApi(api),
    "query-store": queryStore && { "base-config": store(queryStore), "start-mode": "create-if-needed-and-start" },
    metrics,
  });
}

/**
 * The trigger service. It gets its tokens from the middleware, which users log in to below the same host.
 *
 * @param triggerStore keeps which triggers run over a restart
 * @param options.initialise makes the tables of the store and ends, instead of serving
 */
export function triggerServiceConfig(
  api: LedgerApi,
  login: { readonly middlewareUrl: string; readonly externalUrl: string } | undefined,
  darPaths: readonly string[],
  triggerStore: Store | undefined,
  { initialise }: { readonly initialise: boolean },
): string {
  return renderHocon({
    address: "0.0.0.0",
    port: applicationPorts.triggerService,
    "dar-paths": darPaths,
    "ledger-api": ledgerApi(api),
    authorization: login && {
      "auth-redirect": "yes",
      "auth-internal-uri": login.middlewareUrl,
      "auth-external-uri": `${login.externalUrl}/auth`,
      "auth-callback-uri": `${login.externalUrl}/trigger/cb`,
    },
    "trigger-store": triggerStore && store(triggerStore),
    "init-db": initialise ? "true" : undefined,
    "allow-existing-schema": initialise ? "true" : undefined,
    metrics,
  });
}

/**
 * The OAuth2 middleware: has users log in at a provider, and gives their tokens to the trigger service.
 *
 * @param templates what it asks the provider with, where that is not what it does by itself
 */
export function oauth2MiddlewareConfig(login: Login, externalUrl: string, templates: RequestTemplates = {}): string {
  const file = (request: keyof RequestTemplates) =>
    templates[request] === undefined ? undefined : `${configFolder}/${templateFile(request)}`;
  return renderHocon({
    address: "0.0.0.0",
    port: applicationPorts.oauth2Middleware,
    "callback-uri": `${externalUrl}/auth/cb`,
    "cookie-secure": "true",
    "oauth-auth": login.authorizationEndpoint,
    "oauth-token": login.tokenEndpoint,
    "oauth-auth-template": file("authorization"),
    "oauth-token-template": file("token"),
    "oauth-refresh-template": file("refresh"),
    "client-id": new FromEnvironment(secretVariables.clientId),
    "client-secret": new FromEnvironment(secretVariables.clientSecret),
    "token-verifier": { type: "rs256-jwks", uri: login.jwksUri },
    metrics,
  });
}
