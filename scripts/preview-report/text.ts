/** The report for people at a terminal. Pure. */
import type { Counts, PreviewReport } from "./report.ts";
import {
  costInWords,
  costNote,
  countsInWords,
  dollars,
  driftInWords,
  kindOf,
  policiesInWords,
  typesInWords,
} from "./wording.ts";

const mostCosts = 12;

/** Renders a report; in colour only for a terminal. Without, what is dangerous is marked with `!!`. */
export function textReport(report: PreviewReport, { colour }: { readonly colour: boolean }): string {
  const red = (text: string) => (colour ? `\u001b[1;31m${text}\u001b[0m` : text);
  const bold = (text: string) => (colour ? `\u001b[1m${text}\u001b[0m` : text);
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ["", bold(title), ...lines.map((line) => `  ${line}`)];
  const { counts, replacements, deletions, topology, drift, policies, cost, errors } = report;
  return [
    `${bold(`Preview of ${report.stack}`)}: ${counts.replace > 0 ? red(countsInWords(counts)) : countsInWords(counts)}`,
    ...section(
      report.finished ? "Errors" : "The preview did not get to its end",
      errors.map((error) => red(`!! ${indent(error)}`)),
    ),
    ...section(
      "Replaced: deleted and made anew, with all that it holds",
      replacements.map(({ type, name, because }) => {
        return red(`!! ${kindOf(type)} ${name}${because.length === 0 ? "" : `, because of ${because.join(", ")}`}`);
      }),
    ),
    ...section(
      "Deleted",
      deletions.map(({ type, name }) => `- ${kindOf(type)} ${name}`),
    ),
    ...section("Topology", topology),
    ...section(
      "Not as the last update left it",
      drift.map((found) => `${kindOf(found.type)} ${found.name}: ${driftInWords(found)}`),
    ),
    ...section("Resources", table(report.kinds)),
    ...section(`Policies: ${policiesInWords(policies)}`, [
      ...policies.violations.flatMap(({ level, policy, type, name, description, message }) => {
        const told = `${level === "mandatory" ? "!! " : ""}[${level}] ${policy}: ${kindOf(type)} ${name}`;
        return [level === "mandatory" ? red(told) : told, `     ${description}`, `     ${indent(message)}`];
      }),
      ...(policies.violations.length === 0 ? ["docs/policies.md describes them"] : []),
    ]),
    ...costSection(report, section),
    "",
  ].join("\n");
}

function costSection(
  { cost }: PreviewReport,
  section: (title: string, lines: readonly string[]) => string[],
): string[] {
  const { lines, byUse, notEstimated } = cost;
  if (lines.length + byUse.length + notEstimated.length === 0) return [];
  const width = Math.max(0, ...lines.map(({ after, before }) => dollars(Math.max(after, before)).length));
  return section(`Cost: ${costInWords(cost)}`, [
    ...lines.slice(0, mostCosts).map(({ type, name, before, after, assumed }) => {
      const change = before === after ? "" : before === 0 ? " (new)" : ` (now ${dollars(before)})`;
      return `${dollars(after).padStart(width)}  ${kindOf(type)} ${name}${change}${assumed ? ` (assumed: ${assumed})` : ""}`;
    }),
    ...(lines.length > mostCosts ? [`and ${lines.length - mostCosts} more`] : []),
    ...(byUse.length === 0 ? [] : [`Billed by use, and not in it: ${typesInWords(byUse)}`]),
    ...(notEstimated.length === 0 ? [] : [`Not estimated: ${typesInWords(notEstimated)}`]),
    costNote,
  ]);
}

function table(kinds: PreviewReport["kinds"]): string[] {
  const fates = (["create", "update", "replace", "delete"] as const).filter((fate) =>
    kinds.some(({ counts }) => counts[fate] > 0),
  );
  if (kinds.length === 0) return [];
  const width = Math.max(...kinds.map(({ type }) => kindOf(type).length));
  const cell = (counts: Counts, fate: keyof Counts) => String(counts[fate] || "").padStart(fate.length);
  return [
    `${"".padEnd(width)}  ${fates.join("  ")}`,
    ...kinds.map(({ type, counts }) =>
      `${kindOf(type).padEnd(width)}  ${fates.map((fate) => cell(counts, fate)).join("  ")}`.trimEnd(),
    ),
  ];
}

function indent(text: string): string {
  return text.replaceAll("\n", "\n       ");
}
