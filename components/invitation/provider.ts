/** Pulumi's view of an invitation to a domain. */
import { Incomplete, stepProvider } from "../dynamic/step-provider.ts";
import type { Endpoint } from "../platform/platform.ts";
import type { SequencerToDial } from "../topology/domain-connection/steps.ts";

/** What the resource takes. */
export interface InvitationInputs {
  readonly domainManager: Endpoint;
  readonly domainId: string;
  readonly alias: string;
  readonly sequencers: readonly SequencerToDial[];
  readonly termsOfService?: { readonly id: string; readonly sha256: string };
  readonly validDays: number;
}

/** What the resource gives out. */
export interface InvitationOutputs {
  /** The signed invitation, JSON text. */
  readonly invitation: string;
  /** When it expires. Example: `Sat, 28 Nov 2026 10:20:48 GMT`. */
  readonly expires: string;
}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./steps.ts");

/** See `thinProvider`. */
export const provider = stepProvider<InvitationInputs, InvitationOutputs>({
  inputs: ["domainManager", "domainId", "alias", "sequencers", "termsOfService", "validDays"],
  identity: ["domainId"],
  id: ({ domainId }) => `${domainId}/invitation`,
  check: ({ validDays }) =>
    validDays === undefined || (Number.isInteger(validDays) && validDays >= 1 && validDays <= 366)
      ? []
      : [{ property: "validDays", reason: `got ${validDays}; expected whole days, 1 to 366` }],
  converge: async (inputs) => {
    const { invite, messageOf } = await steps();
    try {
      return await invite(inputs, new Date());
    } catch (error) {
      throw new Incomplete(`the invitation to ${inputs.domainId} was not signed: ${messageOf(error as Error)}`);
    }
  },
  observe: async (_inputs, { invitation, expires }) => {
    if (invitation === undefined) return { is: "absent" };
    const { whyWorthless } = await steps();
    const why = await whyWorthless(invitation);
    if (why !== undefined) return { is: "present", drift: why };
    return Date.parse(expires) > Date.now() ? { is: "present" } : { is: "present", drift: `expired on ${expires}` };
  },
  // What was handed out cannot be taken back: an invitation admits nobody, the allow-list does.
  remove: async () => undefined,
});
