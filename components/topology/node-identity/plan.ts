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
}

/** What to do. */
export type IdentityStep =
  | { readonly do: "take"; readonly step: InitialisationStepName }
  /** It has another identifier, which never changes. */
  | { readonly do: "refuse" }
  /** Somebody else has to take the next step. */
  | { readonly do: "ask" };

/** Steps that take keys and addresses of other nodes of a domain. */
const ofOthers: readonly InitialisationStepName[] = [
  "sequencer-key-mapping",
  "mediator-key-mapping",
  "mediator-domain-state",
  "sequencer-connection",
];

/** Steps that a node can take whose root key is elsewhere. */
const withoutRootKey: readonly InitialisationStepName[] = ["signing-key", "encryption-key"];

/** The next step of an initialisation, in the order that the node itself insists on; undefined when nothing is left. */
export function planIdentity(
  { identifier, rootKey }: WantedIdentity,
  { has, next }: IdentityState,
): IdentityStep | undefined {
  if (has !== undefined && has !== identifier) return { do: "refuse" };
  if (next === undefined) return undefined;
  if (ofOthers.includes(next) || (rootKey === "elsewhere" && !withoutRootKey.includes(next))) return { do: "ask" };
  return { do: "take", step: next };
}
