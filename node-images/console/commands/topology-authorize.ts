import { KeyPurpose } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import {
  ParticipantPermission,
  RequestSide,
  TrustLevel,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { decodeSignedTransaction, describeTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { transactionHash } from "@pulumi-canton/topology/transaction-steps.ts";
import { type Command, Option } from "commander";
import { type AuthorizationOptions, authorizationData, withAuthorizationOptions } from "../authorization.ts";
import type { ConsoleContext } from "../console-context.ts";
import { domainManagerOf, identifierOf, type Network, type NetworkNode, nodeNamed, participantId } from "../network.ts";
import { json, node as nodeOption } from "../options.ts";
import { print, printJson } from "../terminal.ts";

const sides = ["From", "To", "Both"] as const;
const permissions = ["Submission", "Confirmation", "Observation", "Disabled"] as const;

type Options = AuthorizationOptions & {
  node?: string;
  side: (typeof sides)[number];
  permission: (typeof permissions)[number];
  trustLevel: "Ordinary" | "Vip";
  purpose: "signing" | "encryption";
  root?: boolean;
  json: boolean;
};

/** Makes the call for one kind of mapping; gives the serialized signed transaction. */
type Authorize = (
  args: string[],
  options: Options,
  network: Network,
  node: NetworkNode,
) => Promise<{ serialized: Buffer }>;

/** `topology authorize` */
export function registerAuthorize(topology: Command, context: ConsoleContext): void {
  const group = topology
    .command("authorize")
    .description("signs a topology transaction with a node's keys and adds it to what the node has authorised");
  const url = (node: NetworkNode) => node.adminApi;
  const write = TopologyManagerWriteServiceClient;
  const side = () => new Option("--side <side>", "for whom the node signs").choices([...sides]).makeOptionMandatory();
  const permission = () =>
    new Option("--permission <permission>", "what the participant may do")
      .choices([...permissions])
      .default("Submission");

  const add = (
    name: string,
    description: string,
    args: readonly [string, string][],
    options: readonly Option[],
    authorize: Authorize,
    /** Where it is signed when no node is named. */
    where: "a node" | "the domain manager",
  ) => {
    const command = group.command(name).description(description);
    for (const [argument, meaning] of args) command.argument(argument, meaning);
    const theNode = nodeOption(where === "a node" ? "has to be named" : where);
    command.addOption(where === "a node" ? theNode.makeOptionMandatory() : theNode);
    for (const option of options) command.addOption(option);
    withAuthorizationOptions(command)
      .addOption(json())
      .action(async () => {
        const given = command.opts<Options>();
        const network = await context.network();
        const node = given.node === undefined ? domainManagerOf(network) : nodeNamed(network, given.node);
        // A repeatable argument comes as a list.
        const { serialized } = await authorize(command.processedArgs.flat() as string[], given, network, node);
        const signed = decodeSignedTransaction(serialized);
        const transaction = transactionHash(signed);
        if (given.json) {
          return printJson({
            transaction,
            operation: signed.transaction.operation,
            elementId: signed.transaction.elementId,
            signedBy: signed.key.id,
            statement: describeTransaction(signed.transaction),
          });
        }
        print(`${signed.transaction.operation} ${describeTransaction(signed.transaction)}`);
        print(`Signed by ${signed.key.id}. Follow it with: console trace ${transaction.slice(0, 16)}`);
      });
    return command;
  };

  add(
    "namespace-delegation",
    "lets a key sign for a whole namespace",
    [
      ["<namespace>", "fingerprint of the namespace's key, or a node whose namespace is meant"],
      ["<key>", "fingerprint of the key; a public key has to be known to the node (keys public import)"],
    ],
    [new Option("--root", "the key may also delegate further").default(false)],
    ([namespace = "", key = ""], options, network, node) =>
      context.api().call(url(node), write, "authorizeNamespaceDelegation", {
        authorization: authorizationData(options),
        namespace: identifierOf(network, namespace).split("::").at(-1) ?? "",
        fingerprintOfAuthorizedKey: key,
        isRootDelegation: options.root ?? false,
      }),
    "a node",
  );
  add(
    "identifier-delegation",
    "lets a key sign for one identifier",
    [
      ["<identifier>", "name::1220…, or a node"],
      ["<key>", "fingerprint of the key"],
    ],
    [],
    ([identifier = "", key = ""], options, network, node) =>
      context.api().call(url(node), write, "authorizeIdentifierDelegation", {
        authorization: authorizationData(options),
        identifier: withoutCode(identifierOf(network, identifier)),
        fingerprintOfAuthorizedKey: key,
      }),
    "a node",
  );
  add(
    "owner-to-key",
    "has a member work with a key",
    [
      ["<member>", "PAR::…, SEQ::…, MED::… or DOM::…, or a participant of this network"],
      ["<key>", "fingerprint of the key"],
    ],
    [new Option("--purpose <purpose>", "what the key is for").choices(["signing", "encryption"]).makeOptionMandatory()],
    ([member = "", key = ""], options, network, node) =>
      context.api().call(url(node), write, "authorizeOwnerToKeyMapping", {
        authorization: authorizationData(options),
        keyOwner: memberOf(network, member),
        fingerprintOfKey: key,
        keyPurpose: options.purpose === "signing" ? KeyPurpose.SigningKeyPurpose : KeyPurpose.EncryptionKeyPurpose,
      }),
    "a node",
  );
  add(
    "party-to-participant",
    "has a participant host a party",
    [
      ["<party>", "name::1220…, or a party of the stack"],
      ["<participant>", "PAR::…, or a participant of this network"],
    ],
    [side(), permission()],
    ([party = "", participant = ""], options, network, node) =>
      context.api().call(url(node), write, "authorizePartyToParticipant", {
        authorization: authorizationData(options),
        side: RequestSide[options.side],
        party: network.parties[party] ?? party,
        participant: participantId(network, participant),
        permission: ParticipantPermission[options.permission],
      }),
    "a node",
  );
  add(
    "participant-domain-state",
    "has a participant on the domain: From is the domain's side, To the participant's",
    [["<participant>", "PAR::…, or a participant of this network"]],
    [
      side(),
      permission(),
      new Option("--trust-level <level>", "how far it is trusted").choices(["Ordinary", "Vip"]).default("Ordinary"),
    ],
    ([participant = ""], options, network, node) =>
      context.api().call(url(node), write, "authorizeParticipantDomainState", {
        authorization: authorizationData(options),
        side: RequestSide[options.side],
        domain: network.domain.id,
        participant: participantId(network, participant),
        permission: ParticipantPermission[options.permission],
        trustLevel: TrustLevel[options.trustLevel],
      }),
    "the domain manager",
  );
  add(
    "mediator-domain-state",
    "has a mediator on the domain",
    [["<mediator>", "MED::…, or a mediator of this network"]],
    [side()],
    ([mediator = ""], options, network, node) =>
      context.api().call(url(node), write, "authorizeMediatorDomainState", {
        authorization: authorizationData(options),
        side: RequestSide[options.side],
        domain: network.domain.id,
        mediator: withoutCode(identifierOf(network, mediator)),
      }),
    "the domain manager",
  );
  add(
    "vetted-packages",
    "says that a participant is ready to work with packages",
    [
      ["<participant>", "PAR::…, or a participant of this network"],
      ["<packages...>", "package ids"],
    ],
    [],
    ([participant = "", ...packageIds], options, network, node) =>
      context.api().call(url(node), write, "authorizeVettedPackages", {
        authorization: authorizationData(options),
        participant: withoutCode(participantId(network, participant)),
        packageIds,
      }),
    "a node",
  );
  group
    .command("domain-parameters")
    .description("see `console domain parameters set`, which knows every parameter and its accepted values")
    .argument("[changes...]")
    .action(() => {
      throw new ConsoleError("Parameters are changed by their names.", "Use: console domain parameters set NAME=VALUE");
    });
}

function withoutCode(id: string): string {
  return id.replace(/^[A-Z]{3}::/, "");
}

function memberOf(network: Network, given: string): string {
  const id = identifierOf(network, given);
  if (/^(PAR|SEQ|MED|DOM)::/.test(id)) return id;
  throw new ConsoleError(
    `${given} is no member.`,
    "Give PAR::…, SEQ::…, MED::… or DOM::…, or a participant of this network.",
  );
}
