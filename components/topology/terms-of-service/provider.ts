/** Pulumi's view of terms of service that a participant has accepted. */
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import type { ConnectionTarget, ConnectionWanted } from "../domain-connection/steps.ts";

/** What the resource takes. */
export interface TermsOfServiceInputs extends ConnectionTarget, ConnectionWanted {
  /** The version of the terms that was confirmed. */
  readonly termsId: string;
  /** SHA-256 of the UTF-8 of the text that was confirmed, in hexadecimal digits. */
  readonly sha256: string;
}

/** What the resource gives out. */
export interface TermsOfServiceOutputs {
  /** The text that was accepted. */
  readonly text: string;
}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./steps.ts");

/** See `thinProvider`. */
export const provider = stepProvider<TermsOfServiceInputs, TermsOfServiceOutputs>({
  inputs: ["participant", "domainAlias", "sequencers", "domainId", "termsId", "sha256"],
  identity: ["domainAlias"],
  id: ({ domainAlias }) => `${domainAlias}/terms`,
  check: ({ sha256 }) =>
    sha256 === undefined || /^[0-9a-f]{64}$/.test(sha256)
      ? []
      : [{ property: "sha256", reason: `got "${sha256}"; expected 64 hexadecimal digits` }],
  converge: async (inputs, known) => {
    const { convergeTerms, messageOf } = await steps();
    try {
      return { text: await convergeTerms(inputs, known?.text) };
    } catch (error) {
      throw new Incomplete(messageOf(error as Error));
    }
  },
  observe: async (inputs) => {
    const { registered, present, accepted } = await (await steps()).observeTerms(inputs);
    if (!registered) return { is: "absent" };
    // The other version is not shown as an input: an update would seem to take it back, where a person is to be asked.
    if (present?.id !== inputs.termsId || present.sha256 !== inputs.sha256) {
      const now = present === undefined ? "none any more" : `${present.id} (sha256 ${present.sha256.slice(0, 12)}…)`;
      return { is: "present", drift: `the domain's terms are ${now}` };
    }
    return accepted ? { is: "present" } : { is: "present", drift: "is not accepted" };
  },
  // What was accepted cannot be taken back; a participant that ends its connection is bound by it no more.
  remove: async () => undefined,
});
