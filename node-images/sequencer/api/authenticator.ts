/** Who is calling: challenges, tokens, and when they end. Kept in memory: after a restart members authenticate again. */
import { randomBytes } from "node:crypto";
import type { Metadata } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import type { Signature } from "@pulumi-canton/protocol/crypto/signature.ts";
import { verifyWithAny } from "@pulumi-canton/protocol/crypto/signature.ts";
import { PROTOCOL_VERSION_TEXT } from "@pulumi-canton/protocol/domain-parameters.ts";
import { checkMember, type MemberId, memberCode } from "@pulumi-canton/protocol/identity/member.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { authenticationContent, type ServiceAgreementVersion } from "@pulumi-canton/protocol/service-agreement.ts";
import { invalidArgument, permissionDenied, unauthenticated } from "@pulumi-canton/runtime/errors.ts";
import { speaksProtocolVersion } from "./handshake.ts";

/** What the authenticator asks of the domain. */
export interface Membership {
  readonly domainId: string;
  isActive(member: MemberId): boolean;
  signingKeys(
    member: MemberId,
  ): Parameters<typeof verifyWithAny>[0] & { readonly length: number } & readonly { id: string }[];
}

/** Why a member is not let in, in the published shape. `code` is a gRPC status code. */
export class AuthenticationRefusal extends Error {
  readonly code: number;

  constructor(code: number, reason: string) {
    super(reason);
    this.code = code;
  }
}

/** A member that has authenticated. */
export interface Session {
  readonly member: MemberId;
  /** The key it authenticated with. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Options of an authenticator. */
export interface AuthenticatorOptions {
  membership: Membership;
  /** True for members that an operator disabled. */
  isDisabled: (member: MemberId) => boolean;
  nonceLifetimeMs: number;
  tokenLifetimeMs: number;
  /** The terms of service that participants have to have accepted; default: none. */
  terms?: ServiceAgreementVersion | undefined;
  /** Milliseconds since the epoch; default `Date.now`. */
  clock?: () => number;
}

const nonceBytes = 32;
const tokenBytes = 32;
/** Challenges of one member that may be open at a time; an older one is dropped, so that nobody fills the memory. */
const maxNoncesPerMember = 64;
/** Tokens of one member that may be good at a time, for the same reason; one a connection is what a member needs. */
const maxSessionsPerMember = 64;

/** Issues and checks nonces and tokens of one sequencer. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #clock: () => number;
  /** By member: nonce (hex) and when it ends, in the order of their ends. */
  readonly #nonces = new Map<MemberId, Map<string, number>>();
  /** By member: token (hex) and what it is good for, in the order in which they were given out. */
  readonly #sessions = new Map<MemberId, Map<string, Session>>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
  }

  /**
   * A nonce for a member to sign.
   *
   * @throws AuthenticationRefusal
   */
  challenge(member: string, memberProtocolVersions: readonly string[]): { nonce: Buffer; fingerprints: string[] } {
    this.#checkName(member);
    if (!speaksProtocolVersion(memberProtocolVersions)) {
      throw new AuthenticationRefusal(
        status.FAILED_PRECONDITION,
        `the domain speaks protocol version ${PROTOCOL_VERSION_TEXT}, and the member only ${memberProtocolVersions.join(", ") || "none"}`,
      );
    }
    this.#checkMember(member);
    const now = this.#clock();
    const nonce = randomBytes(nonceBytes);
    const open = this.#nonces.get(member) ?? new Map<string, number>();
    for (const [key, endsAt] of open) if (endsAt <= now || open.size >= maxNoncesPerMember) open.delete(key);
    open.set(nonce.toString("hex"), now + this.#options.nonceLifetimeMs);
    this.#nonces.set(member, open);
    return { nonce, fingerprints: this.#options.membership.signingKeys(member).map(({ id }) => id) };
  }

  /**
   * A token for a signed nonce. A nonce can be used once, also when the signature is wrong.
   *
   * @returns `accepted`: the terms that the signature is the evidence of having accepted, when the domain has any
   * @throws AuthenticationRefusal
   */
  authenticate(
    member: string,
    nonce: Buffer,
    signature: Signature | undefined,
  ): { token: Buffer; expiresAt: number; accepted: ServiceAgreementVersion | undefined } {
    this.#checkName(member);
    const now = this.#clock();
    const open = this.#nonces.get(member);
    const endsAt = open?.get(nonce.toString("hex"));
    open?.delete(nonce.toString("hex"));
    if (open?.size === 0) this.#nonces.delete(member);
    if (endsAt === undefined || endsAt <= now) {
      throw new AuthenticationRefusal(
        status.UNAUTHENTICATED,
        "the nonce was not given to this member, was used already, or has expired; ask for a new challenge",
      );
    }
    this.#checkMember(member);
    const { membership, tokenLifetimeMs } = this.#options;
    const terms = memberCode(member) === "PAR" ? this.#options.terms : undefined;
    const signs = (accepted: ServiceAgreementVersion | undefined) =>
      verifyWithAny(
        membership.signingKeys(member),
        "sequencer-authentication",
        authenticationContent(nonce, membership.domainId, accepted),
        signature,
      );
    if (!signs(terms)) {
      if (terms !== undefined && signs(undefined)) {
        throw new AuthenticationRefusal(
          status.FAILED_PRECONDITION,
          `${member} has not accepted the terms of service ${terms.id} of ${membership.domainId}`,
        );
      }
      throw new AuthenticationRefusal(
        status.UNAUTHENTICATED,
        `the signature of the nonce is not one of the keys of ${member}${
          terms === undefined ? "" : `, or not for the terms of service ${terms.id} as they are now`
        }`,
      );
    }
    const token = randomBytes(tokenBytes);
    const expiresAt = now + tokenLifetimeMs;
    const sessions = this.#sessions.get(member) ?? new Map<string, Session>();
    for (const key of sessions.keys()) if (sessions.size >= maxSessionsPerMember) sessions.delete(key);
    sessions.set(token.toString("hex"), { member, fingerprint: signature?.signedBy ?? "", expiresAt });
    this.#sessions.set(member, sessions);
    return { token, expiresAt, accepted: terms };
  }

  /**
   * The member that makes a call, by the metadata `memberid`, `domainid` and `authtoken-bin`.
   *
   * @throws CantonError UNAUTHENTICATED or PERMISSION_DENIED
   */
  sessionOf(metadata: Metadata): Session {
    const member = this.#namedMember(metadata);
    const token = metadata.get("authtoken-bin")[0];
    if (!Buffer.isBuffer(token)) {
      throw unauthenticated("MISSING_TOKEN", "the metadata authtoken-bin is missing; authenticate first");
    }
    const key = token.toString("hex");
    const sessions = this.#sessions.get(member);
    const session = sessions?.get(key);
    if (session === undefined) {
      throw unauthenticated("INVALID_TOKEN", `the token is not known here as one of ${member}; authenticate again`);
    }
    if (session.expiresAt <= this.#clock()) {
      sessions?.delete(key);
      throw tokenExpired(member);
    }
    this.check(session);
    return session;
  }

  /** The unauthenticated member that makes a call. @throws CantonError */
  unauthenticatedMember(metadata: Metadata): MemberId {
    const member = this.#namedMember(metadata);
    if (memberCode(member) === "UNM") return member;
    throw permissionDenied(
      "AUTHENTICATION_REQUIRED",
      `memberid: ${member} has to authenticate; only members UNM::… may call this without`,
    );
  }

  /** The member that the metadata names, checked with the domain it names. @throws CantonError */
  #namedMember(metadata: Metadata): MemberId {
    const domainId = textOf(metadata, "domainid");
    if (domainId !== this.#options.membership.domainId) {
      throw permissionDenied(
        "WRONG_DOMAIN_ID",
        `domainid: this sequencer serves the domain ${this.#options.membership.domainId}, not ${domainId || "(none)"}`,
      );
    }
    const member = textOf(metadata, "memberid");
    try {
      return checkMember(member, "memberid");
    } catch (error) {
      if (error instanceof ProtocolError) throw invalidArgument("INVALID_MEMBER_ID", error.message);
      throw error;
    }
  }

  /** Whether a session may go on: the member is active, not disabled, and still has the key. @throws CantonError PERMISSION_DENIED */
  check(session: Session): void {
    const refusal = this.#refusalOf(session.member);
    if (refusal !== undefined) throw permissionDenied("MEMBER_NOT_ACTIVE", refusal);
    const keys = this.#options.membership.signingKeys(session.member);
    if (!keys.some(({ id }) => id === session.fingerprint)) {
      throw unauthenticated(
        "KEY_NOT_ACTIVE",
        `${session.member} no longer has the key ${session.fingerprint}; authenticate again`,
      );
    }
  }

  /** Forgets what has expired and the sessions of members that may not go on. */
  sweep(): void {
    const now = this.#clock();
    for (const [member, sessions] of this.#sessions) {
      if (this.#refusalOf(member) !== undefined) sessions.clear();
      for (const [key, { expiresAt }] of sessions) if (expiresAt <= now) sessions.delete(key);
      if (sessions.size === 0) this.#sessions.delete(member);
    }
    for (const [member, open] of this.#nonces) {
      for (const [nonce, endsAt] of open) if (endsAt <= now) open.delete(nonce);
      if (open.size === 0) this.#nonces.delete(member);
    }
  }

  #checkName(member: string): void {
    try {
      checkMember(member, "member", ["PAR", "MED", "DOM", "SEQ"]);
    } catch (error) {
      if (error instanceof ProtocolError) throw new AuthenticationRefusal(status.INVALID_ARGUMENT, error.message);
      throw error;
    }
  }

  #checkMember(member: MemberId): void {
    const refusal = this.#refusalOf(member);
    if (refusal !== undefined) throw new AuthenticationRefusal(status.PERMISSION_DENIED, refusal);
  }

  #refusalOf(member: MemberId): string | undefined {
    const { membership, isDisabled } = this.#options;
    if (isDisabled(member)) return `${member} was disabled at the sequencers of ${membership.domainId}`;
    if (!membership.isActive(member)) return `${member} is not active on the domain ${membership.domainId}`;
    if (membership.signingKeys(member).length === 0) {
      return `no signing key of ${member} is known on the domain ${membership.domainId}`;
    }
    return undefined;
  }
}

/** The refusal of a token that was good once. */
export function tokenExpired(member: MemberId) {
  return unauthenticated("TOKEN_EXPIRED", `the token of ${member} has expired; authenticate again`);
}

function textOf(metadata: Metadata, key: string): string {
  const value = metadata.get(key)[0];
  return typeof value === "string" ? value : "";
}
