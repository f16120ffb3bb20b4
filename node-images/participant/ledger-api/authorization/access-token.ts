import type { JWTPayload } from "jose";

/** Begins the audience of tokens that are for one participant; its id follows. */
export const PARTICIPANT_AUDIENCE = "https://daml.com/jwt/aud/participant/";
/** The scope of tokens for the Ledger API, when no other is configured. */
export const LEDGER_API_SCOPE = "daml_ledger_api";

/** What a verified token says. */
export interface AccessToken {
  /** The user that it is for: the `sub`; empty when there is none. */
  readonly userId: string;
  /** The only participant that it is for; undefined when it may be any. */
  readonly participantId: string | undefined;
  /** In milliseconds since 1970; undefined when it never ends. */
  readonly expiresAt: number | undefined;
}

/** What tokens must have. Neither: the published default, an audience or scope that names the Ledger API. */
export interface TokenTarget {
  readonly targetAudience?: string | undefined;
  readonly targetScope?: string | undefined;
}

/** Reads a token whose signature and times were checked; a text says why it is not for the Ledger API. */
export function accessTokenOf(payload: JWTPayload, { targetAudience, targetScope }: TokenTarget): AccessToken | string {
  const audiences = [payload.aud ?? []].flat();
  const scopes = scopesOf(payload);
  const token = (participantId?: string): AccessToken => ({
    userId: payload.sub ?? "",
    participantId,
    expiresAt: payload.exp === undefined ? undefined : payload.exp * 1000,
  });
  if (targetAudience !== undefined || targetScope !== undefined) {
    if (targetAudience !== undefined && !audiences.includes(targetAudience)) {
      return `its audience is not ${targetAudience}`;
    }
    if (targetScope !== undefined && !scopes.includes(targetScope)) return `its scope has no ${targetScope}`;
    return token();
  }
  const participants = audiences
    .filter((audience) => audience.startsWith(PARTICIPANT_AUDIENCE))
    .map((audience) => audience.slice(PARTICIPANT_AUDIENCE.length));
  if (participants.length > 0) {
    return participants.length === 1 && participants[0] !== ""
      ? token(participants[0])
      : "its audiences do not name exactly one participant";
  }
  if (!scopes.includes(LEDGER_API_SCOPE)) {
    return `its audience does not begin with ${PARTICIPANT_AUDIENCE} and its scope has no ${LEDGER_API_SCOPE}`;
  }
  return audiences.length < 2 ? token(audiences[0]) : "its scope allows one audience at most, the participant id";
}

/** Scopes as OAuth has them (`scope`, separated by spaces), and as some providers do (`scp`, also as a list). */
function scopesOf(payload: JWTPayload): string[] {
  return [payload.scope, payload.scp].flat().flatMap((scope) => (typeof scope === "string" ? scope.split(" ") : []));
}
