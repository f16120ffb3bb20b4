import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { runEngine } from "../engine/run.ts";
import { type EngineSession, openSession, openStack, type StackSession } from "../engine/session.ts";
import { adoptChanges } from "../engine/stack-config.ts";
import { command, say } from "../environment/command.ts";
import { root, stackOf } from "../environment/paths.ts";
import { policyArguments, settingsOf } from "../policy-pack/arguments.ts";

const help = `usage: ./scripts/pulumi ARGUMENTS OF THE ENGINE

Runs the Pulumi engine with this project's environment: its state (in .canton, or CANTON_HOME), the passphrase for its
secrets, Node 24 and the plugins of this clone. The stack is 'local' unless --stack, PULUMI_STACK or
CANTON_STACK (which also means another folder, .canton-STACK) names another.

  ./scripts/pulumi preview --diff       what an update would change; with the policies (docs/policies.md) asked
  ./scripts/pulumi stack output --json  what the stack says of itself
  ./scripts/pulumi help                 the engine's own help`;

/** Subcommands that mean nothing without a stack: the default one is created for them. */
const needStack = new Set(["preview", "up", "update", "refresh", "config"]);

await command(async (args) => {
  if (args.length === 1 && (args[0] === "--help" || args[0] === "-h")) {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  // Inside the clone the working directory stays, so that relative paths mean what they say.
  const inside = !relative(root, process.cwd()).startsWith("..");
  const workingDirectory = inside ? process.cwd() : root;
  let session: EngineSession | StackSession = await openSession(process.env, say);
  if (projectFolder(args, workingDirectory) === root) {
    const own = stackOf(process.env);
    const stack = stackIn(args) ?? process.env.PULUMI_STACK ?? own;
    const create = stack === own && args[0] !== undefined && needStack.has(args[0]);
    session = await openStack(session, stack, { create, say });
  }
  const { environment } = session;
  const policies = "config" in session ? policiesFor(args, session) : [];
  const { exitCode } = await runEngine(session.engine, [...args, ...policies], { environment, workingDirectory });
  const changesConfig = args.some((argument) => argument === "config" || /^(-c|--config)(=|$)/.test(argument));
  if ("config" in session && changesConfig && adoptChanges(session.config)) {
    say(`${relative(process.cwd(), session.config.source)} has the change.`);
  }
  return exitCode;
});

/** Every preview asks the policies, and an update where they would stop it. */
function policiesFor(args: readonly string[], session: StackSession): string[] {
  const [subcommand] = args;
  if (args.some((argument) => /^(--policy-pack|--help|-h)(=|$)/.test(argument))) return [];
  const updates = subcommand === "up" || subcommand === "update";
  if (subcommand !== "preview" && !updates) return [];
  const settings = settingsOf(session);
  return updates && settings.environment === "dev" ? [] : policyArguments(session, settings);
}

/** The folder of the project that the engine will find: at or above the working directory. Undefined if told by -C. */
function projectFolder(args: readonly string[], directory: string): string | undefined {
  if (args.some((argument) => /^(-C|--cwd)(=|$)/.test(argument))) return undefined;
  for (let folder = directory; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "Pulumi.yaml"))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

function stackIn(args: readonly string[]): string | undefined {
  const at = args.findIndex((argument) => /^(-s|--stack)(=|$)/.test(argument));
  const argument = args[at];
  if (argument === undefined) return undefined;
  return argument.includes("=") ? argument.slice(argument.indexOf("=") + 1) : args[at + 1];
}
