/** What a preview comes to. Pure. */
import { type PolicySettings, secretInputsPolicy } from "../policy-pack/settings.ts";
import { type Estimate, estimate } from "./cost/estimate.ts";
import { type Drift, type Fate, type PreviewEvents, readEvents, type Violation } from "./events.ts";
import { secretInputs } from "./secret-inputs.ts";
import { topologyWords } from "./topology-words.ts";

/** How many resources are to be what. */
export type Counts = Readonly<Record<Fate, number>>;

/** The report, as `--json` prints it. */
export interface PreviewReport {
  readonly stack: string;
  /** Whether the engine got to the end: if not, the rest is what it got to. */
  readonly finished: boolean;
  readonly counts: Counts;
  /** By type, those that change. */
  readonly kinds: readonly { readonly type: string; readonly counts: Counts }[];
  /** What is deleted and made anew, and because of which inputs. */
  readonly replacements: readonly {
    readonly type: string;
    readonly name: string;
    readonly because: readonly string[];
  }[];
  readonly deletions: readonly { readonly type: string; readonly name: string }[];
  /** What changes in the topology, a sentence each. */
  readonly topology: readonly string[];
  readonly drift: readonly Drift[];
  readonly policies: { readonly asked: readonly string[]; readonly violations: readonly Violation[] };
  readonly cost: Estimate;
  readonly errors: readonly string[];
}

/** What there is to object to; the command's exit codes. */
export const exitCodes = { fine: 0, failed: 1, policies: 2, changes: 3, replacements: 4 } as const;

/** Makes the report of a preview from the engine's event log. */
export function previewReport(stack: string, log: string, settings: PolicySettings): PreviewReport {
  const events = readEvents(log);
  const { resources, drift, errors, finished } = events;
  const changing = resources.filter(({ fate }) => fate !== "same");
  return {
    stack,
    finished,
    counts: countsOf(resources),
    kinds: [...Map.groupBy(changing, ({ type }) => type)]
      .map(([type, own]) => ({ type, counts: countsOf(own) }))
      .toSorted((one, other) => one.type.localeCompare(other.type)),
    replacements: resources
      .filter(({ fate }) => fate === "replace")
      .map(({ type, name, replacedBy }) => ({ type, name, because: replacedBy })),
    deletions: resources.filter(({ fate }) => fate === "delete").map(({ type, name }) => ({ type, name })),
    topology: topologyWords(resources),
    drift,
    policies: policyResults(events, settings),
    cost: estimate(resources),
    errors,
  };
}

/** Whether a mandatory policy is violated. */
export function isRefused({ policies }: PreviewReport): boolean {
  return policies.violations.some(({ level }) => level === "mandatory");
}

/** Whether an update would change anything. */
export function hasChanges({ counts }: PreviewReport): boolean {
  return counts.create + counts.update + counts.replace + counts.delete > 0;
}

/**
 * The exit code for a report.
 *
 * @param engine the engine's own exit code
 * @param insist on what the caller insists
 */
export function exitCodeOf(
  report: PreviewReport,
  engine: number,
  insist: { readonly noChanges?: boolean; readonly noReplacements?: boolean } = {},
): number {
  // The engine fails, too, where a mandatory policy is violated.
  if (!report.finished || report.errors.length > 0 || (engine !== 0 && !isRefused(report))) return exitCodes.failed;
  if (isRefused(report)) return exitCodes.policies;
  if (insist.noReplacements && report.counts.replace > 0) return exitCodes.replacements;
  // Drift that the next update would not touch is one as well: something is not as it was left.
  if (insist.noChanges && (hasChanges(report) || report.drift.length > 0)) return exitCodes.changes;
  return exitCodes.fine;
}

function policyResults({ policies, violations, resources }: PreviewEvents, settings: PolicySettings) {
  const own = secretInputs(resources, settings);
  return {
    asked: [...policies, secretInputsPolicy].toSorted(),
    violations: [...violations, ...own].toSorted(
      (one, other) =>
        Number(one.level === "advisory") - Number(other.level === "advisory") || one.policy.localeCompare(other.policy),
    ),
  };
}

function countsOf(resources: PreviewEvents["resources"]): Counts {
  const counts = { create: 0, update: 0, replace: 0, delete: 0, same: 0 };
  for (const { fate } of resources) counts[fate] += 1;
  return counts;
}
