/** The facts and the steps of bootstrap, over the node's database and the peers' admin APIs. */
import { readFileSync } from "node:fs";
import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import {
  type DynamicDomainParameters,
  defaultDynamicDomainParameters,
  defaultStaticDomainParameters,
} from "@pulumi-canton/protocol/domain-parameters.ts";
import type { SequencerConnection } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connection.ts";
import { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import type { Fingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import { domainManagerMember, mediatorMember, sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import {
  namespaceOf,
  type UniqueIdentifier,
  uniqueIdentifier,
} from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { encodeMessage } from "@pulumi-canton/protocol/protocol-error.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { identifierFrom } from "@pulumi-canton/topology/auto-initialisation.ts";
import type { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import type { NodeIdentity } from "@pulumi-canton/topology/node-identity.ts";
import type { StoredTransaction } from "@pulumi-canton/topology/stored-transaction.ts";
import type { TopologyManager } from "@pulumi-canton/topology/topology-manager.ts";
import type { TopologyStore } from "@pulumi-canton/topology/topology-store.ts";
import type { TopologyStores } from "@pulumi-canton/topology/topology-stores.ts";
import type { DomainManagerConfig } from "../config.ts";
import { snapshotOf } from "../dispatch/authorized-log.ts";
import type { PeerStore } from "./peer-store.ts";
import { bootstrapSequencer, type DomainDescription, initialiseMediator, initialiseSequencer } from "./peers.ts";
import type { BootstrapFacts, BootstrapStep, PeerFacts } from "./plan.ts";

/** What the steps work with. */
export interface StepsOptions {
  readonly config: DomainManagerConfig;
  readonly identity: NodeIdentity;
  readonly keys: KeyStore;
  readonly stores: TopologyStores;
  readonly manager: TopologyManager;
  readonly peers: PeerStore;
  /** Takes the common start into the own view of the domain; may be called again. */
  readonly importSnapshot: (domainId: UniqueIdentifier, snapshot: TopologyTransactions) => Promise<void>;
}

/** Observes and takes the steps of bootstrap. */
export class BootstrapSteps {
  readonly #options: StepsOptions;
  /** Public keys that peers answered with in this life of the process, by kind and name. */
  readonly #confirmed = new Map<string, Awaited<ReturnType<typeof initialiseSequencer>>>();
  /** Keys that are known to have been given to a member, by store and owner. */
  readonly #given = new Set<string>();
  #imported = false;

  constructor(options: StepsOptions) {
    this.#options = options;
  }

  /** All that the plan depends on, read anew. */
  async observe(): Promise<BootstrapFacts> {
    const { config, identity, keys, stores, manager, peers } = this.#options;
    const domainId = await identity.get();
    if (domainId === undefined) return nothingYet;
    const { state } = manager;
    const managerKeys = state.keysOf(domainManagerMember(domainId)).signing.map(({ id }) => id);
    const authorised = (owner: string) => new Set(state.keysOf(owner).signing.map(({ id }) => id));
    const known = await peers.peers();
    const domainStore = await stores.open(domainId);
    const published = domainStore.state;
    const authorizedStore = await stores.authorized();
    const factsOf = (kind: "sequencer" | "mediator", owner: string, names: readonly string[]): Promise<PeerFacts[]> => {
      const authorisedKeys = authorised(owner);
      const publishedKeys = new Set(published.keysOf(owner).signing.map(({ id }) => id));
      const of = async (name: string): Promise<PeerFacts> => {
        const peer = known.find((each) => each.kind === kind && each.name === name);
        if (peer === undefined) {
          return { name, keyAuthorised: false, keyPublished: false, bootstrapped: false, confirmed: false };
        }
        return {
          name,
          key: peer.fingerprint,
          keyAuthorised:
            authorisedKeys.has(peer.fingerprint) || (await this.#hadKey(authorizedStore, owner, peer.fingerprint)),
          keyPublished:
            publishedKeys.has(peer.fingerprint) || (await this.#hadKey(domainStore, owner, peer.fingerprint)),
          bootstrapped: peer.bootstrapped,
          confirmed: this.#confirmed.has(`${kind} ${name}`),
        };
      };
      return Promise.all(names.map(of));
    };
    const namesOf = (list: readonly { name: string }[]) => list.map(({ name }) => name);
    return {
      identity: true,
      rootDelegation: state.mayActForNamespace(namespaceOf(domainId), namespaceOf(domainId), true),
      managerKey: (await keys.heldSigningKeys(managerKeys)).length > 0,
      domainParameters: state.domainParameters(domainId) !== undefined,
      mediatorState: state.mediators(domainId).includes(mediatorMember(domainId)),
      snapshotFixed: await this.#snapshotFixed(domainId),
      sequencers: await factsOf("sequencer", sequencerMember(domainId), namesOf(config.domain.sequencers)),
      mediators: await factsOf("mediator", mediatorMember(domainId), namesOf(config.domain.mediators)),
    };
  }

  /** Whether a member was given a key at any time. One that was revoked since, as by a rotation, is not to be given again. */
  async #hadKey(store: TopologyStore, owner: string, fingerprint: Fingerprint): Promise<boolean> {
    const name = `${store.id} ${owner} ${fingerprint}`;
    if (this.#given.has(name)) return true;
    const additions = await store.query({
      time: { kind: "range" },
      kinds: ["OwnerToKeyMapping"],
      operation: "Add",
    });
    const given = additions.some(({ signed: { transaction } }) => {
      const { mapping } = transaction;
      return mapping.kind === "OwnerToKeyMapping" && mapping.owner === owner && mapping.key.key.id === fingerprint;
    });
    if (given) this.#given.add(name);
    return given;
  }

  /** Takes one step. Taking it again changes nothing. */
  async take(step: BootstrapStep, signal: AbortSignal): Promise<void> {
    const { config, identity, keys, peers, stores } = this.#options;
    if (step.kind === "create-identity") {
      const namespaceKey = await this.#ownKey(`${config.name}-namespace`);
      const name = identifierFrom(config.init.identity.nodeIdentifier, config.name);
      return identity.set(uniqueIdentifier(name, namespaceKey.id));
    }
    const domainId = await identity.get();
    if (domainId === undefined) throw new Error(`${step.kind} before the node has an identity`);
    const domain: DomainDescription = { domainId, parameters: defaultStaticDomainParameters() };
    const ownKeyOf = (owner: string, key: Awaited<ReturnType<typeof initialiseSequencer>>): TopologyMapping => ({
      kind: "OwnerToKeyMapping",
      owner,
      key: { purpose: "signing", key },
    });
    switch (step.kind) {
      case "authorise-root-delegation": {
        const namespace = namespaceOf(domainId);
        const key = await keys.publicKey(namespace);
        if (key.purpose !== "signing") throw new Error(`the key of the namespace ${namespace} is not a signing key`);
        return this.#authorise({ kind: "NamespaceDelegation", namespace, targetKey: key.key, isRootDelegation: true });
      }
      case "authorise-manager-key": {
        const key = await this.#ownKey(`${config.name}-topology-manager-signing`);
        return this.#authorise(ownKeyOf(domainManagerMember(domainId), key));
      }
      case "authorise-domain-parameters": {
        const parameters = initialParameters(config);
        return this.#authorise({ kind: "DomainParametersChange", domain: domainId, parameters }, "Replace");
      }
      case "initialise-sequencer": {
        const key = await initialiseSequencer(peerOf(config.domain.sequencers, step.name).adminApi, domain, signal);
        await this.#makeKnown(key, `${step.name}-sequencer-signing`);
        await peers.answered("sequencer", step.name, key.id);
        this.#confirmed.set(`sequencer ${step.name}`, key);
        return;
      }
      case "authorise-sequencer-key":
        return this.#authorise(ownKeyOf(sequencerMember(domainId), this.#confirmedKey("sequencer", step.name)));
      case "fix-snapshot": {
        const entries = await snapshotOf(await stores.authorized(), domainId);
        const snapshot = encodeMessage(TopologyTransactions, snapshotToProto(entries));
        await peers.fixStart({ snapshot, connection: undefined }, entries.at(-1)?.position ?? 0n);
        return;
      }
      case "bootstrap-sequencer":
        await bootstrapSequencer(peerOf(config.domain.sequencers, step.name).adminApi, await this.#snapshot(), signal);
        return peers.bootstrapped(step.name);
      case "initialise-mediator": {
        const { adminApi } = peerOf(config.domain.mediators, step.name);
        const key = await initialiseMediator(adminApi, domain, await this.#snapshot(), connectionOf(config), signal);
        await this.#makeKnown(key, `${step.name}-mediator-signing`);
        await peers.answered("mediator", step.name, key.id);
        this.#confirmed.set(`mediator ${step.name}`, key);
        return;
      }
      case "authorise-mediator-key":
        return this.#authorise(ownKeyOf(mediatorMember(domainId), this.#confirmedKey("mediator", step.name)));
      case "authorise-mediator-state":
        return this.#authorise({
          kind: "MediatorDomainState",
          side: "Both",
          domain: domainId,
          mediator: mediatorMember(domainId),
        });
    }
  }

  async #snapshotFixed(domainId: UniqueIdentifier): Promise<boolean> {
    const start = await this.#options.peers.start();
    if (start === undefined) return false;
    if (!this.#imported) {
      await this.#options.importSnapshot(domainId, TopologyTransactions.decode(start.snapshot));
      this.#imported = true;
    }
    return true;
  }

  async #snapshot(): Promise<TopologyTransactions> {
    const start = await this.#options.peers.start();
    if (start === undefined) throw new Error("the members of the domain have no common start yet");
    return TopologyTransactions.decode(start.snapshot);
  }

  /** The key of this name that the node holds; made if there is none: after a crash it is found again. */
  async #ownKey(name: string) {
    const { keys } = this.#options;
    const held = await keys.list({ name, held: true, purposes: ["signing"] });
    const found = held.find((key) => key.name === name)?.publicKey;
    return found?.purpose === "signing" ? found.key : keys.generateSigningKey({ name });
  }

  /** By hand, the mapping of a peer's key may have to be signed elsewhere: then the operator finds the key here. */
  async #makeKnown(key: SigningPublicKey, name: string): Promise<void> {
    if (!this.#options.config.init.auto) await this.#options.keys.importPublicKey({ purpose: "signing", key }, name);
  }

  #confirmedKey(kind: "sequencer" | "mediator", name: string) {
    const key = this.#confirmed.get(`${kind} ${name}`);
    if (key === undefined) throw new Error(`the key of the ${kind} ${name} is not known`);
    return key;
  }

  async #authorise(mapping: TopologyMapping, operation: "Add" | "Replace" = "Add"): Promise<void> {
    try {
      await this.#options.manager.authorize(mapping, operation);
    } catch (error) {
      // Done before a crash, or by hand.
      if (!isCantonError(error) || error.reason !== "TOPOLOGY_MAPPING_ALREADY_EXISTS") throw error;
    }
  }
}

const nothingYet: BootstrapFacts = {
  identity: false,
  rootDelegation: false,
  managerKey: false,
  domainParameters: false,
  mediatorState: false,
  snapshotFixed: false,
  sequencers: [],
  mediators: [],
};

/** What a domain of this configuration starts with. */
export function initialParameters({
  domain: { initialParameters: given },
}: DomainManagerConfig): DynamicDomainParameters {
  const defaults = defaultDynamicDomainParameters();
  const micros = (ms: number | undefined, otherwise: bigint) => (ms === undefined ? otherwise : BigInt(ms) * 1000n);
  return {
    participantResponseTimeout: micros(given.participantResponseTimeout, defaults.participantResponseTimeout),
    mediatorReactionTimeout: micros(given.mediatorReactionTimeout, defaults.mediatorReactionTimeout),
    transferExclusivityTimeout: micros(given.transferExclusivityTimeout, defaults.transferExclusivityTimeout),
    topologyChangeDelay: micros(given.topologyChangeDelay, defaults.topologyChangeDelay),
    ledgerTimeRecordTimeTolerance: micros(given.ledgerTimeRecordTimeTolerance, defaults.ledgerTimeRecordTimeTolerance),
    reconciliationInterval: micros(given.reconciliationInterval, defaults.reconciliationInterval),
    mediatorDeduplicationTimeout: micros(given.mediatorDeduplicationTimeout, defaults.mediatorDeduplicationTimeout),
    maxRatePerParticipant: given.maxRatePerParticipant ?? defaults.maxRatePerParticipant,
    maxRequestSize: given.maxRequestSize ?? defaults.maxRequestSize,
  };
}

/** Transactions of a store as the published snapshot. */
export function snapshotToProto(entries: readonly StoredTransaction[]): TopologyTransactions {
  return {
    items: entries.map(({ sequenced, validFrom, validUntil, serialized }) => ({
      sequenced: timestampToProto(sequenced),
      validFrom: timestampToProto(validFrom),
      validUntil: validUntil === undefined ? undefined : timestampToProto(validUntil),
      transaction: serialized,
    })),
  };
}

/** The configured sequencers as the published connection. */
export function connectionOf({ domain: { sequencers } }: DomainManagerConfig): SequencerConnection {
  const urls = sequencers.map(({ publicApi }) => publicApi);
  const caFiles = [...new Set(sequencers.flatMap(({ publicApiCaFile }) => publicApiCaFile ?? []))];
  const customTrustCertificates =
    caFiles.length === 0
      ? undefined
      : Buffer.concat(caFiles.flatMap((file) => [readFileSync(file), Buffer.from("\n")]));
  return {
    type: {
      $case: "grpc",
      value: {
        connections: urls,
        transportSecurity: urls.some((url) => url.startsWith("https:")),
        customTrustCertificates,
      },
    },
    alias: "default",
  };
}

function peerOf<T extends { name: string }>(list: readonly T[], name: string): T {
  const found = list.find((peer) => peer.name === name);
  if (found === undefined) throw new Error(`${name} is not configured`);
  return found;
}
