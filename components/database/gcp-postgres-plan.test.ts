import { describe, expect, test } from "vitest";
import { momentProblems, sizeProblems, whyNoTier } from "./gcp-postgres-plan.ts";

describe("machines of an edition", () => {
  test.each([
    ["ENTERPRISE", "db-custom-1-3840"],
    ["ENTERPRISE", "db-custom-2-7680"],
    ["ENTERPRISE", "db-custom-4-26624"],
    ["ENTERPRISE_PLUS", "db-perf-optimized-N-4"],
  ] as const)("%s has %s", (edition, tier) => expect(whyNoTier(edition, tier)).toBeUndefined());

  test.each([
    ["ENTERPRISE", "db-f1-micro", /db-custom-CPUS-MIB/],
    ["ENTERPRISE", "db-custom-3-11520", /an even number/],
    ["ENTERPRISE", "db-custom-2-3841", /multiple of 256 MiB, from 3840 to 13312 with 2 CPUs/],
    ["ENTERPRISE", "db-custom-1-7680", /from 3840 to 6656 with 1 CPU$/],
    ["ENTERPRISE", "db-perf-optimized-N-4", /db-custom/],
    ["ENTERPRISE_PLUS", "db-custom-2-7680", /db-perf-optimized-N-CPUS/],
    ["ENTERPRISE_PLUS", "db-perf-optimized-N-6", /2, 4, 8/],
  ] as const)("%s has no %s", (edition, tier, why) => expect(whyNoTier(edition, tier)).toMatch(why));
});

test("what goes together has no problems; each thing that does not is named", () => {
  const good = { edition: "ENTERPRISE", tier: "db-custom-2-8192", backups: 14, recoveryDays: 7 } as const;
  expect(sizeProblems(good)).toEqual([]);
  expect(sizeProblems({ ...good, recoveryDays: 8 })).toEqual([
    "recoveryDays: got 8; expected 1 to 7 with the edition ENTERPRISE",
  ]);
  expect(sizeProblems({ ...good, backups: 6 })[0]).toMatch(/^backups: got 6; expected at least 7/);
  expect(sizeProblems({ ...good, tier: "large", recoveryDays: 0 })).toHaveLength(2);
});

test("moments are times in UTC, one after the other", () => {
  expect(momentProblems(["2026-03-01T10:15:00Z", "2026-03-02T10:15:00.5Z"])).toEqual([]);
  expect(momentProblems(["2026-03-01 10:15"])[0]).toMatch(/^\[0\]: got "2026-03-01 10:15"; expected a time such as/);
  expect(momentProblems(["2026-13-01T10:15:00Z"])).toHaveLength(1);
  expect(momentProblems(["2026-03-02T10:15:00Z", "2026-03-01T10:15:00Z"])[0]).toMatch(
    /^\[1\]: .*expected a time after 2026-03-02/,
  );
});
