import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { localHome } from "@pulumi-canton/components/platform/local/home.ts";
import { ensureSupervisor } from "@pulumi-canton/components/platform/local/supervisor/client.ts";
import { parseNetwork } from "@pulumi-canton/console/network.ts";
import { clearPendingCreates, openSession, openStack, run, waitForOthers } from "../engine/session.ts";
import { command, say } from "../environment/command.ts";
import { ensureHome } from "../environment/home.ts";
import { takeLock } from "../environment/lock.ts";
import { homeOf, stackOf } from "../environment/paths.ts";
import { takeStack } from "../environment/stack-argument.ts";
import { policyArguments, settingsOf } from "../policy-pack/arguments.ts";
import { changesIn, describeChanges } from "../summary/event-log.ts";
import { summarize } from "../summary/summary.ts";

const help = `usage: ./scripts/up [--stack NAME]

Brings up the Canton network that stacks/local.ts and Pulumi.local.yaml describe, on this machine, and prints what runs.
Installs what it needs first. Run again, it repairs what has drifted and does nothing else. Interrupted or killed, run
it again: it goes on from there. Everything it makes is in .canton (CANTON_HOME names another folder; CANTON_CONFIG
names another configuration file).

  --stack NAME   another stack: stacks/NAME.ts, Pulumi.NAME.yaml, in .canton-NAME. 'application-user' is a participant of
                 another organisation. CANTON_STACK says the same, to ./scripts/console, pulumi and down too

A refused participant (not on the allow-list) is an error of its own; the rest of the network stands.

exit codes: 0 up; 69 something is missing on this machine; 75 another ./scripts/up or down is running; 78 the
configuration file cannot be read; else failed`;

await command(async (args) => {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  takeStack(args, process.env);
  const home = homeOf(process.env);
  ensureHome(home);
  takeLock(home.lockFile, "./scripts/up");
  const session = await openStack(await openSession(process.env, say), stackOf(process.env), { create: true, say });
  await waitForOthers(session, say);
  await clearPendingCreates(session, say);
  // Nothing in an update without changes would notice that nobody looks after the processes any more.
  await ensureSupervisor(localHome(home.directory));

  // In development policies only advise, which is for a preview.
  const settings = settingsOf(session);
  const policies = settings.environment === "dev" ? [] : policyArguments(session, settings);
  // What the engine did is read from its event log, which it only writes with its debugging commands turned on.
  const eventLog = join(home.directory, "up-events.json");
  rmSync(eventLog, { force: true });
  const updating = { ...session, environment: { ...session.environment, PULUMI_DEBUG_COMMANDS: "true" } };
  const { exitCode } = await run(updating, [
    "up",
    "--yes",
    "--skip-preview",
    "--continue-on-error",
    "--suppress-outputs",
    `--event-log=${eventLog}`,
    ...policies,
    ...(process.stdout.isTTY ? [] : ["--suppress-progress"]),
  ]);
  const changes = existsSync(eventLog) ? changesIn(readFileSync(eventLog, "utf8")) : undefined;
  rmSync(eventLog, { force: true });
  if (exitCode === 0 && changes) process.stdout.write(`\nUp: ${describeChanges(changes)}.\n\n`);

  const { output } = await run(session, ["stack", "output", "--json"], true);
  const network = parseNetwork(output);
  if (network !== undefined) {
    // The console reads them here, without the engine.
    writeFileSync(`${home.outputs}.new`, output);
    renameSync(`${home.outputs}.new`, home.outputs);
    process.stdout.write(`${await summarize(network, home.directory, stackOf(process.env))}\n`);
  }
  if (exitCode !== 0) say("\nNot all went well, see above. When the cause is gone, run ./scripts/up again.");
  return exitCode;
});
