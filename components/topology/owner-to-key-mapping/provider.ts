/** Pulumi's view of a key that a member uses. */
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import type { WantedKey } from "./plan.ts";
import type { KeyTarget } from "./steps.ts";

/** What the resource takes. */
export interface OwnerToKeyMappingInputs extends KeyTarget {
  /** A change of it rotates the key. */
  readonly keyVersion: string;
}

/** What the resource gives out. */
export interface OwnerToKeyMappingOutputs {
  /** Fingerprint of the key in use. */
  readonly fingerprint: string;
  /** The version that it stands for: that of the last update that went well. */
  readonly fingerprintOfVersion: string;
}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./steps.ts");

/** See `thinProvider`. */
export const provider = stepProvider<OwnerToKeyMappingInputs, OwnerToKeyMappingOutputs>({
  inputs: ["node", "keyNode", "owner", "purpose", "keyVersion", "domainId", "force"],
  identity: ["owner", "purpose"],
  id: ({ owner, purpose }) => `${owner}/${purpose}`,
  check: ({ owner }) =>
    owner === undefined || /^(PAR|DOM|SEQ|MED)::[^:]+::[^:]+$/.test(owner)
      ? []
      : [{ property: "owner", reason: `got "${owner}"; expected a member such as PAR::alice::1220…` }],
  converge: async (inputs, known) => {
    const { convergeKey, messageOf } = await steps();
    try {
      const fingerprint = await convergeKey(inputs, wantedKey(inputs, known));
      return { fingerprint, fingerprintOfVersion: inputs.keyVersion };
    } catch (error) {
      throw new Incomplete(
        `the ${inputs.purpose} key of ${inputs.owner} is not in place: ${messageOf(error as Error)}; run the update again`,
      );
    }
  },
  observe: async (inputs, { fingerprint }) => {
    const state = await (await steps()).observeKey(inputs);
    if (state.authorized.length === 0) return { is: "absent" };
    const drift = !state.authorized.includes(fingerprint)
      ? `uses another key: ${state.authorized.join(", ")}`
      : state.authorized.length > 1
        ? `uses further keys: ${state.authorized.filter((key) => key !== fingerprint).join(", ")}`
        : state.effective?.includes(fingerprint) === false
          ? "is not in effect on the domain"
          : undefined;
    return { is: "present", ...(drift !== undefined && { drift }) };
  },
  remove: async (inputs) => (await steps()).revokeGeneratedKey(inputs, wantedKey(inputs, undefined).name),
});

/** The key that these inputs ask for. Pure. */
export function wantedKey(
  { owner, purpose, keyVersion }: Pick<OwnerToKeyMappingInputs, "owner" | "purpose" | "keyVersion">,
  known: Partial<OwnerToKeyMappingOutputs> | undefined,
): WantedKey {
  const settled = known?.fingerprintOfVersion === keyVersion;
  return {
    name: `${owner.slice(0, 3).toLowerCase()}-${purpose}-${keyVersion}`,
    current: settled ? known?.fingerprint : undefined,
    adopt: known?.fingerprintOfVersion === undefined,
  };
}
