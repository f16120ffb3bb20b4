import type { NodeSpec } from "../../platform/platform.ts";
import type { WantedIdentity } from "./plan.ts";

/**
 * How a node gets its identity: `auto`, by itself; `manual`, by a `NodeIdentity` that takes each step; `detached`, the same with a
 * root key that is kept elsewhere.
 */
export type Initialisation = "auto" | "manual" | "detached";

/** What an initialisation asks of a node. */
export interface InitialisedNode {
  /** The section `init` of its configuration. */
  readonly init: Readonly<Record<string, unknown>>;
  /** When it counts as there. */
  readonly waitFor: NodeSpec["waitFor"];
  /** Where the root key is that its `NodeIdentity` is made with; absent for a node that has none. */
  readonly rootKey?: WantedIdentity["rootKey"];
}

/** What an initialisation asks of a node that is to have this identifier. Pure. */
export function initialisedNode(initialisation: Initialisation, identifier: string): InitialisedNode {
  if (initialisation === "auto") {
    return { init: { identity: { nodeIdentifier: { type: "explicit", name: identifier } } }, waitFor: "ready" };
  }
  // One that waits for its identity answers, but is not ready.
  return { init: { auto: false }, waitFor: "live", rootKey: initialisation === "detached" ? "elsewhere" : "node" };
}
