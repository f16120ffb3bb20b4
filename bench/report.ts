/** The benchmarks' table and their JSON. */
import { cpus, totalmem } from "node:os";
import { table } from "@pulumi-canton/console/table.ts";
import { type Goal, isMet, type Measurement } from "./measurement.ts";

/** The table that is printed at the end. */
export function reportTable(measurements: readonly Measurement[]): string {
  return table(
    ["MEASURED", "RESULT", "AGAINST", "RATIO", "GOAL", "MET"],
    measurements.map(({ what, result, against, ratio, goal }) => [
      what,
      result,
      against ?? "",
      ratio === undefined ? "" : ratio.toFixed(2),
      goal === undefined ? "" : goalText(goal),
      goal === undefined || ratio === undefined ? "" : isMet(ratio, goal) ? "yes" : "NO",
    ]),
  );
}

/** The same for programs, with every sample and the machine it was measured on. */
export function reportJson(
  measurements: readonly Measurement[],
  conditions: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return {
    measuredAt: new Date().toISOString(),
    machine: {
      platform: `${process.platform} ${process.arch}`,
      processor: cpus()[0]?.model,
      processors: cpus().length,
      memoryMiB: Math.round(totalmem() / 2 ** 20),
      node: process.versions.node,
    },
    ...conditions,
    measurements: measurements.map((measurement) => ({
      ...measurement,
      ...(measurement.goal !== undefined &&
        measurement.ratio !== undefined && { met: isMet(measurement.ratio, measurement.goal) }),
    })),
  };
}

function goalText(goal: Goal): string {
  return "atMost" in goal ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`;
}
