/** How many tests ended how. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The sum of two. */
export function addCounts(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/**
 * The counts in a report of vitest's JSON reporter. A file that could not even be loaded has no tests in the report:
 * it counts as one failed test. So does a run that says it failed while all its tests passed, or that left no report.
 */
export function countsIn(report: string, exitCode: number): Counts {
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    const json = JSON.parse(report) as {
      numPassedTests: number;
      numFailedTests: number;
      numPendingTests: number;
      numTodoTests: number;
      testResults: { status: string; assertionResults: unknown[] }[];
    };
    const unloadable = json.testResults.filter(
      ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
    ).length;
    counts = {
      passed: json.numPassedTests,
      failed: json.numFailedTests + unloadable,
      skipped: json.numPendingTests + json.numTodoTests,
    };
  } catch {
    // no report, or half of one: vitest itself was killed
    exitCode = exitCode === 0 ? 1 : exitCode;
  }
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** The line that tells how a run ended. */
export function lastLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
