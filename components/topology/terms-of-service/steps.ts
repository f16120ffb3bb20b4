/** A domain's terms of service, through the admin API of a participant. No Pulumi. */
import { DomainConnectivityServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import { callDeadlineMs, converge } from "../convergence.ts";
import { registerByHand } from "../domain-connection/steps.ts";
import { type PinnedTerms, planTerms, question, type TermsState, termsOf } from "./plan.ts";
import type { TermsOfServiceInputs } from "./provider.ts";

export { messageOf } from "../convergence.ts";

/** Reading the terms may take as long: the participant itself waits for a domain that it cannot reach. */
const readDeadlineMs = 60_000;

/** What the participant says of the domain's terms. */
export async function observeTerms({ participant, domainAlias }: TermsOfServiceInputs): Promise<TermsState> {
  const client = connect(DomainConnectivityServiceClient, participant);
  try {
    const { agreement, accepted } = await call(client, "getAgreement", { domainAlias }, { deadlineMs: readDeadlineMs });
    if (agreement === undefined) return { registered: true, present: undefined, accepted };
    return { registered: true, present: termsOf(agreement), accepted };
  } catch (error) {
    if (!isCantonError(error) || error.reason !== "SYNC_SERVICE_UNKNOWN_DOMAIN") throw error;
    return { registered: false, present: undefined, accepted: false };
  } finally {
    client.close();
  }
}

/**
 * Accepts the confirmed terms.
 *
 * @param knownText the text that was accepted last, for the difference
 * @returns their text
 * @throws Error with the difference and what to do, when the domain's terms are not the confirmed ones
 */
export async function convergeTerms(inputs: TermsOfServiceInputs, knownText: string | undefined): Promise<string> {
  const confirmed: PinnedTerms = { id: inputs.termsId, sha256: inputs.sha256 };
  const state = await converge({
    what: `the terms of service of ${inputs.domainAlias}`,
    observe: async () => {
      const seen = await observeTerms(inputs);
      const [step] = planTerms(confirmed, seen);
      if (step?.do !== "ask") return seen;
      throw new Error(question(inputs.domainAlias, { ...confirmed, text: knownText }, seen.present));
    },
    plan: (seen) => planTerms(confirmed, seen),
    apply: async (step) => {
      if (step.do === "register") return registerByHand(inputs, inputs);
      if (step.do === "ask") return;
      const client = connect(DomainConnectivityServiceClient, inputs.participant);
      try {
        const request = { domainAlias: inputs.domainAlias, agreementId: step.id };
        await call(client, "acceptAgreement", request, { deadlineMs: callDeadlineMs });
      } finally {
        client.close();
      }
    },
  });
  return state.present?.text ?? "";
}
