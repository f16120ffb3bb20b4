import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openSession, openStack, run, type StackSession } from "../engine/session.ts";
import { command, say, unknownArgument } from "../environment/command.ts";
import { homeOf, stackOf } from "../environment/paths.ts";
import { takeStack } from "../environment/stack-argument.ts";
import { policyArguments, settingsOf } from "../policy-pack/arguments.ts";
import { markdownReport } from "../preview-report/markdown.ts";
import { exitCodeOf, type PreviewReport, previewReport } from "../preview-report/report.ts";
import { textReport } from "../preview-report/text.ts";

const help = `usage: ./scripts/preview [STACK] [--markdown | --json] [--expect-no-changes] [--no-replacements]

Says what an update of a stack would do, and changes nothing: resources by kind, replacements first and in red, what changes
in the topology in words, what is not as the last update left it, violated policies, and about what it costs a month. The
same on a laptop and in any CI. docs/previews.md tells more.

  STACK                another stack than 'local': stacks/STACK.ts, Pulumi.STACK.yaml
  --markdown           for a comment on a pull request
  --json               for programs
  --expect-no-changes  objects to any change, as a job that looks for drift does
  --no-replacements    objects to replacements

CANTON_BACKEND_URL names a state that a team shares; without it the state is in .canton, or .canton-STACK.

exit codes: 0 nothing to object to; 1 the preview failed; 2 a mandatory policy is violated; 3 there are changes, and
--expect-no-changes; 4 there are replacements, and --no-replacements; 64 wrong arguments; 69 something is missing on this
machine; 78 the configuration file cannot be read`;

const flags = ["--markdown", "--json", "--expect-no-changes", "--no-replacements"];

await command(async (args) => {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  const [first, ...rest] = args;
  takeStack(first === undefined || first.startsWith("-") ? args : ["--stack", first, ...rest], process.env, flags);
  if (args.includes("--markdown") && args.includes("--json")) unknownArgument("--json, beside --markdown");
  const stack = stackOf(process.env);
  const session = await openStack(await openSession(process.env, say), stack, { create: true, say });
  const settings = settingsOf(session);
  say(`Previewing ${stack} ...`);
  const { exitCode, log, output } = await preview(session, policyArguments(session, settings));
  const report = previewReport(stack, log, settings);
  process.stdout.write(rendered(report, args));
  const verdict = exitCodeOf(report, exitCode, {
    noChanges: args.includes("--expect-no-changes"),
    noReplacements: args.includes("--no-replacements"),
  });
  // An engine that fails before there is anything to report says why on its own.
  if (verdict === 1 && report.errors.length === 0) say(output);
  return verdict;
});

/** Runs the engine and gives back its event log, which it only writes with its debugging commands turned on. */
async function preview(session: StackSession, policies: readonly string[]) {
  const folder = mkdtempSync(join(homeOf(session.environment).directory, "preview-"));
  try {
    const eventLog = join(folder, "events.json");
    const previewing = { ...session, environment: { ...session.environment, PULUMI_DEBUG_COMMANDS: "true" } };
    const args = ["preview", "--non-interactive", "--color=never", `--event-log=${eventLog}`, ...policies];
    const { exitCode, output } = await run(previewing, args, true);
    return { exitCode, output, log: existsSync(eventLog) ? readFileSync(eventLog, "utf8") : "" };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function rendered(report: PreviewReport, args: readonly string[]): string {
  if (args.includes("--json")) return `${JSON.stringify(report, undefined, 2)}\n`;
  if (args.includes("--markdown")) return markdownReport(report);
  return textReport(report, { colour: process.stdout.isTTY === true && !process.env.NO_COLOR });
}
