/** The report as a comment on a pull request. Pure. */
import type { PreviewReport } from "./report.ts";
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

/** The first line of a comment, by which the next run finds it again. */
export function commentMark(stack: string): string {
  return `<!-- pulumi-canton preview of ${stack} -->`;
}

/** Renders a report in GitHub's Markdown. GitHub shows its `CAUTION` in red; elsewhere it is a quote. */
export function markdownReport(report: PreviewReport): string {
  const { stack, counts, kinds, replacements, deletions, topology, drift, policies, cost, errors } = report;
  const refused = policies.violations.filter(({ level }) => level === "mandatory");
  const advice = policies.violations.filter(({ level }) => level === "advisory");
  const violation = ({ policy, type, name, description, message }: (typeof refused)[number]) =>
    `**${policy}** · ${thing(type, name)} · ${plain(description)} ${code(message)}`;
  return [
    commentMark(stack),
    `### Preview of \`${stack}\`: ${countsInWords(counts)}`,
    ...caution(
      report.finished ? "The engine told errors." : "The preview did not get to its end.",
      errors.map(code),
      !report.finished || errors.length > 0,
    ),
    ...caution(
      `**${replacements.length} to replace**: deleted and made anew, with all that they hold.`,
      replacements.map(({ type, name, because }) => {
        return `${thing(type, name)}${because.length === 0 ? "" : `, because of ${because.map(code).join(", ")}`}`;
      }),
      replacements.length > 0,
    ),
    ...caution(`**${refused.length} mandatory policy violations.**`, refused.map(violation), refused.length > 0),
    ...list("Topology", topology.map(plain)),
    ...list(
      "Deleted",
      deletions.map(({ type, name }) => thing(type, name)),
    ),
    ...list(
      "Not as the last update left it",
      drift.map((found) => `${thing(found.type, found.name)}: ${plain(driftInWords(found))}`),
    ),
    ...(kinds.length === 0
      ? []
      : [
          "",
          "| | create | update | replace | delete |",
          "| --- | ---: | ---: | ---: | ---: |",
          ...kinds.map(({ type, counts: own }) => {
            const replace = own.replace > 0 ? `**${own.replace}**` : "";
            return `| ${kindOf(type)} | ${own.create || ""} | ${own.update || ""} | ${replace} | ${own.delete || ""} |`;
          }),
        ]),
    "",
    `**Policies**: ${policiesInWords(policies)}.`,
    ...advice.map((violated) => `- ${violation(violated)}`),
    ...costLines(cost),
    "",
  ].join("\n");
}

function costLines(cost: PreviewReport["cost"]): string[] {
  const { lines, byUse, notEstimated } = cost;
  if (lines.length + byUse.length + notEstimated.length === 0) return [];
  return [
    "",
    `**Cost**: ${costInWords(cost)}. ${costNote}`,
    "",
    "<details><summary>By resource, in US dollars a month</summary>",
    "",
    "| | now | then |",
    "| --- | ---: | ---: |",
    ...lines.map(
      ({ type, name, before, after }) => `| ${thing(type, name)} | ${dollars(before)} | ${dollars(after)} |`,
    ),
    "",
    ...(byUse.length === 0 ? [] : [`Billed by use, and not in it: ${typesInWords(byUse)}.`, ""]),
    ...(notEstimated.length === 0 ? [] : [`Not estimated: ${typesInWords(notEstimated)}.`, ""]),
    "</details>",
  ];
}

function caution(title: string, lines: readonly string[], shown: boolean): string[] {
  return shown ? ["", "> [!CAUTION]", `> ${title}`, ...lines.map((line) => `> - ${line}`)] : [];
}

function list(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `**${title}**`, "", ...lines.map((line) => `- ${line}`)];
}

function thing(type: string, name: string): string {
  return `${kindOf(type)} ${code(name)}`;
}

/** What comes from the program is text and stays text: no markup, no mention of anybody. */
function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|@#]/g, (character) => `\\${character}`).replaceAll("\n", " ");
}

function code(text: string): string {
  const line = text.replaceAll("\n", " ").replaceAll("|", "\\|");
  const fence = "`".repeat(Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length)) + 1);
  return fence.length === 1 ? `\`${line}\`` : `${fence} ${line} ${fence}`;
}
