/** The dynamic parameters of a domain as a stack writes them. Light: the generated code is loaded for work only. Pure. */
import { durationSyntax, formatDuration, parseDuration } from "@pulumi-canton/runtime/durations.ts";
import type { Problem } from "../../dynamic/step-provider.ts";

/** The dynamic parameters of a domain; those left out are left as they are. Durations are text, such as `"30s"`. */
export interface DomainParameterValues {
  /** How long participants have to respond to the mediator; 0s or more. Canton's default: `30s`. */
  readonly participantResponseTimeout?: string | undefined;
  /** How long the mediator has to conclude after that; 0s or more. Canton's default: `30s`. */
  readonly mediatorReactionTimeout?: string | undefined;
  /** How long only the submitter of a transfer-out may submit the transfer-in; 0s or more. Canton's default: `60s`. */
  readonly transferExclusivityTimeout?: string | undefined;
  /** How long after its sequencing a topology change takes effect in Canton; 0s or more. Canton's default: `250ms`. */
  readonly topologyChangeDelay?: string | undefined;
  /** How far ledger time and record time may lie apart; 0s or more. To increase it needs `force`. Canton's default: `60s`. */
  readonly ledgerTimeRecordTimeTolerance?: string | undefined;
  /** The interval of ACS commitments; whole seconds, `1s` or more. Canton's default: `60s`. */
  readonly reconciliationInterval?: string | undefined;
  /** How long the mediator remembers requests; at least twice `ledgerTimeRecordTimeTolerance`. Canton's default: `120s`. */
  readonly mediatorDeduplicationTimeout?: string | undefined;
  /** The most messages a second that a participant may send; 1 to 2147483647. Canton's default: 1000000. */
  readonly maxRatePerParticipant?: number | undefined;
  /** The largest message in bytes; 65536 to 2147483647. Canton's default: 10485760. */
  readonly maxRequestSize?: number | undefined;
}

/** Names of the parameters that are durations. */
export const durationParameters = [
  "participantResponseTimeout",
  "mediatorReactionTimeout",
  "transferExclusivityTimeout",
  "topologyChangeDelay",
  "ledgerTimeRecordTimeTolerance",
  "reconciliationInterval",
  "mediatorDeduplicationTimeout",
] as const;

/** Names of the parameters that are whole numbers. */
export const integerParameters = ["maxRatePerParticipant", "maxRequestSize"] as const;

/** A parameter's name. */
export type DomainParameterName = keyof DomainParameterValues;

/** Parameters as the nodes have them: spans in microseconds. */
export type WireParameters = Readonly<
  Record<(typeof durationParameters)[number], bigint> & Record<(typeof integerParameters)[number], number>
>;

/** Puts what is given in place of what there is. @throws Error for what is no duration: `checkParameters` tells that before */
export function withParameters(present: WireParameters, given: DomainParameterValues): WireParameters {
  const spans = durationParameters.flatMap((name) => {
    const text = given[name];
    if (text === undefined) return [];
    const ms = parseDuration(text);
    if (ms === undefined) throw new Error(`${name}: got "${text}"; expected ${durationSyntax}`);
    return [[name, BigInt(ms) * 1000n] as const];
  });
  const numbers = integerParameters.flatMap((name) =>
    given[name] === undefined ? [] : [[name, given[name]] as const],
  );
  return { ...present, ...Object.fromEntries(spans), ...Object.fromEntries(numbers) };
}

/** What there is of some parameters, written as a stack writes them; a value that is meant is kept as it is written. */
export function describeParameters(
  present: WireParameters,
  names: readonly DomainParameterName[],
  meant: DomainParameterValues = {},
): DomainParameterValues {
  const entries = names.map((name) => {
    const value = present[name];
    if (typeof value === "number") return [name, value];
    const text = meant[name];
    const same = typeof text === "string" && BigInt(parseDuration(text) ?? -1) * 1000n === value;
    return [name, same ? text : spanText(value)];
  });
  return Object.fromEntries(entries) as DomainParameterValues;
}

function spanText(micros: bigint): string {
  return micros % 1000n === 0n ? formatDuration(Number(micros / 1000n)) : `${Number(micros) / 1000}ms`;
}

/**
 * The parameters that a deletion puts back: those that still have the value that was given.
 *
 * @param previous what they were before the resource was made
 */
export function restored(
  present: WireParameters,
  given: DomainParameterValues,
  previous: DomainParameterValues,
): DomainParameterValues {
  const mine = withParameters(present, given);
  return Object.fromEntries(
    Object.entries(previous).filter(([name]) => {
      const parameter = name as DomainParameterName;
      return given[parameter] !== undefined && mine[parameter] === present[parameter];
    }),
  );
}

/** What of the parameters is not accepted, before anything is done: by name, with what was given and what is accepted. */
export async function checkParameters(given: Readonly<Record<string, unknown>>): Promise<Problem[]> {
  const problems: Problem[] = [];
  const refuse = (name: string, expected: string) =>
    problems.push({ property: name, reason: `got ${JSON.stringify(given[name])}; expected ${expected}` });
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (durationParameters.includes(name as never)) {
      if (typeof value !== "string" || parseDuration(value) === undefined) refuse(name, durationSyntax);
    } else if (integerParameters.includes(name as never)) {
      if (!Number.isInteger(value)) refuse(name, "a whole number");
    } else refuse(name, `one of ${[...durationParameters, ...integerParameters].join(", ")}`);
  }
  if (problems.length > 0) return problems;
  const values = given as DomainParameterValues;
  const [{ checkDynamicDomainParameters, defaultDynamicDomainParameters }, { ProtocolError }] = await Promise.all([
    import("@pulumi-canton/protocol/domain-parameters.ts"),
    import("@pulumi-canton/protocol/protocol-error.ts"),
  ]);
  // The two that depend on one another are compared only where both are given: the other may be anything on the domain.
  const independent = { ...defaultDynamicDomainParameters(), ledgerTimeRecordTimeTolerance: 0n };
  const checked = { ...withParameters(independent, values) };
  if (values.mediatorDeduplicationTimeout === undefined) {
    checked.mediatorDeduplicationTimeout = 2n * checked.ledgerTimeRecordTimeTolerance;
  }
  // One problem at a time is told by the protocol's own check: each is taken out when it is known.
  for (const name of Object.keys(values) as DomainParameterName[]) {
    const alone = { ...independent, mediatorDeduplicationTimeout: 0n, [name]: checked[name] };
    if (name === "ledgerTimeRecordTimeTolerance") alone.mediatorDeduplicationTimeout = 2n * checked[name];
    refusedBy(() => checkDynamicDomainParameters(alone), name);
  }
  if (problems.length === 0) refusedBy(() => checkDynamicDomainParameters(checked), "mediatorDeduplicationTimeout");
  return problems;

  function refusedBy(check: () => unknown, name: DomainParameterName): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      refuse(name, camelCase(error.accepted ?? error.detail));
    }
  }
}

function camelCase(text: string): string {
  return text.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
