/** The realm that Keycloak imports when it first starts: the clients of a participant's applications. Pure. */

/** What is in a realm. */
export interface RealmPlan {
  /** Name of the realm. Example: `"canton"`. */
  readonly realm: string;
  /** URL of the applications. Example: `"https://app.example.com"`. */
  readonly applicationUrl: string;
  /** What a token has to be for: the audience that the participant's Ledger API is configured with. */
  readonly audience: string;
  /** The client that people log in with, through the OAuth2 middleware. */
  readonly client: string;
  /** Clients of programs, which log in with a secret of their own. */
  readonly services: readonly string[];
  /** One of {@link services}, which administers participants: its tokens are of their first user. Default: none, people do. */
  readonly administrator?: string | undefined;
}

/** The user that a participant begins with. */
const participantAdministrator = "participant_admin";

/** How long a token is good, in seconds: a user who was taken away may go on for as long. */
const tokenSeconds = 300;

/** The variable of Keycloak's environment that holds a client's secret. */
export function secretVariable(client: string): string {
  return `CLIENT_SECRET_${client.toUpperCase().replaceAll("-", "_")}`;
}

/** Problems of a plan, each with its field. */
export function realmProblems({
  realm,
  client,
  services,
  administrator,
  applicationUrl,
  audience,
}: RealmPlan): string[] {
  const name = /^[a-z][a-z0-9-]{0,62}$/;
  const problems: string[] = [];
  const named = (key: string, value: string) => {
    if (!name.test(value))
      problems.push(`${key}: got "${value}"; expected 1 to 63 lower-case letters, digits and hyphens`);
  };
  named("realm", realm);
  if (realm === "master") problems.push('realm: got "master", which is Keycloak\'s own; expected another name');
  if (!/^https:\/\/[^/?#\s]+$/.test(applicationUrl)) {
    problems.push(`applicationUrl: got "${applicationUrl}"; expected https://HOST, without a path`);
  }
  if (audience === "") problems.push('audience: got ""; expected the targetAudience of the Ledger API');
  if (administrator !== undefined && !services.includes(administrator)) {
    problems.push(
      `administrator: got "${administrator}"; expected one of services: ${services.join(", ") || "there are none"}`,
    );
  }
  const clients = [client, ...services];
  clients.forEach((each, index) => {
    const key = index === 0 ? "client" : `services[${index - 1}]`;
    named(key, each);
    if (clients.indexOf(each) < index) problems.push(`${key}: got "${each}" a second time; expected each client once`);
  });
  return problems;
}

/** Puts a claim into access tokens. */
function claim(name: string, protocolMapper: string, config: Readonly<Record<string, string>>) {
  return {
    name,
    protocol: "openid-connect",
    protocolMapper,
    config: { ...config, "access.token.claim": "true", "id.token.claim": "false" },
  };
}

/** Who a token is of, which is the id of the user of the Ledger API. */
function subject(protocolMapper: string, config: Readonly<Record<string, string>>) {
  return claim("ledger user", protocolMapper, { ...config, "claim.name": "sub", "jsonType.label": "String" });
}

/**
 * The realm as Keycloak imports it. Secrets are not in it: Keycloak takes them from its environment.
 *
 * Every token is for the participant. Its subject is the name of the person who logged in, or the id of the service's client: known
 * before Keycloak runs, so that the users of the Ledger API can be made at once.
 */
export function realmFile({ realm, applicationUrl, audience, client, services, administrator }: RealmPlan) {
  const forParticipant = claim("audience", "oidc-audience-mapper", { "included.custom.audience": audience });
  const common = (clientId: string) => ({
    clientId,
    // Keycloak puts the variable's value in its place.
    secret: `\${${secretVariable(clientId)}}`,
    enabled: true,
    protocol: "openid-connect",
    publicClient: false,
    clientAuthenticatorType: "client-secret",
    implicitFlowEnabled: false,
    directAccessGrantsEnabled: false,
    // Not `basic`: its subject is an id that Keycloak makes up.
    defaultClientScopes: [],
    attributes: { "access.token.signed.response.alg": "RS256" },
  });
  return {
    realm,
    enabled: true,
    sslRequired: "all",
    registrationAllowed: false,
    bruteForceProtected: true,
    accessTokenLifespan: tokenSeconds,
    defaultSignatureAlgorithm: "RS256",
    eventsEnabled: true,
    adminEventsEnabled: true,
    clients: [
      {
        ...common(client),
        standardFlowEnabled: true,
        // What a person may have, `offline_access` with it; no role is in a token all the same.
        fullScopeAllowed: true,
        serviceAccountsEnabled: false,
        redirectUris: [`${applicationUrl}/auth/cb`],
        webOrigins: [applicationUrl],
        optionalClientScopes: ["offline_access"],
        protocolMappers: [forParticipant, subject("oidc-usermodel-attribute-mapper", { "user.attribute": "username" })],
      },
      ...services.map((service) => ({
        ...common(service),
        standardFlowEnabled: false,
        fullScopeAllowed: false,
        serviceAccountsEnabled: true,
        optionalClientScopes: [],
        protocolMappers: [
          forParticipant,
          subject("oidc-hardcoded-claim-mapper", {
            "claim.value": service === administrator ? participantAdministrator : service,
          }),
        ],
      })),
    ],
  };
}
