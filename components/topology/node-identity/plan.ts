import type { InitialisationStepName } from "@pulumi-canton/protocol/topology/initialisation-progress.ts";

/** What the node is to be. */
export interface WantedIdentity {
  readonly identifier: string;
  /** `node`: it makes its root key itself; `elsewhere`: what the root key signs is carried to it by a person. */
  readonly rootKey: "node" | "elsewhere";
}

/** How far the node is. */
export interface IdentityState {
  /** The identifier that it has. */
  readonly has: string | undefined;
  /** The first step that is not done; undefined: all are. */
  readonly next: InitialisationStepName | undefined;
  /** The private half of the root key is on it. */
  readonly holdsRootKey: boolean;
}

/** What to do. */
export type IdentityStep =
  | { readonly do: "take"; readonly step: InitialisationStepName }
  /** It has another identifier, which never changes. */
  | { readonly do: "refuse" }
  /** Its root key is to be elsewhere, and is on the node: a person has to take it away. */
  | { readonly do: "take-away" }
  /** Somebody else has to take the next step. */
  | { readonly do: "ask" };

/** Steps that take keys and addresses of other nodes of a domain. */
const ofOthers: readonly InitialisationStepName[] = [
  "sequencer-key-mapping",
  "mediator-key-mapping",
  "mediator-domain-state",
  "sequencer-connection",
];

/** Steps that a node can take whose root key is elsewhere: it makes keys, and signs parameters with the one delegated to. */
const withoutRootKey: readonly InitialisationStepName[] = ["signing-key", "encryption-key", "domain-parameters"];

/** The next step of an initialisation, in the order that the node itself insists on; undefined when nothing is left. */
export function planIdentity(
  { identifier, rootKey }: WantedIdentity,
  { has, next, holdsRootKey }: IdentityState,
): IdentityStep | undefined {
  if (has !== undefined && has !== identifier) return { do: "refuse" };
  if (rootKey === "elsewhere" && holdsRootKey) return { do: "take-away" };
  if (next === undefined) return undefined;
  if (ofOthers.includes(next) || (rootKey === "elsewhere" && !withoutRootKey.includes(next))) return { do: "ask" };
  return { do: "take", step: next };
}

/** What a person has to do so that the root key signs what the node waits for. Pure. */
export function signingCommands(node: string, identifier: string): string {
  const file = identifier.replaceAll(" ", "-");
  return [
    "Its root key is elsewhere (docs/initialisation.md). Have it sign, then run the update again:",
    `  console identity request ${node} --identifier ${quoted(identifier)} --out ${file}.yaml`,
    `  console identity sign ${file}.yaml --key ROOT-KEY-FILE --out ${file}.topology`,
    `  console identity import ${node} ${file}.topology`,
    "The second is for the machine with the root key; console identity create-key ROOT-KEY-FILE makes one there.",
  ].join("\n");
}

function quoted(text: string): string {
  return text.includes(" ") ? `"${text}"` : text;
}
