import { expect, test } from "vitest";
import { countsIn, lastLine } from "./test-counts.ts";

test("a report of tests is counted, and what could not run is a failure", () => {
  const report = (overrides: object) =>
    JSON.stringify({
      numPassedTests: 5,
      numFailedTests: 0,
      numPendingTests: 1,
      numTodoTests: 1,
      testResults: [],
      ...overrides,
    });
  expect(lastLine(countsIn(report({}), 0))).toBe("5 passed, 0 failed, 2 skipped");
  expect(countsIn(report({ testResults: [{ status: "failed", assertionResults: [] }] }), 1).failed).toBe(1);
  expect(countsIn(report({ numFailedTests: 2 }), 1).failed).toBe(2);
  expect(countsIn(report({}), 1).failed).toBe(1);
  expect(countsIn("", 0).failed).toBe(1);
});
