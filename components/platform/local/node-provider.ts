/** Pulumi's view of a node of the local platform. */
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import type { Endpoint } from "../platform.ts";
import { localHome } from "./home.ts";
import type { NodeProcess } from "./node-process.ts";

/** What the resource takes. */
export interface NodeInputs extends NodeProcess {
  /** Absolute path of the home. */
  readonly home: string;
}

/** What the resource gives out. */
export interface NodeOutputs {
  /** Where its servers are, by port. */
  readonly endpoints: Record<string, Endpoint>;
  /** `identifier::fingerprint` of a node that initialises itself, empty for others. */
  readonly uniqueIdentifier: string;
}

/** Loaded for work only: an update that finds nothing to change does without. */
const nodes = () => import("./node-process.ts");

/** See `thinProvider`. */
export const provider = stepProvider<NodeInputs, NodeOutputs>({
  inputs: [
    "home",
    "name",
    "program",
    "revision",
    "config",
    "databases",
    "ports",
    "configuredPorts",
    "tls",
    "waitFor",
    "deadlineMs",
    "memoryMiB",
    "texts",
  ],
  identity: ["home", "name"],
  id: ({ name }) => name,
  converge: async (node) => {
    const { ensureNode, uniqueIdentifierOf, waitForNode } = await nodes();
    const home = localHome(node.home);
    const endpoints = await ensureNode(home, node);
    try {
      await waitForNode(home, node, endpoint(endpoints, "health"));
      const known = node.waitFor === "ready";
      const uniqueIdentifier = known ? await uniqueIdentifierOf(endpoint(endpoints, "adminApi"), 30_000) : "";
      return { endpoints, uniqueIdentifier };
    } catch (error) {
      // The process is supervised by now: the state must know of it.
      throw new Incomplete((error as Error).message);
    }
  },
  observe: async (node, { endpoints }) => {
    const health = endpoints?.["health"];
    if (health === undefined) return { is: "present", drift: "did not start" };
    const seen = await (await nodes()).observeNode(localHome(node.home), node, health);
    if (seen.status === "absent") return { is: "absent" };
    return seen.status === "running" ? { is: "present" } : { is: "present", drift: `is down: ${seen.why}` };
  },
  remove: async (node) => (await nodes()).removeNode(localHome(node.home), node),
});

function endpoint(endpoints: Record<string, Endpoint>, port: string): Endpoint {
  const found = endpoints[port];
  if (found === undefined) throw new Error(`a node needs a port ${port}`);
  return found;
}
