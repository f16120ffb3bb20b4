/** How many resources each template has in each environment: what its golden file lists, which a test holds against a preview. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/environment/paths.ts";

const folder = join(root, "test", "clouds", "golden");

/** A template in an environment. */
export interface PlannedResources {
  readonly template: string;
  readonly environment: string;
  readonly resources: number;
}

/** All that there are golden files of, those of a template one after the other. */
export function plannedResources(): PlannedResources[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .sort()
    .map((file) => {
      const [template = "", environment = ""] = file.split(".");
      return { template, environment, resources: countResources(readFileSync(join(folder, file), "utf8")) };
    });
}

/** The entries of a golden file. Pure. */
export function countResources(text: string): number {
  return text.split("\n").filter((line) => line.startsWith("- type: ")).length;
}
