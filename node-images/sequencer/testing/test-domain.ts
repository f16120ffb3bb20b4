/** A domain for tests: its manager's keys, its sequencers, and members that join it. */
import { generateSigningKeyPair, type SigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { sign } from "@pulumi-canton/protocol/crypto/signature.ts";
import { defaultStaticDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import { signDomainTopologyMessage } from "@pulumi-canton/protocol/envelope/domain-topology-message.ts";
import { encodeEnvelopeContent } from "@pulumi-canton/protocol/envelope/envelope-content.ts";
import {
  SequencerInitializationServiceClient,
  TopologyBootstrapServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/sequencer_initialization_service.ts";
import type { TopologyTransactions } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology_ext.ts";
import {
  domainManagerMember,
  type MemberId,
  memberUid,
  participantMember,
  sequencerMember,
} from "@pulumi-canton/protocol/identity/member.ts";
import { uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import {
  addition,
  encodeSignedTransaction,
  removal,
  type SignedTopologyTransaction,
  signTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { Health } from "@pulumi-canton/runtime/health.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { createMetrics } from "@pulumi-canton/runtime/metrics.ts";
import type { TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import type { MemberSigner } from "@pulumi-canton/sequencer-client/member-signer.ts";
import { SequencerClient, type SequencerClientOptions } from "@pulumi-canton/sequencer-client/sequencer-client.ts";
import { SequencerConnect } from "@pulumi-canton/sequencer-client/sequencer-connect.ts";
import type { BackendTuning } from "../backend/open-backend.ts";
import type { SequencerConfig } from "../config.ts";
import { startSequencer } from "../sequencer-node.ts";

/** Where a sequencer is. */
export interface SequencerAddress {
  adminPort: number;
  publicPort: number;
}

/** A sequencer in the process of the test. */
export interface TestSequencer extends SequencerAddress {
  config: SequencerConfig;
  close(): Promise<void>;
}

/** The configuration of a sequencer on free ports. */
export function sequencerConfig(
  name: string,
  storage: TestDatabase["storage"],
  backend: TestDatabase["storage"],
  authentication = { nonceLifetime: 60_000, tokenLifetime: 3_600_000 },
): SequencerConfig {
  const server = { address: "127.0.0.1", port: 0 };
  return {
    name,
    adminApi: server,
    publicApi: server,
    health: server,
    storage,
    backend,
    authentication,
    onboardingsPerMinute: 1_000,
    init: { auto: true, identity: { nodeIdentifier: { type: "config" } } },
    crypto: { keyEncryptionTimeout: 60_000 },
    logging: { level: "info" },
  };
}

/** Starts a sequencer in this process. */
export async function startTestSequencer(config: SequencerConfig, tuning: BackendTuning = {}): Promise<TestSequencer> {
  const health = new Health();
  health.markStarted();
  const running = await startSequencer(
    config,
    {
      logger: silentLogger,
      health,
      metrics: createMetrics({}, { processMetrics: false }),
      signal: new AbortController().signal,
    },
    tuning,
  );
  return { config, adminPort: running.adminPort, publicPort: running.publicPort, close: () => running.close() };
}

/** A member's signer over one key pair. */
export function signerOf(pair: SigningKeyPair): MemberSigner {
  return { sign: async (purpose, content) => sign(pair, purpose, content) };
}

/** A participant with its key. */
export interface TestMember {
  member: MemberId;
  pair: SigningKeyPair;
}

/** A domain whose manager is played by the test. */
export class TestDomain {
  readonly namespace = generateSigningKeyPair();
  readonly managerKey = generateSigningKeyPair();
  readonly domainId: string;
  readonly manager: TestMember;
  #snapshot: TopologyTransactions | undefined;
  #addresses: SequencerAddress[] = [];
  #managerClient: SequencerClient | undefined;
  readonly #clients: SequencerClient[] = [];
  /** The domain's side of each participant. */
  readonly #admissions = new Map<MemberId, SignedTopologyTransaction>();

  constructor(name = "da") {
    this.domainId = uniqueIdentifier(name, this.namespace.publicKey.id);
    this.manager = { member: domainManagerMember(this.domainId), pair: this.managerKey };
  }

  /** `SEQ::…` */
  get sequencer(): MemberId {
    return sequencerMember(this.domainId);
  }

  /** Signs a mapping for the domain. */
  authorise(mapping: TopologyMapping): SignedTopologyTransaction {
    return signTransaction(addition(mapping), this.namespace);
  }

  /** `SequencerInitializationService.InitV1`. */
  async init(address: SequencerAddress): Promise<SigningPublicKey> {
    const client = connect(SequencerInitializationServiceClient, { address: "127.0.0.1", port: address.adminPort });
    try {
      const { publicKey } = await call(
        client,
        "initV1",
        {
          domainId: this.domainId,
          domainParameters: defaultStaticDomainParameters(),
          topologySnapshot: { items: [] },
          snapshot: undefined,
        },
        { deadlineMs: 10_000 },
      );
      return publicKey as SigningPublicKey;
    } finally {
      client.close();
    }
  }

  /** `TopologyBootstrapService.Bootstrap` with the domain's start, or another. */
  async bootstrap(address: SequencerAddress, snapshot = this.#snapshot): Promise<void> {
    const client = connect(TopologyBootstrapServiceClient, { address: "127.0.0.1", port: address.adminPort });
    try {
      await call(client, "bootstrap", { initialTopologySnapshot: snapshot }, { deadlineMs: 10_000 });
    } finally {
      client.close();
    }
  }

  /** Initialises sequencers, fixes the start of the domain with their keys, and gives it to them. */
  async start(addresses: readonly SequencerAddress[]): Promise<void> {
    const keys: SigningPublicKey[] = [];
    for (const address of addresses) keys.push(await this.init(address));
    const owners: [MemberId, SigningPublicKey][] = [
      [this.manager.member, this.managerKey.publicKey],
      ...keys.map((key): [MemberId, SigningPublicKey] => [this.sequencer, key]),
    ];
    this.#snapshot = snapshotOf([
      this.authorise(rootOf(this.namespace)),
      ...owners.map(([owner, key]) =>
        this.authorise({ kind: "OwnerToKeyMapping", owner, key: { purpose: "signing", key } }),
      ),
    ]);
    for (const address of addresses) await this.bootstrap(address);
    this.reachAt(addresses);
  }

  /** Where clients made from now on find the sequencers. */
  reachAt(addresses: readonly SequencerAddress[]): void {
    this.#addresses = [...addresses];
  }

  /** The URLs of the sequencers. */
  get connections(): { url: string }[] {
    return this.#addresses.map(({ publicPort }) => ({ url: `http://127.0.0.1:${publicPort}` }));
  }

  /** A client for a member; closed with the domain. */
  client({ member, pair }: TestMember, options: Partial<SequencerClientOptions> = {}): SequencerClient {
    const client = new SequencerClient({
      connections: this.connections,
      domainId: this.domainId,
      member,
      signer: signerOf(pair),
      logger: silentLogger,
      maxBackoffMs: 200,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** Tells members of topology transactions. Resolves with the sequencing time. */
  async broadcast(
    transactions: readonly SignedTopologyTransaction[],
    recipients: readonly MemberId[] = [this.sequencer, this.manager.member],
  ): Promise<bigint> {
    this.#managerClient ??= this.client(this.manager);
    const message = await signDomainTopologyMessage(
      {
        domainId: this.domainId,
        notSequencedAfter: BigInt(Date.now() + 60_000) * 1000n,
        transactions: [...transactions],
      },
      (content) => sign(this.managerKey, "domain-topology-message", content),
    );
    const content = encodeEnvelopeContent({ kind: "domain-topology-message", message });
    return await this.#managerClient.send({ envelopes: [{ content, recipients }] });
  }

  /** A participant that is active on the domain. */
  async join(name: string): Promise<TestMember> {
    const participant = newParticipant(name);
    const { member, pair } = participant;
    const state = {
      kind: "ParticipantState" as const,
      domain: this.domainId,
      participant: member,
      permission: "Submission" as const,
      trustLevel: "Ordinary" as const,
    };
    const admission = this.authorise({ ...state, side: "From" });
    this.#admissions.set(member, admission);
    const own = (mapping: TopologyMapping) => signTransaction(addition(mapping), pair);
    await this.broadcast(
      [
        own(rootOf(pair)),
        own({ kind: "OwnerToKeyMapping", owner: member, key: { purpose: "signing", key: pair.publicKey } }),
        admission,
        own({ ...state, side: "To" }),
      ],
      [this.sequencer, this.manager.member, member],
    );
    for (const connection of this.connections) await untilActive(connection, member);
    return participant;
  }

  /** Takes a participant's admission back. Resolves with the sequencing time. */
  async expel({ member }: TestMember): Promise<bigint> {
    const admission = this.#admissions.get(member) as SignedTopologyTransaction;
    return await this.broadcast([signTransaction(removal(admission.transaction), this.namespace)]);
  }

  /** Closes all clients. */
  close(): void {
    for (const client of this.#clients) client.close();
  }
}

/** Asks a sequencer until it knows a member as active. */
async function untilActive(connection: { url: string }, member: MemberId): Promise<void> {
  const sequencer = new SequencerConnect(connection);
  try {
    while (!(await sequencer.verifyActive(member)));
  } finally {
    sequencer.close();
  }
}

/** A participant that nobody knows yet. */
export function newParticipant(name: string): TestMember {
  const pair = generateSigningKeyPair();
  return { member: participantMember(uniqueIdentifier(name, pair.publicKey.id)), pair };
}

/** Transactions as the published snapshot. */
export function snapshotOf(transactions: readonly SignedTopologyTransaction[]): TopologyTransactions {
  const start = BigInt(Date.now()) * 1000n;
  return {
    items: transactions.map((signed, index) => {
      const at = timestampToProto(start + BigInt(index));
      return { sequenced: at, validFrom: at, validUntil: undefined, transaction: encodeSignedTransaction(signed) };
    }),
  };
}

function rootOf({ publicKey }: SigningKeyPair): TopologyMapping {
  return { kind: "NamespaceDelegation", namespace: publicKey.id, targetKey: publicKey, isRootDelegation: true };
}

/** The unique identifier of a member. */
export const uidOf = ({ member }: TestMember): string => memberUid(member);
