/** Pulumi's view of the dump of a node's identity. */
import { stepProvider } from "../dynamic/step-provider.ts";
import type { Endpoint } from "../platform/platform.ts";
import type { DumpedRole, DumpRecord } from "./identity-dump-file.ts";

/** What the resource takes. */
export interface IdentityDumpInputs {
  readonly node: Endpoint;
  readonly role: DumpedRole;
  readonly passphraseFile: string;
  readonly changesWith?: string;
}

/** What the resource gives out. */
export interface IdentityDumpOutputs extends DumpRecord {
  readonly content: string;
}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./identity-dump-steps.ts");

/** See `thinProvider`. */
export const provider = stepProvider<IdentityDumpInputs, IdentityDumpOutputs>({
  inputs: ["node", "role", "passphraseFile", "changesWith"],
  identity: [],
  id: ({ node }) => `dump of ${node.url}`,
  check: ({ passphraseFile }) =>
    passphraseFile === ""
      ? [{ property: "passphraseFile", reason: 'got ""; expected the path of a file that only its owner can read' }]
      : [],
  converge: async (inputs) => (await steps()).dumpIdentity(inputs),
  observe: async ({ node }, dumped) => {
    const [{ seenRecord }, { whyStale }] = await Promise.all([steps(), import("./identity-dump-file.ts")]);
    const drift = whyStale(dumped, await seenRecord(node));
    return { is: "present", ...(drift !== undefined && { drift }) };
  },
  // What was dumped is wherever it was put: that the stack ends does not make it useless.
  remove: async () => undefined,
});
