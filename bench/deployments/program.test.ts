import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { plannedResources } from "./planned-resources.ts";
import type { ProgramCosts } from "./program.ts";

test("the program of a template asks for all that its golden file lists, and tells what that cost", () => {
  const program = join(import.meta.dirname, "program.ts");
  const costs = JSON.parse(execFileSync(process.execPath, [program, "azure"], { encoding: "utf8" })) as ProgramCosts;
  const planned = plannedResources().find((each) => each.template === "azure" && each.environment === "production");
  // The engine adds the stack itself.
  expect(costs.resources).toBe((planned?.resources ?? 0) - 1);
  expect(costs.ms).toBeGreaterThan(costs.importedMs);
  expect(costs.peakKiB).toBeGreaterThan(10_000);
});
