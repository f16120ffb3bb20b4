/**
 * How a participant gets onto a domain, as a pure state machine.
 *
 * A state says what is to be done next (`effectOf`), an event says how that went, `decide` gives the next state. Every
 * attempt starts at the beginning with what is remembered of earlier ones, each step is a read or may be repeated, and
 * what later steps rely on is stored before they run: so a participant that is killed anywhere and connects again
 * converges. The order is the published one: agreement, protocol version, domain id, parameters, onboarding as an
 * unauthenticated member, authenticated subscription, topology of the domain, active.
 */

import { type ServiceAgreementVersion, sameAgreement } from "@pulumi-canton/protocol/service-agreement.ts";

/** Static parameters of a domain, as far as a participant must be able to follow them. Names are those of the wire's enums. */
export interface StaticParameters {
  readonly protocolVersion: number;
  readonly signingKeySchemes: readonly string[];
  readonly encryptionKeySchemes: readonly string[];
  readonly symmetricKeySchemes: readonly string[];
  readonly hashAlgorithms: readonly string[];
  readonly keyFormats: readonly string[];
}

/** What this software can do; compared with what a domain requires. */
export interface Abilities {
  readonly protocolVersions: readonly number[];
  readonly signingKeySchemes: readonly string[];
  readonly encryptionKeySchemes: readonly string[];
  readonly symmetricKeySchemes: readonly string[];
  readonly hashAlgorithms: readonly string[];
  readonly keyFormats: readonly string[];
}

/** What is known before an attempt starts: the operator's word and what earlier attempts stored. */
export interface Remembered {
  /** The domain id the operator pinned, if any. */
  readonly pinnedDomainId: string | undefined;
  /** The domain id stored by an earlier attempt, if any: it must not change. */
  readonly domainId: string | undefined;
  /** The terms of service of the domain that the operator accepted. */
  readonly acceptedAgreements: readonly ServiceAgreementVersion[];
  readonly abilities: Abilities;
}

/** Why an attempt ended without the participant being active. `retryable`: the same attempt may go well later, by itself. */
export type Refusal =
  | { readonly kind: "unreachable"; readonly reason: string }
  | {
      readonly kind: "agreement-not-accepted";
      readonly agreementId: string;
      /** Earlier terms of the domain were accepted: these are new, or changed. */
      readonly changed: boolean;
    }
  | { readonly kind: "incompatible-protocol-version"; readonly offered: readonly number[]; readonly reason: string }
  | { readonly kind: "domain-id-mismatch"; readonly expected: string; readonly observed: string }
  | { readonly kind: "domain-already-added"; readonly domainId: string; readonly alias: string }
  | { readonly kind: "incompatible-parameters"; readonly reason: string }
  | { readonly kind: "not-active"; readonly reason: string }
  | { readonly kind: "activation-timeout"; readonly reason: string }
  | { readonly kind: "untrusted-sequencer"; readonly reason: string }
  | { readonly kind: "internal"; readonly reason: string };

/** What the machine knows once the domain has identified itself. */
interface Identified {
  readonly remembered: Remembered;
  readonly domainId: string;
}

export type State =
  | { readonly phase: "agreement"; readonly remembered: Remembered }
  | { readonly phase: "handshake"; readonly remembered: Remembered }
  | { readonly phase: "identity"; readonly remembered: Remembered }
  | ({ readonly phase: "parameters" } & Identified)
  | ({ readonly phase: "remembering"; readonly parameters: StaticParameters } & Identified)
  | ({ readonly phase: "activity" } & Identified)
  | ({ readonly phase: "onboarding" } & Identified)
  | ({ readonly phase: "activation" } & Identified)
  | ({ readonly phase: "subscribing" } & Identified)
  | ({ readonly phase: "catching-up" } & Identified)
  | ({ readonly phase: "active" } & Identified)
  | { readonly phase: "refused"; readonly at: Step; readonly refusal: Refusal };

/** The phases in which something is to be done. */
export type Step = Exclude<State["phase"], "active" | "refused">;

/** What a state asks for; the answer comes back as the event of the same name. */
export type Effect =
  | { readonly do: "read-agreement" }
  | { readonly do: "handshake"; readonly protocolVersions: readonly number[] }
  | { readonly do: "read-domain-id" }
  | { readonly do: "read-parameters" }
  | { readonly do: "remember"; readonly domainId: string; readonly parameters: StaticParameters }
  | { readonly do: "verify-active"; readonly domainId: string }
  | { readonly do: "request-onboarding"; readonly domainId: string }
  | { readonly do: "await-activation"; readonly domainId: string }
  | { readonly do: "subscribe"; readonly domainId: string }
  | { readonly do: "await-own-state"; readonly domainId: string };

export type Event =
  | { readonly event: "agreement-read"; readonly agreement: ServiceAgreementVersion | undefined }
  | { readonly event: "handshake-answered"; readonly accepted: boolean; readonly reason: string }
  | {
      readonly event: "domain-id-read";
      readonly domainId: string;
      /** Another alias of this participant that already stands for that domain. */
      readonly otherAlias: string | undefined;
    }
  | { readonly event: "parameters-read"; readonly parameters: StaticParameters }
  | { readonly event: "remembered" }
  | { readonly event: "activity-verified"; readonly active: boolean }
  | { readonly event: "onboarding-answered"; readonly accepted: boolean; readonly reason: string }
  | { readonly event: "activated" }
  | { readonly event: "subscribed" }
  | { readonly event: "own-state-seen" }
  | { readonly event: "failed"; readonly refusal: Refusal };

/** Where every attempt starts, the first as well as the one after a crash. */
export function begin(remembered: Remembered): State {
  return { phase: "agreement", remembered };
}

/** What is to be done in a state; undefined when the attempt has ended. */
export function effectOf(state: State): Effect | undefined {
  switch (state.phase) {
    case "agreement":
      return { do: "read-agreement" };
    case "handshake":
      return { do: "handshake", protocolVersions: state.remembered.abilities.protocolVersions };
    case "identity":
      return { do: "read-domain-id" };
    case "parameters":
      return { do: "read-parameters" };
    case "remembering":
      return { do: "remember", domainId: state.domainId, parameters: state.parameters };
    case "activity":
      return { do: "verify-active", domainId: state.domainId };
    case "onboarding":
      return { do: "request-onboarding", domainId: state.domainId };
    case "activation":
      return { do: "await-activation", domainId: state.domainId };
    case "subscribing":
      return { do: "subscribe", domainId: state.domainId };
    case "catching-up":
      return { do: "await-own-state", domainId: state.domainId };
    case "active":
    case "refused":
      return undefined;
  }
}

/** The state after an event. An event that does not answer the state's effect is a defect of the caller and throws. */
export function decide(state: State, event: Event): State {
  if (state.phase === "active" || state.phase === "refused") return unexpected(state, event);
  if (event.event === "failed") return refuse(state, event.refusal);
  switch (state.phase) {
    case "agreement": {
      if (event.event !== "agreement-read") return unexpected(state, event);
      const { agreement } = event;
      const { acceptedAgreements } = state.remembered;
      if (agreement !== undefined && !acceptedAgreements.some((each) => sameAgreement(each, agreement))) {
        const changed = acceptedAgreements.length > 0;
        return refuse(state, { kind: "agreement-not-accepted", agreementId: agreement.id, changed });
      }
      return { phase: "handshake", remembered: state.remembered };
    }
    case "handshake": {
      if (event.event !== "handshake-answered") return unexpected(state, event);
      if (!event.accepted) {
        const offered = state.remembered.abilities.protocolVersions;
        return refuse(state, { kind: "incompatible-protocol-version", offered, reason: event.reason });
      }
      return { phase: "identity", remembered: state.remembered };
    }
    case "identity": {
      if (event.event !== "domain-id-read") return unexpected(state, event);
      const { domainId, otherAlias } = event;
      const expected = state.remembered.pinnedDomainId ?? state.remembered.domainId;
      if (expected !== undefined && expected !== domainId) {
        return refuse(state, { kind: "domain-id-mismatch", expected, observed: domainId });
      }
      if (state.remembered.domainId !== undefined && state.remembered.domainId !== domainId) {
        const stored = state.remembered.domainId;
        return refuse(state, { kind: "domain-id-mismatch", expected: stored, observed: domainId });
      }
      if (otherAlias !== undefined) return refuse(state, { kind: "domain-already-added", domainId, alias: otherAlias });
      return { phase: "parameters", remembered: state.remembered, domainId };
    }
    case "parameters": {
      if (event.event !== "parameters-read") return unexpected(state, event);
      const { parameters } = event;
      const { abilities } = state.remembered;
      if (!abilities.protocolVersions.includes(parameters.protocolVersion)) {
        return refuse(state, {
          kind: "incompatible-protocol-version",
          offered: abilities.protocolVersions,
          reason: `the domain runs protocol version ${parameters.protocolVersion}`,
        });
      }
      const missing = missingAbilities(abilities, parameters);
      if (missing !== undefined) return refuse(state, { kind: "incompatible-parameters", reason: missing });
      return { phase: "remembering", remembered: state.remembered, domainId: state.domainId, parameters };
    }
    case "remembering":
      if (event.event !== "remembered") return unexpected(state, event);
      return {
        phase: "activity",
        remembered: { ...state.remembered, domainId: state.domainId },
        domainId: state.domainId,
      };
    case "activity":
      if (event.event !== "activity-verified") return unexpected(state, event);
      return { ...state, phase: event.active ? "subscribing" : "onboarding" };
    case "onboarding":
      if (event.event !== "onboarding-answered") return unexpected(state, event);
      if (!event.accepted) return refuse(state, { kind: "not-active", reason: event.reason });
      return { ...state, phase: "activation" };
    case "activation":
      if (event.event !== "activated") return unexpected(state, event);
      return { ...state, phase: "subscribing" };
    case "subscribing":
      if (event.event !== "subscribed") return unexpected(state, event);
      return { ...state, phase: "catching-up" };
    case "catching-up":
      if (event.event !== "own-state-seen") return unexpected(state, event);
      return { ...state, phase: "active" };
  }
}

/** Whether trying the same again later may go well without anybody changing this participant. */
export function retryable(refusal: Refusal): boolean {
  switch (refusal.kind) {
    case "unreachable":
    case "activation-timeout":
    case "not-active":
    case "untrusted-sequencer":
    case "internal":
      return true;
    case "agreement-not-accepted":
    case "incompatible-protocol-version":
    case "domain-id-mismatch":
    case "domain-already-added":
    case "incompatible-parameters":
      return false;
  }
}

/** The domain requires at least one of each; a participant must have one that the domain takes. Names what is missing. */
function missingAbilities(abilities: Abilities, parameters: StaticParameters): string | undefined {
  const kinds = [
    ["signing key scheme", abilities.signingKeySchemes, parameters.signingKeySchemes],
    ["encryption key scheme", abilities.encryptionKeySchemes, parameters.encryptionKeySchemes],
    ["symmetric key scheme", abilities.symmetricKeySchemes, parameters.symmetricKeySchemes],
    ["hash algorithm", abilities.hashAlgorithms, parameters.hashAlgorithms],
    ["key format", abilities.keyFormats, parameters.keyFormats],
  ] as const;
  for (const [name, ours, theirs] of kinds) {
    if (!theirs.some((each) => ours.includes(each))) {
      return `no ${name} in common: the domain takes ${theirs.join(", ") || "none"}, this participant has ${ours.join(", ")}`;
    }
  }
  return undefined;
}

function refuse(state: { phase: Step }, refusal: Refusal): State {
  return { phase: "refused", at: state.phase, refusal };
}

function unexpected(state: State, event: Event): never {
  throw new Error(`onboarding in phase ${state.phase} cannot be told ${event.event}`);
}
