/** Pulumi's view of a party that a further participant hosts. */
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { driftOf } from "../mapping/provider.ts";
import { type Permission, participantMember } from "../topology-names.ts";
import type { HostingProgress } from "./plan.ts";

/** What the resource takes. */
export interface PartyHostingInputs {
  readonly party: string;
  readonly participantId: string;
  readonly permission: Permission;
  readonly domainId: string;
  readonly target?: Endpoint;
  readonly source?: Endpoint;
}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./steps.ts");

/** See `thinProvider`. */
export const provider = stepProvider<PartyHostingInputs, HostingProgress>({
  inputs: ["party", "participantId", "permission", "domainId", "target", "source"],
  identity: ["party", "participantId"],
  id: ({ party, participantId }) => `${party}/${participantMember(participantId)}`,
  check: ({ party }) =>
    party === undefined || /^[^:]+::[^:]+$/.test(party)
      ? []
      : [{ property: "party", reason: `got "${party}"; expected the full id of a party, name::fingerprint` }],
  converge: async (inputs) => {
    const { convergeHosting, messageOf } = await steps();
    if (inputs.target === undefined && inputs.source === undefined) {
      throw new Error(
        "target, source: got neither; expected the admin API of the hosting participant, of the party's owner, or both",
      );
    }
    try {
      return await convergeHosting(inputs);
    } catch (error) {
      const hosting = `${inputs.party} on ${participantMember(inputs.participantId)}`;
      throw new Incomplete(`${hosting} was not authorised: ${messageOf(error as Error)}`);
    }
  },
  observe: async (inputs) => {
    const { own, progress } = await (await steps()).observeHosting(inputs);
    if (own.every(({ state }) => state.authorized.length === 0)) return { is: "absent" };
    const wanted = { permission: inputs.permission };
    const drift = own.flatMap(({ side, state }) => {
      const found = driftOf(wanted, state);
      if (state.authorized.length === 0) return [`side ${side} was taken back`];
      const first = found.other ?? found.late;
      return first === undefined ? [] : [`side ${side} ${first}`];
    });
    return { is: "present", outputs: progress, ...(drift.length > 0 && { drift: drift.join("; ") }) };
  },
  remove: async (inputs) => (await steps()).endHosting(inputs),
});
