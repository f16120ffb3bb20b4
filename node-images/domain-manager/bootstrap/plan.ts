/**
 * What is left to do until the domain runs: pure, so that it can be tested against every crash.
 *
 * Facts are read anew before every plan, each step is idempotent, and a step is planned only when what it needs is
 * durable. A process that dies at any point therefore starts again from what it left behind.
 */

/** A sequencer or mediator of the configuration, as far as the domain manager knows it. */
export interface PeerFacts {
  /** Name in the configuration. */
  readonly name: string;
  /** Fingerprint of the signing key it answered with when it was initialised; absent: not initialised yet. */
  readonly key?: string;
  /** Its key's OwnerToKeyMapping is authorised, or was until it was revoked. */
  readonly keyAuthorised: boolean;
  /** Its key's OwnerToKeyMapping is part of the bootstrap snapshot, or came back through a sequencer. */
  readonly keyPublished: boolean;
  /** It has the bootstrap snapshot (only sequencers are given one separately). */
  readonly bootstrapped: boolean;
  /** It was asked by this process and answered: a peer that was wiped since the last start is found out and set up again. */
  readonly confirmed: boolean;
}

/** All that the plan depends on. */
export interface BootstrapFacts {
  /** The node has its unique identifier. */
  readonly identity: boolean;
  /** Root certificate of the domain's namespace is authorised. */
  readonly rootDelegation: boolean;
  /** A signing key of DOM:: that the node holds is authorised. */
  readonly managerKey: boolean;
  /** Dynamic domain parameters are authorised. */
  readonly domainParameters: boolean;
  /** MED:: is authorised as mediator of the domain. */
  readonly mediatorState: boolean;
  /** The transactions that every domain member starts from are fixed. */
  readonly snapshotFixed: boolean;
  readonly sequencers: readonly PeerFacts[];
  readonly mediators: readonly PeerFacts[];
}

/** One thing to do. Steps of one plan are independent of each other and may run at the same time. */
export type BootstrapStep =
  | { readonly kind: "create-identity" }
  | { readonly kind: "authorise-root-delegation" }
  | { readonly kind: "authorise-manager-key" }
  | { readonly kind: "authorise-domain-parameters" }
  | { readonly kind: "initialise-sequencer"; readonly name: string }
  | { readonly kind: "authorise-sequencer-key"; readonly name: string }
  | { readonly kind: "fix-snapshot" }
  | { readonly kind: "bootstrap-sequencer"; readonly name: string }
  | { readonly kind: "initialise-mediator"; readonly name: string }
  | { readonly kind: "authorise-mediator-key"; readonly name: string }
  | { readonly kind: "authorise-mediator-state" };

/** What one attempt in this process came to; kept in memory only. */
export type Attempts = ReadonlyMap<string, "failed">;

/** Identifies a step among those of a plan, for backoff and logs. */
export function stepKey(step: BootstrapStep): string {
  return "name" in step ? `${step.kind} ${step.name}` : step.kind;
}

/**
 * The steps that can be taken now; empty when all is done or the rest has to wait for something outside
 * (see {@link bootstrapWaitsFor}).
 *
 * @param facts what is durable
 * @param attempts the steps that failed at least once in this process. A sequencer that cannot be reached does not keep
 *   the domain from starting with the others: its key is distributed when it comes up.
 */
export function planBootstrap(facts: BootstrapFacts, attempts: Attempts = new Map()): BootstrapStep[] {
  if (!facts.identity) return [{ kind: "create-identity" }];
  // Everything else needs the root certificate to be authorised by.
  if (!facts.rootDelegation) return [{ kind: "authorise-root-delegation" }];

  const steps: BootstrapStep[] = [];
  if (!facts.managerKey) steps.push({ kind: "authorise-manager-key" });
  if (!facts.domainParameters) steps.push({ kind: "authorise-domain-parameters" });
  if (steps.length > 0) return steps;

  for (const { name, key, keyAuthorised, confirmed } of facts.sequencers) {
    if (key === undefined || !confirmed) steps.push({ kind: "initialise-sequencer", name });
    else if (!keyAuthorised) steps.push({ kind: "authorise-sequencer-key", name });
  }

  if (!facts.snapshotFixed) {
    const ready = facts.sequencers.some((sequencer) => sequencer.keyAuthorised);
    const others = steps.every((step) => step.kind === "initialise-sequencer" && attempts.has(stepKey(step)));
    if (ready && others) steps.push({ kind: "fix-snapshot" });
    return steps;
  }

  const canPublish = facts.sequencers.some((sequencer) => sequencer.keyPublished);
  for (const { name, keyAuthorised, keyPublished, confirmed, bootstrapped } of facts.sequencers) {
    // A sequencer signs what it delivers: its key has to be known to the members before it serves them. When there is
    // no sequencer that could make it known (all lost their databases), it has to be the first to serve.
    if (confirmed && !bootstrapped && (keyPublished || (keyAuthorised && !canPublish))) {
      steps.push({ kind: "bootstrap-sequencer", name });
    }
  }

  if (facts.sequencers.length > 0 && !facts.sequencers.some((sequencer) => sequencer.bootstrapped)) return steps;
  for (const { name, key, keyAuthorised, confirmed } of facts.mediators) {
    if (key === undefined || !confirmed) steps.push({ kind: "initialise-mediator", name });
    else if (!keyAuthorised) steps.push({ kind: "authorise-mediator-key", name });
  }
  if (!facts.mediatorState && facts.mediators.some((mediator) => mediator.keyAuthorised)) {
    steps.push({ kind: "authorise-mediator-state" });
  }
  return steps;
}

/**
 * Whether the domain manager may talk to the sequencers: the members have a common start and at least one sequencer has
 * it. Also true without configured sequencers (they were then initialised by hand).
 */
export function domainIsRunning(facts: BootstrapFacts): boolean {
  return (
    facts.snapshotFixed &&
    (facts.sequencers.length === 0 || facts.sequencers.some((sequencer) => sequencer.bootstrapped))
  );
}

/** Names of the sequencers whose key was not seen to come back yet: the reason why an empty plan is not the end. */
export function bootstrapWaitsFor(facts: BootstrapFacts): string[] {
  return facts.sequencers
    .filter((sequencer) => sequencer.keyAuthorised && !sequencer.keyPublished)
    .map((sequencer) => sequencer.name);
}
