/** What the report's forms for people have in common. Pure. */
import type { Drift, Violation } from "./events.ts";
import type { Counts, PreviewReport } from "./report.ts";

/** `aws:rds/instance:Instance` as people say it: `aws rds Instance`. */
export function kindOf(type: string): string {
  const [packageName = "", module = "", name = ""] = type.split(":");
  if (packageName === "kubernetes") return `kubernetes ${name}`;
  if (packageName === "pulumi-nodejs") return `${module.replace("dynamic/", "")} ${name}`;
  if (packageName === "pulumi-canton") return `${name} (component)`;
  return `${packageName.replace("-native", "")} ${module.split("/")[0]} ${name}`;
}

/** `3 to create, 1 to replace; 20 unchanged`. */
export function countsInWords({ create, update, replace, delete: deleted, same }: Counts): string {
  const parts = [
    { count: create, word: "to create" },
    { count: update, word: "to update" },
    { count: replace, word: "TO REPLACE" },
    { count: deleted, word: "to delete" },
  ].filter(({ count }) => count > 0);
  const changes =
    parts.length === 0 ? "nothing to change" : parts.map(({ count, word }) => `${count} ${word}`).join(", ");
  return `${changes}; ${same} unchanged`;
}

/** What was found different, and what the last update had left. */
export function driftInWords({ gone, changes }: Drift): string {
  if (gone) return "is not there any more";
  return changes
    .map(({ property, was, is }) => {
      if (property === "drift") return String(is);
      return `${property} is ${brief(is)}, and the last update left ${brief(was)}`;
    })
    .join("; ");
}

/** `3 mandatory, 1 advisory of 17 asked`. */
export function policiesInWords({ asked, violations }: PreviewReport["policies"]): string {
  if (violations.length === 0) return `${asked.length} asked, none violated`;
  const count = (level: Violation["level"]) => violations.filter((violation) => violation.level === level).length;
  return `${asked.length} asked; violations: ${count("mandatory")} mandatory, ${count("advisory")} advisory`;
}

/** `about $1,200 a month, $300 more than now`. */
export function costInWords({ before, after }: PreviewReport["cost"]): string {
  const difference = Math.round(after) - Math.round(before);
  const change =
    difference === 0 ? "as now" : `${dollars(Math.abs(difference))} ${difference > 0 ? "more" : "less"} than now`;
  return `about ${dollars(after)} a month, ${change}`;
}

/** `$1,240`. */
export function dollars(usd: number): string {
  return `$${usd < 10 && usd > 0 ? usd.toFixed(2) : Math.round(usd).toLocaleString("en-US")}`;
}

/** Types with how many there are: `2 aws s3 Bucket, 1 gcp pubsub Topic`. */
export function typesInWords(types: readonly { readonly type: string; readonly count: number }[]): string {
  return types.map(({ type, count }) => `${count} ${kindOf(type)}`).join(", ");
}

/** Where the estimate comes from, in one sentence. */
export const costNote = "List prices, to an order of magnitude; see docs/previews.md.";

function brief(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
