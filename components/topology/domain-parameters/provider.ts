/** Pulumi's view of a domain's dynamic parameters. */
import { Incomplete, stepProvider } from "../../dynamic/step-provider.ts";
import {
  checkParameters,
  type DomainParameterName,
  type DomainParameterValues,
  describeParameters,
  restored,
  withParameters,
} from "./parameters.ts";
import type { ParametersTarget } from "./steps.ts";

/** What the resource takes. */
export interface DomainParametersInputs extends ParametersTarget {
  readonly parameters: DomainParameterValues;
}

/** What the resource gives out. */
export interface DomainParametersOutputs {
  /** What the parameters that it manages were before it managed them; deleting it brings them back. */
  readonly previous: DomainParameterValues;
}

/** Loaded for work only: an update that finds nothing to change does without. */
const steps = () => import("./steps.ts");

/** See `thinProvider`. */
export const provider = stepProvider<DomainParametersInputs, DomainParametersOutputs>({
  inputs: ["domainManager", "domainId", "parameters", "force"],
  identity: ["domainId"],
  id: ({ domainId }) => domainId,
  check: async ({ parameters = {} }) =>
    (await checkParameters({ ...parameters })).map(({ property, reason }) => ({
      property: `parameters.${property}`,
      reason,
    })),
  converge: async (inputs, known) => {
    const { convergeParameters, messageOf, observeParameters } = await steps();
    const names = Object.keys(inputs.parameters) as DomainParameterName[];
    const released = Object.fromEntries(
      Object.entries(known?.previous ?? {}).filter(([name]) => !names.includes(name as DomainParameterName)),
    );
    let previous: DomainParameterValues = known?.previous ?? {};
    try {
      const { authorized } = await observeParameters(inputs);
      // What it has managed before has its old value from then; what it manages no more goes back to it.
      if (authorized !== undefined) previous = { ...describeParameters(authorized, names), ...previous };
      await convergeParameters(inputs, (present) => withParameters(present, { ...released, ...inputs.parameters }));
    } catch (error) {
      throw new Incomplete(
        `the parameters of ${inputs.domainId} were not changed: ${messageOf(error as Error)}${forcing(error as Error)}`,
        { previous },
      );
    }
    return { previous: Object.fromEntries(Object.entries(previous).filter(([name]) => !(name in released))) };
  },
  observe: async (inputs) => {
    const { authorized } = await (await steps()).observeParameters(inputs);
    if (authorized === undefined) return { is: "absent" };
    const names = Object.keys(inputs.parameters) as DomainParameterName[];
    return { is: "present", inputs: { parameters: describeParameters(authorized, names, inputs.parameters) } };
  },
  remove: async (inputs, { previous = {} }) => {
    const { convergeParameters } = await steps();
    // Bringing back what was there is no decision to be confirmed once more.
    await convergeParameters({ ...inputs, force: true }, (present) =>
      withParameters(present, restored(present, inputs.parameters, previous)),
    );
  },
});

function forcing({ message, ...error }: Error & { reason?: string }): string {
  return `${error.reason ?? ""}${message}`.includes("INCREASE_OF_LEDGER_TIME_RECORD_TIME_TOLERANCE")
    ? "\nSet force: true to confirm the increase."
    : "";
}
