import { isOneOf, must, policy } from "../policy.ts";

const nodeIdentity = "pulumi-nodejs:dynamic/topology:NodeIdentity";

/** Whoever holds the root key of a namespace is its owner for good: it cannot be taken back. So no node that runs has it. */
export const rootKeyOffNode = policy({
  name: "root-key-off-node",
  description: "In production the root key of a namespace is kept off the nodes that run.",
  severity: "critical",
  appliesIn: "production",
  rules: {
    [nodeIdentity]: [
      must(
        "rootKey",
        '"elsewhere": then the root key is made and kept off the node, see docs/keys.md',
        isOneOf("elsewhere"),
      ),
    ],
  },
  // A node that initialises itself makes its root key itself.
  stack: (resources) =>
    resources
      .filter(({ type }) => type === "pulumi-canton:participant:Participant" || type === "pulumi-canton:domain:Domain")
      .filter(({ urn }) => !resources.some(({ type, parent }) => type === nodeIdentity && parent === urn))
      .map(({ urn }) => ({
        urn,
        message: 'initialisation: got "auto", which makes the root key on the node; expected "detached"',
      })),
});
