/** How far a node is initialised, as the node itself sees it, and what it refuses until then. */
import { namespaceOf, type UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import {
  type InitialisationAction,
  type InitialisationProgress,
  type InitialisationState,
  type InitialisationStepName,
  type InitialisedRole,
  initialisationProgress,
  missingStep,
  waitingForInitialisation,
} from "@pulumi-canton/protocol/topology/initialisation-progress.ts";
import { type CantonError, failedPrecondition } from "@pulumi-canton/runtime/errors.ts";
import type { GrpcService } from "@pulumi-canton/runtime/grpc-server.ts";
import type { KeyStore } from "./key-store.ts";
import type { NodeIdentity } from "./node-identity.ts";
import type { NodeLabel } from "./topology-errors.ts";
import type { TopologyManager } from "./topology-manager.ts";

/** What {@link Initialisation} needs. */
export interface InitialisationOptions {
  role: InitialisedRole;
  identity: NodeIdentity;
  keys: KeyStore;
  manager: TopologyManager;
  /** Put into the metadata of errors. */
  node: NodeLabel;
  /** Domain manager only: see {@link InitialisationState}. */
  sequencers?: (() => Promise<NonNullable<InitialisationState["sequencers"]>>) | undefined;
  /** Told of every step that was taken, and of the state at first. */
  onProgress: (progress: InitialisationProgress) => void;
}

/**
 * Watches a node until it is initialised.
 *
 * Nothing is remembered here: the progress is read from what the steps left in the database, so it is the same after a crash.
 */
export class Initialisation {
  readonly #options: InitialisationOptions;
  #progress: InitialisationProgress | undefined;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(options: InitialisationOptions) {
    this.#options = options;
  }

  /** Everything was done; stays so for the life of the process. */
  get complete(): boolean {
    return this.#progress?.complete ?? false;
  }

  /** For people: what is waited for; undefined once {@link complete}. */
  get waiting(): string | undefined {
    return this.#progress === undefined ? "starting" : waitingForInitialisation(this.#progress);
  }

  /** Looks anew, unless everything was done already. Calls that come together look one after the other. */
  async refresh(): Promise<void> {
    this.#refreshing = this.#refreshing
      .catch(() => undefined)
      .then(async () => {
        if (this.complete) return;
        const progress = initialisationProgress(this.#options.role, await this.#state());
        const before = this.#progress?.next?.name;
        const first = this.#progress === undefined;
        this.#progress = progress;
        if (first || before !== progress.next?.name) this.#options.onProgress(progress);
      });
    return this.#refreshing;
  }

  /** Refuses what needs an initialised node. @throws CantonError NODE_IS_NOT_INITIALIZED with the next step */
  require(): void {
    const { waiting } = this;
    if (waiting !== undefined) throw notInitialised(waiting, this.#options.node);
  }

  /** Refuses InitId while a step before it is missing. @throws CantonError INITIALISATION_STEP_MISSING naming the step */
  async checkInitId(uid: UniqueIdentifier): Promise<void> {
    await this.check({ kind: "init-id", namespace: namespaceOf(uid) });
  }

  /** Refuses an action while a step before it is missing. @throws CantonError INITIALISATION_STEP_MISSING naming the step */
  async check(action: InitialisationAction): Promise<void> {
    if (this.complete) return;
    const { role, node } = this.#options;
    const missing = missingStep(role, await this.#state(), action);
    if (missing === undefined) return;
    throw failedPrecondition(
      "INITIALISATION_STEP_MISSING",
      `This step of the initialisation has to come first: ${missing.what}`,
      { metadata: { ...node, missing: missing.name } },
    );
  }

  /** What has to be done, of all steps but those left out: for people, in order. */
  async missing(leftOut: readonly InitialisationStepName[]): Promise<string[]> {
    const { steps } = initialisationProgress(this.#options.role, await this.#state());
    return steps.filter(({ name, done }) => !done && !leftOut.includes(name)).map(({ what }) => what);
  }

  /** The same service, which looks anew after every call: whoever made the call finds the node where it got to. */
  watch(service: GrpcService): GrpcService {
    return {
      methods: service.methods.map(({ shape, handle }) => ({
        shape,
        handle: async (request, call) => {
          const response = await (handle(request, call) as Promise<unknown>);
          // The call itself has succeeded; should looking fail, the next call looks again.
          if (!this.complete) await this.refresh().catch(() => undefined);
          return response;
        },
      })),
    };
  }

  async #state(): Promise<InitialisationState> {
    const { identity, keys, manager, sequencers } = this.#options;
    const known = await keys.list();
    return {
      uid: await identity.get(),
      keys: known.map(({ fingerprint, publicKey: { purpose }, held }) => ({ fingerprint, purpose, held })),
      topology: manager.state,
      ...(sequencers === undefined ? {} : { sequencers: await sequencers() }),
    };
  }
}

/** The operation needs an initialised node. @param waiting what is waited for, and what to do */
export function notInitialised(waiting: string, node: NodeLabel): CantonError {
  return failedPrecondition("NODE_IS_NOT_INITIALIZED", `The node is ${waiting}`, { metadata: { ...node } });
}
