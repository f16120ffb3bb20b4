import { newUnauthenticatedMember } from "@pulumi-canton/protocol/identity/member.ts";
import { UnauthenticatedAccess } from "./sequencer-access.ts";
import { type ConnectionOptions, SequencerCalls } from "./sequencer-calls.ts";

/**
 * Client for onboarding, under a name `UNM::…` of its own: what it sends may go only to the domain manager, and only the
 * domain manager can send to it.
 *
 * It knows no key of the sequencers yet. What it is told decides nothing by itself: a participant is active when the
 * topology of the domain says so.
 */
export class UnauthenticatedSequencerClient extends SequencerCalls<UnauthenticatedAccess> {
  /** @throws CantonError or ConfigError when a URL or TLS file cannot be used. Nothing is sent yet. */
  constructor(options: ConnectionOptions & { member?: string }) {
    const { member = newUnauthenticatedMember(), domainId } = options;
    super(options, new UnauthenticatedAccess(member, domainId), { trust: undefined, refusalGraceMs: 0 });
  }
}
