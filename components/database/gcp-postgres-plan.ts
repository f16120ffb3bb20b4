/** What Cloud SQL accepts together. Pure. */

/** Editions of Cloud SQL. */
export const gcpEditions = ["ENTERPRISE", "ENTERPRISE_PLUS"] as const;
/** One of {@link gcpEditions}. */
export type GcpEdition = (typeof gcpEditions)[number];

/** Most days that the log for point-in-time recovery can be kept. */
export const longestLog = { ENTERPRISE: 7, ENTERPRISE_PLUS: 35 } as const satisfies Record<GcpEdition, number>;

/** Size and safety of a server. */
export interface GcpPostgresSize {
  readonly edition: GcpEdition;
  /** Machine: `db-custom-CPUS-MIB` for `ENTERPRISE`, `db-perf-optimized-N-CPUS` for `ENTERPRISE_PLUS`. */
  readonly tier: string;
  /** Daily backups that are kept. */
  readonly backups: number;
  /** Days in which any moment can be brought back. */
  readonly recoveryDays: number;
}

const performanceOptimised = [2, 4, 8, 16, 32, 48, 64, 80, 96, 128];

/** Why an edition has no such machine; undefined when it has. */
export function whyNoTier(edition: GcpEdition, tier: string): string | undefined {
  if (edition === "ENTERPRISE_PLUS") {
    const cpus = Number(/^db-perf-optimized-N-(\d+)$/.exec(tier)?.[1]);
    if (performanceOptimised.includes(cpus)) return undefined;
    return `got "${tier}"; expected db-perf-optimized-N-CPUS with ${performanceOptimised.join(", ")} CPUs`;
  }
  const [, cpus = 0, mib = 0] = (/^db-custom-(\d+)-(\d+)$/.exec(tier) ?? []).map(Number);
  if (!(cpus === 1 || (cpus >= 2 && cpus <= 96 && cpus % 2 === 0))) {
    return `got "${tier}"; expected db-custom-CPUS-MIB with 1 CPU or an even number up to 96`;
  }
  const least = Math.max(3840, Math.ceil((cpus * 0.9 * 1024) / 256) * 256);
  const most = Math.floor((cpus * 6.5 * 1024) / 256) * 256;
  if (mib % 256 !== 0 || mib < least || mib > most) {
    return `got "${tier}"; expected a multiple of 256 MiB, from ${least} to ${most} with ${cpus} CPU${cpus === 1 ? "" : "s"}`;
  }
  return undefined;
}

/** What of a size does not go together, each with its field. */
export function sizeProblems({ edition, tier, backups, recoveryDays }: GcpPostgresSize): string[] {
  const problems: string[] = [];
  const tierProblem = whyNoTier(edition, tier);
  if (tierProblem !== undefined) problems.push(`tier: ${tierProblem}`);
  const longest = longestLog[edition];
  if (recoveryDays < 1 || recoveryDays > longest) {
    problems.push(`recoveryDays: got ${recoveryDays}; expected 1 to ${longest} with the edition ${edition}`);
  }
  if (backups < recoveryDays) {
    problems.push(
      `backups: got ${backups}; expected at least ${recoveryDays}, the recoveryDays: a moment is brought back on top of a backup`,
    );
  }
  return problems;
}

/** What of a list of moments is not right, each with its place in the list: they are times in UTC, one after the other. */
export function momentProblems(moments: readonly string[]): string[] {
  return moments.flatMap((moment, index) => {
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(moment) || Number.isNaN(Date.parse(moment))) {
      return [`[${index}]: got "${moment}"; expected a time such as "2026-03-01T10:15:00Z"`];
    }
    const before = moments[index - 1];
    if (before === undefined || Date.parse(before) < Date.parse(moment)) return [];
    return [
      `[${index}]: got "${moment}"; expected a time after ${before}, when the server began that it is taken from`,
    ];
  });
}
