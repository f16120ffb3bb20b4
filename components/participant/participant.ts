import {
  ComponentResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  type Input,
  interpolate,
  mergeOptions,
  type Output,
} from "@pulumi/pulumi";
import { type NodeOutput, nodeOutput } from "../platform/node-output.ts";
import { accessTo, type Endpoint, type Platform, type PlatformNode } from "../platform/platform.ts";
import { DomainConnection } from "../topology/domain-connection/domain-connection.ts";
import type { SequencerToDial } from "../topology/domain-connection/steps.ts";
import { type Initialisation, initialisedNode } from "../topology/node-identity/initialisation.ts";
import { NodeIdentity } from "../topology/node-identity/node-identity.ts";
import { Party } from "../topology/party/party.ts";
import { TermsOfService } from "../topology/terms-of-service/terms-of-service.ts";

/** Tokens that a Ledger API accepts. */
export type AcceptedTokens = Readonly<Record<string, unknown>> & {
  /** Authorities of the certificate of who publishes the signing keys. Default: those that every machine knows. */
  readonly caPem?: string | undefined;
};

/** Arguments of a `Participant`. */
export interface ParticipantArgs {
  /** Where it runs. */
  readonly platform: Platform;
  /** The identifier in its id. Example: `"alice"`. Default: the resource's name. */
  readonly identifier?: string;
  /** How it gets its identity. Default: `auto`. */
  readonly initialisation?: Initialisation;
  /**
   * Tokens that its Ledger API accepts, as its configuration has them (`ledgerApi.auth`), but with the authorities of an issuer's
   * certificate as PEM, `caPem`. Default: none, for a platform that serves this machine only.
   * Example: `[{ type: "jwks", url: "https://idp.example.com/jwks" }]`.
   */
  readonly auth?: readonly AcceptedTokens[];
}

/** A domain as a participant is told of it: a `Domain` of this stack, or what an invitation tells of another's. */
export interface DomainToJoin {
  /** Id of the domain. */
  readonly domainId: Input<string>;
  /** What the participant calls it. */
  readonly alias: Input<string>;
  /** What the participant dials. */
  readonly sequencers: Input<SequencerToDial[]>;
  /** The domain manager, where it is of this stack: what stands on the domain ends with it. */
  readonly manager?: PlatformNode;
  /** The nodes behind `sequencers`, where they are of this stack. */
  readonly sequencerNodes?: readonly PlatformNode[];
}

/** How a participant is connected to a domain. */
export interface ConnectArgs {
  /** What it is told to do when the domain refuses it, such as the lines of configuration that admit it. */
  readonly admission?: Input<string>;
}

/** Which of several domains: put after the names of what a participant has on a second domain. */
export interface OnDomainOptions extends CustomResourceOptions {
  /** Example: `"-second"`. Default: nothing. */
  readonly suffix?: string;
}

/**
 * A participant node with a database of its own. `connect` joins it to a domain, `party` has it host a party.
 *
 * Resources: 1 + 2, one more when it is initialised by hand, and one for every connection and party.
 */
export class Participant extends ComponentResource {
  /** Its member id, `PAR::identifier::fingerprint`. */
  declare readonly participantId: Output<string>;
  /** Its admin API. */
  declare readonly adminApi: Output<Endpoint>;
  /** Its Ledger API. */
  declare readonly ledgerApi: Output<Endpoint>;
  /** Its node by name, for a stack's outputs. */
  readonly nodes: Readonly<Record<string, Output<NodeOutput>>>;
  /** The node itself. */
  readonly node: PlatformNode;
  readonly #name: string;
  readonly #platform: Platform;
  /** What a node that does not initialise itself gets its identity from: all that is done with it comes after. */
  readonly #identity: NodeIdentity | undefined;

  constructor(name: string, args: ParticipantArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:participant:Participant", name, {}, options);
    this.#name = name;
    const { platform, identifier = name, initialisation = "auto", auth } = args;
    this.#platform = platform;
    const { init, waitFor, rootKey } = initialisedNode(initialisation, identifier);
    const parent = { parent: this };
    const { sources, texts } = authoritiesInFiles(auth ?? []);
    const storage = platform.database(name, { purpose: `${name}'s own` }, parent);
    this.node = platform.node(
      name,
      {
        role: "participant",
        config: { init, ...(auth && { ledgerApi: { auth: sources } }) },
        ...(Object.keys(texts).length > 0 && { texts }),
        databases: { storage },
        ports: ["adminApi", "ledgerApi", "health"],
        waitFor,
      },
      parent,
    );
    this.adminApi = accessTo(this.node, "adminApi");
    this.#identity =
      rootKey &&
      new NodeIdentity(
        `${name}-identity`,
        { node: this.adminApi, ...(identifier !== name && { nodeName: name }), identifier, rootKey },
        { ...parent, deletedWith: this.node.resource },
      );
    this.participantId = interpolate`PAR::${(this.#identity ?? this.node).uniqueIdentifier}`;
    this.ledgerApi = accessTo(this.node, "ledgerApi");
    this.nodes = { [name]: nodeOutput("participant", this.node, this.participantId) };
    this.registerOutputs({ participantId: this.participantId });
  }

  /**
   * Connects it to a domain under the domain's own alias. One resource, and what the platform makes to let it through.
   *
   * @param options `dependsOn` what admits it, on a permissioned domain
   */
  connect(domain: DomainToJoin, args: ConnectArgs = {}, options: OnDomainOptions = {}): DomainConnection {
    const { suffix = "", ...rest } = options;
    const { sequencerNodes: callees = [] } = domain;
    const opened =
      callees.length === 0
        ? []
        : (this.#platform.allow?.(
            `${this.#name}-to-sequencers${suffix}`,
            { caller: this.node, callees, ports: ["publicApi"] },
            { parent: this },
          ) ?? []);
    return new DomainConnection(
      `${this.#name}-connection${suffix}`,
      {
        participant: this.adminApi,
        participantId: this.participantId,
        domainAlias: domain.alias,
        sequencers: domain.sequencers,
        domainId: domain.domainId,
        ...args,
      },
      mergeOptions(this.#on(domain, rest), { dependsOn: [...opened] }),
    );
  }

  /**
   * Accepts the terms of service of a domain, as a person confirmed them by id and text. One resource.
   *
   * @param terms id, and SHA-256 of the text
   */
  accept(
    domain: DomainToJoin,
    terms: { readonly id: Input<string>; readonly sha256: Input<string> },
    options: OnDomainOptions = {},
  ): TermsOfService {
    const { suffix = "", ...rest } = options;
    return new TermsOfService(
      `${this.#name}-terms-of-service${suffix}`,
      {
        participant: this.adminApi,
        domainAlias: domain.alias,
        sequencers: domain.sequencers,
        domainId: domain.domainId,
        termsId: terms.id,
        sha256: terms.sha256,
      },
      this.#on(domain, rest),
    );
  }

  /**
   * Hosts a party, seen on the domain. One resource.
   *
   * @param party its name, which gets this participant's namespace. Example: `"Alice"`
   * @param domain all of them where the participant is on several: it takes its parties to each
   * @param options `dependsOn` the connection to the domain
   */
  party(party: string, domain: DomainToJoin | readonly DomainToJoin[], options: CustomResourceOptions = {}): Party {
    const domains = [domain].flat();
    const [first] = domains;
    if (first === undefined) throw new Error(`${party}: got no domain; expected one on which it is to be seen`);
    const [domainId, of] = domains.length === 1 ? [first.domainId, first] : [domains.map((each) => each.domainId), {}];
    return new Party(
      `${this.#name}-party-${party}`,
      { participant: this.adminApi, participantId: this.participantId, party, domainId },
      this.#on(of, options),
    );
  }

  #on({ manager }: Pick<DomainToJoin, "manager">, options: CustomResourceOptions): CustomResourceOptions {
    const dependsOn = this.#identity === undefined ? [] : [this.#identity];
    return mergeOptions({ parent: this, dependsOn, ...(manager && { deletedWith: manager.resource }) }, options);
  }
}

/** Has a node read authorities from files, which the platform brings to it. */
function authoritiesInFiles(auth: readonly AcceptedTokens[]) {
  const texts: Record<string, string> = {};
  const sources = auth.map(({ caPem, ...source }, index) => {
    if (caPem === undefined) return source;
    const caFile = `tokens-${index}.crt`;
    texts[caFile] = caPem;
    return { ...source, caFile };
  });
  return { sources, texts };
}
