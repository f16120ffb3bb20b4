/** A sequencer that knows its domain and serves its members. */
import type { Signature } from "@pulumi-canton/protocol/crypto/signature.ts";
import type { StaticDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import { sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import { type ServiceAgreement, versionOfAgreement } from "@pulumi-canton/protocol/service-agreement.ts";
import { untilAborted } from "@pulumi-canton/runtime/abort.ts";
import type { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import { Authenticator } from "./api/authenticator.ts";
import { Subscriptions } from "./api/subscriptions.ts";
import type { Backend } from "./backend/open-backend.ts";
import type { SequencerConfig } from "./config.ts";
import type { DomainTopology } from "./domain/domain-topology.ts";
import type { Initialization } from "./domain/initialization.ts";

/** How often what has expired is forgotten, in milliseconds. */
const sweepIntervalMs = 30_000;

/** Everything that the public API works with. */
export interface ServingSequencer {
  readonly domainId: string;
  /** `SEQ::…` */
  readonly sequencerId: string;
  readonly staticParameters: StaticDomainParameters;
  /** The terms of service that participants have to accept, if there are any. */
  readonly terms: ServiceAgreement | undefined;
  readonly topology: DomainTopology;
  readonly backend: Backend;
  readonly authenticator: Authenticator;
  readonly subscriptions: Subscriptions;
  /** Signs an event with the newest key of this sequencer that the domain knew before it. */
  signEvent(content: Buffer, timestamp: bigint): Promise<Signature>;
  /** Takes one of the mailboxes that may be made this minute for members that have not joined; false when there is none left. */
  mayOnboard(): boolean;
  stop(): void;
}

/** Starts to follow the topology and to serve. The topology has to be bootstrapped. */
export async function startServing(options: {
  config: Pick<SequencerConfig, "authentication" | "onboardingsPerMinute">;
  initialization: Initialization;
  staticParameters: StaticDomainParameters;
  terms: ServiceAgreement | undefined;
  topology: DomainTopology;
  backend: Backend;
  keys: KeyStore;
  /** Ends the waiting for the topology to be read up to its end. */
  signal: AbortSignal;
}): Promise<ServingSequencer> {
  const { config, initialization, staticParameters, terms, topology, backend, keys, signal } = options;
  const { domainId, signingKey } = initialization;
  const sequencerId = sequencerMember(domainId);
  const authenticator = new Authenticator({
    membership: topology,
    isDisabled: (member) => backend.members.isDisabled(member),
    nonceLifetimeMs: config.authentication.nonceLifetime,
    tokenLifetimeMs: config.authentication.tokenLifetime,
    terms: terms && versionOfAgreement(terms),
  });
  const subscriptions = new Subscriptions();
  const recheck = () => {
    authenticator.sweep();
    subscriptions.recheck((session) => authenticator.check(session));
  };
  topology.onChange(recheck);
  backend.onMembersChanged = recheck;

  const own = (await backend.members.register([sequencerId])).get(sequencerId) as number;
  // Nobody is told who is a member by a topology that is known to be old.
  const caughtUp = backend.reader.lead({
    member: own,
    nextCounter: topology.nextCounter,
    apply: (events) => topology.apply(events),
  });
  await untilAborted(caughtUp, signal);

  // Looked up once a change of the topology, not once an event.
  let ownKeys: Promise<string[]> | undefined;
  topology.onChange(() => {
    ownKeys = undefined;
  });
  /** Before the domain knows any key of this sequencer, it is the one that it told the domain manager. */
  const eventKey = async (timestamp: bigint): Promise<string> => {
    ownKeys ??= keys.newestSigningKeys(topology.signingKeys(sequencerId).map(({ id }) => id));
    const newestFirst = await ownKeys.catch((error: unknown) => {
      ownKeys = undefined;
      throw error;
    });
    // Who reads along knows the keys that were in force before the event; who is behind learns of newer ones further on.
    return newestFirst.find((key) => topology.wasInForce(key, timestamp)) ?? newestFirst[0] ?? signingKey;
  };

  let onboardings = config.onboardingsPerMinute;
  const refill = setInterval(() => {
    onboardings = config.onboardingsPerMinute;
  }, 60_000).unref();
  const sweep = setInterval(() => authenticator.sweep(), sweepIntervalMs).unref();
  return {
    domainId,
    sequencerId,
    staticParameters,
    terms,
    topology,
    backend,
    authenticator,
    subscriptions,
    signEvent: async (content, timestamp) => keys.sign(await eventKey(timestamp), "sequenced-event", content),
    mayOnboard: () => onboardings > 0 && onboardings-- > 0,
    stop: () => {
      clearInterval(refill);
      clearInterval(sweep);
    },
  };
}
