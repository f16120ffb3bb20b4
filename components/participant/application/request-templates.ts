/**
 * What the OAuth2 middleware asks a provider with: functions in Jsonnet of the middleware's configuration and of what it wants, as
 * https://docs.daml.com/tools/auth-middleware/oauth2.html has them. Pure.
 */

/** Templates by request, as text; for those that are left out the middleware has its own. */
export interface RequestTemplates {
  /** The authorization request: parameters of the provider's page where a person logs in. */
  readonly authorization?: string;
  /** The request that makes a token of a code. */
  readonly token?: string;
  /** The request that makes a token of a refresh token. */
  readonly refresh?: string;
}

/** Name of the file that a template is in. */
export function templateFile(request: keyof RequestTemplates): string {
  return `${request}.jsonnet`;
}

/** The files of templates, by name. */
export function templateFiles(templates: RequestTemplates): Record<string, string> {
  return Object.fromEntries(
    Object.entries(templates).map(([request, text]) => [templateFile(request as keyof RequestTemplates), text]),
  );
}

/**
 * For Keycloak, and other providers that know no scope of their own for each party.
 *
 * The middleware's own authorization request has a scope for every claim, such as `actAs:Alice`. Keycloak refuses scopes that it has
 * no client scope for. What a user may do is said by the rights of the Ledger API's user, so that no claim has to be asked for. The
 * middleware's own refresh request has the grant type `refresh_code`, which RFC 6749, section 6, does not know.
 */
export const keycloakTemplates = {
  authorization: `function(config, request) {
  client_id: config.clientId,
  redirect_uri: request.redirectUri,
  response_type: "code",
  scope: "offline_access",
  state: request.state,
}
`,
  refresh: `function(config, request) {
  client_id: config.clientId,
  client_secret: config.clientSecret,
  grant_type: "refresh_token",
  refresh_token: request.refreshToken,
}
`,
} as const satisfies RequestTemplates;
