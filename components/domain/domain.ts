import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  type Input,
  interpolate,
  mergeOptions,
  type Output,
  output,
} from "@pulumi/pulumi";
import { Invitation } from "../invitation/invitation.ts";
import { type NodeOutput, nodeOutput } from "../platform/node-output.ts";
import { accessTo, type Endpoint, endpointOf, type Platform, type PlatformNode } from "../platform/platform.ts";
import { AllowListing } from "../topology/allow-listing/allow-listing.ts";
import type { SequencerToDial } from "../topology/domain-connection/steps.ts";
import { type Initialisation, initialisedNode } from "../topology/node-identity/initialisation.ts";
import { NodeIdentity } from "../topology/node-identity/node-identity.ts";
import type { Permission, TrustLevel } from "../topology/topology-names.ts";

/** Who may join a domain: those on the allow-list, or everybody. */
export type OnboardingPolicy = "permissioned" | "open";

/** Terms of service that a domain asks its participants to accept. */
export interface TermsOfServiceOfDomain {
  /** Names this version of the terms: 1 to 185 visible characters. Example: `"2026-01"`. */
  readonly id: string;
  /** Path of the file with the text: UTF-8, at most 1 MiB. */
  readonly textFile: string;
}

/** Arguments of a `Domain`. */
export interface DomainArgs {
  /** Where its nodes run. */
  readonly platform: Platform;
  /** Name of the domain: the identifier in its id, and what participants call it. Example: `"mydomain"`. */
  readonly alias: string;
  /** How many sequencers, all active over one shared backend; 1 to 9. Default: 2. */
  readonly sequencers?: number;
  /** Who may join. Default: `permissioned`. */
  readonly policy?: OnboardingPolicy;
  /**
   * How the domain manager gets the identity of the domain; it sets up sequencers and mediator once it has it. With `detached`
   * everything is signed by a key of the domain manager that the root key delegated the namespace to. Default: `auto`.
   */
  readonly initialisation?: Initialisation;
  /** Terms of service; a change of id or text has to be accepted again by every participant. Default: none. */
  readonly termsOfService?: TermsOfServiceOfDomain;
  /** Put before the names of its nodes, where a platform runs several domains. Example: `"eu-"`. Default: nothing. */
  readonly prefix?: string;
}

/** What an `AllowListing` of a domain takes. */
export interface AdmissionArgs {
  /** Id of the participant, with or without `PAR::`. */
  readonly participant: Input<string>;
  /** What it may do. Default: `Submission`. */
  readonly permission?: Permission;
  /** Default: `Ordinary`. */
  readonly trustLevel?: TrustLevel;
}

/**
 * A domain: a domain manager, sequencers over one shared backend, and a mediator, each with a database of its own. The domain
 * manager initialises the others, and is there once they are.
 *
 * Resources: 1 + a node and a database for domain manager, mediator and every sequencer, + a database for the shared backend;
 * on one machine 10 with two sequencers, elsewhere what the platform makes of each. One more when it is initialised by hand.
 */
export class Domain extends ComponentResource {
  /** Id of the domain, `alias::fingerprint`. */
  declare readonly domainId: Output<string>;
  /** What participants call it. */
  declare readonly alias: Output<string>;
  /** Who may join. */
  declare readonly policy: Output<OnboardingPolicy>;
  /** Its terms of service, by id and SHA-256 of their text. */
  readonly termsOfService: { readonly id: string; readonly sha256: string } | undefined;
  /** Admin API of the domain manager. */
  declare readonly adminApi: Output<Endpoint>;
  /** What participants dial. */
  declare readonly sequencers: Output<SequencerToDial[]>;
  /** Its nodes by name, for a stack's outputs. */
  readonly nodes: Readonly<Record<string, Output<NodeOutput>>>;
  /** The domain manager: what stands on this domain ends with it. */
  readonly manager: PlatformNode;
  /** The nodes behind `sequencers`: what participants call. */
  readonly sequencerNodes: readonly PlatformNode[];

  constructor(name: string, args: DomainArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:domain:Domain", name, {}, options);
    const { platform, alias, sequencers: count = 2, policy = "permissioned", prefix = "" } = args;
    const { init, waitFor, rootKey } = initialisedNode(args.initialisation ?? "auto", alias);
    if (!Number.isInteger(count) || count < 1 || count > 9) {
      throw new Error(`sequencers: got ${count}; a domain has 1 to 9 sequencers`);
    }
    const parent = { parent: this };
    const terms = args.termsOfService && readTerms(args.termsOfService);
    this.termsOfService = terms && { id: terms.id, sha256: terms.sha256 };

    const backend = platform.database(
      `${prefix}sequencer-backend`,
      { purpose: "what all sequencers share", server: "sequencer-backend" },
      parent,
    );
    const sequencers = Array.from({ length: count }, (_, index) => {
      const node = `${prefix}sequencer${index + 1}`;
      const storage = platform.database(node, { purpose: `${node}'s own` }, parent);
      return {
        name: node,
        node: platform.node(
          node,
          {
            role: "sequencer",
            config: terms === undefined ? {} : { termsOfService: { id: terms.id, textFile: terms.textFile } },
            ...(terms && { revision: terms.sha256.slice(0, 16), files: [terms.textFile] }),
            group: `${prefix}sequencers`,
            databases: { storage, backend },
            ports: ["adminApi", "publicApi", "health"],
            waitFor: "live",
          },
          parent,
        ),
      };
    });

    const mediatorName = `${prefix}mediator`;
    const mediator = platform.node(
      mediatorName,
      {
        role: "mediator",
        config: {},
        databases: { storage: platform.database(mediatorName, { purpose: `${mediatorName}'s own` }, parent) },
        ports: ["adminApi", "health"],
        waitFor: "live",
      },
      parent,
    );

    const managerName = `${prefix}domain-manager`;
    this.manager = platform.node(
      managerName,
      {
        role: "domain-manager",
        config: {
          init,
          domain: {
            onboarding: { policy },
            sequencers: all(
              sequencers.map(({ name: peer, node }) =>
                node.endpoints.apply((endpoints) => ({
                  name: peer,
                  adminApi: peerApi(endpoints["adminApi"]),
                  publicApi: endpoints["publicApi"]?.url,
                  ...(endpoints["publicApi"]?.tls && { publicApiCaFile: endpoints["publicApi"].tls.caFile }),
                })),
              ),
            ),
            mediators: [
              { name: mediatorName, adminApi: mediator.endpoints.apply((endpoints) => peerApi(endpoints["adminApi"])) },
            ],
          },
        },
        databases: { storage: platform.database(managerName, { purpose: `${managerName}'s own` }, parent) },
        ports: ["adminApi", "health"],
        waitFor,
        administers: true,
      },
      parent,
    );
    this.sequencerNodes = sequencers.map(({ node }) => node);
    const callees = this.sequencerNodes;
    platform.allow?.(
      `${managerName}-to-sequencers`,
      { caller: this.manager, callees, ports: ["adminApi", "publicApi"] },
      parent,
    );
    platform.allow?.(
      `${managerName}-to-mediator`,
      { caller: this.manager, callees: [mediator], ports: ["adminApi"] },
      parent,
    );
    platform.allow?.(`${mediatorName}-to-sequencers`, { caller: mediator, callees, ports: ["publicApi"] }, parent);

    this.alias = output(alias);
    this.policy = output(policy);
    this.adminApi = accessTo(this.manager, "adminApi");
    const identity =
      rootKey &&
      new NodeIdentity(
        `${managerName}-identity`,
        {
          node: this.adminApi,
          nodeName: managerName,
          role: "domain-manager",
          identifier: alias,
          rootKey,
          sequencers: "configured",
        },
        { ...parent, deletedWith: this.manager.resource },
      );
    this.domainId = (identity ?? this.manager).uniqueIdentifier;
    // Known only once the domain manager has initialised them: whoever dials them before would be refused.
    const publicApis = all(
      sequencers.map(({ name: sequencer, node }) =>
        // Participants dial what nodes dial; which authorities to trust is told to them by the program, from what it has.
        all([endpointOf(node, "publicApi"), accessTo(node, "publicApi")]).apply(([{ url }, { tls }]) => ({
          alias: sequencer,
          url,
          ...(tls?.caFile !== undefined && { caFile: tls.caFile }),
          ...(tls?.ca !== undefined && { ca: tls.ca }),
        })),
      ),
    );
    this.sequencers = all([publicApis, this.domainId]).apply(([known]) => known);
    this.nodes = {
      [managerName]: nodeOutput("domain-manager", this.manager, interpolate`DOM::${this.domainId}`),
      ...Object.fromEntries(
        sequencers.map(({ name: node, node: sequencer }) => [
          node,
          nodeOutput("sequencer", sequencer, interpolate`SEQ::${this.domainId}`),
        ]),
      ),
      [mediatorName]: nodeOutput("mediator", mediator, interpolate`MED::${this.domainId}`),
    };
    this.registerOutputs({
      domainId: this.domainId,
      alias: this.alias,
      policy: this.policy,
      sequencers: this.sequencers,
    });
  }

  /**
   * Invites other organisations: what this gives out is configuration for their stacks. One resource.
   *
   * @param name of the resource
   * @param args `sequencers` where others reach them, when that is not where this stack's participants do
   */
  invite(
    name: string,
    args: { readonly validDays?: number; readonly sequencers?: Input<SequencerToDial[]> } = {},
    options: CustomResourceOptions = {},
  ): Invitation {
    const { adminApi: domainManager, domainId, alias, sequencers, termsOfService } = this;
    return new Invitation(
      name,
      { domainManager, domainId, alias, sequencers, ...(termsOfService && { termsOfService }), ...args },
      mergeOptions({ parent: this, deletedWith: this.manager.resource }, options),
    );
  }

  /**
   * Puts a participant on the allow-list. One resource.
   *
   * @param name of the resource
   */
  admit(name: string, args: AdmissionArgs, options: CustomResourceOptions = {}): AllowListing {
    return new AllowListing(
      name,
      { domainManager: this.adminApi, domainId: this.domainId, ...args },
      // With the domain goes its allow-list: nothing is to be taken from a manager that is about to end.
      mergeOptions({ parent: this, deletedWith: this.manager.resource }, options),
    );
  }
}

function readTerms({ id, textFile }: TermsOfServiceOfDomain): TermsOfServiceOfDomain & { readonly sha256: string } {
  const file = resolve(textFile);
  if (!existsSync(file)) throw new Error(`termsOfService.textFile: there is no file ${file}`);
  return { id, textFile: file, sha256: createHash("sha256").update(readFileSync(file)).digest("hex") };
}

/** How the domain manager reaches a node's admin API: the keys of its configuration. */
function peerApi(endpoint: Endpoint | undefined): unknown {
  return endpoint && { address: endpoint.address, port: endpoint.port, ...(endpoint.tls && { tls: endpoint.tls }) };
}
