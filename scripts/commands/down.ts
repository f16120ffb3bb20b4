import { localHome } from "@pulumi-canton/components/platform/local/home.ts";
import { endProcess, listProcesses } from "@pulumi-canton/components/platform/local/supervisor/client.ts";
import { openSession, openStack, run, waitForOthers } from "../engine/session.ts";
import { knownStacks } from "../engine/stack-state.ts";
import { command, say } from "../environment/command.ts";
import { Failure } from "../environment/failure.ts";
import { isHome, removeHome } from "../environment/home.ts";
import { takeLock } from "../environment/lock.ts";
import { type Home, homeOf, stackOf } from "../environment/paths.ts";
import { takeStack } from "../environment/stack-argument.ts";

const help = `usage: ./scripts/down [--stack NAME] [--force]

Ends the network that ./scripts/up brought up and removes all it made: processes, ports, data, keys, state. There is no
way back. What several clones share (the engine, in \${XDG_CACHE_HOME:-~/.cache}/pulumi-canton) stays.

  --stack NAME   another stack than 'local', as ./scripts/up --stack brought it up
  --force        ends the processes and removes the folder without asking the engine to destroy the stack first; for when
                 that does not work

exit codes: 0 nothing is left; 75 another ./scripts/up or down is running; else failed`;

await command(async (args) => {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  takeStack(args, process.env, ["--force"]);
  const home = homeOf(process.env);
  if (!isHome(home)) {
    say(`Nothing is up (${home.directory} is not there, or was not made by ./scripts/up).`);
    return 0;
  }
  const lock = takeLock(home.lockFile, "./scripts/down");
  if (!args.includes("--force")) await destroy(home);
  for (const { name } of listProcesses(localHome(home.directory))) {
    await endProcess(localHome(home.directory), name);
  }
  removeHome(home);
  lock.release();
  say("Down: nothing is left.");
  return 0;
});

async function destroy(home: Home): Promise<void> {
  const stacks = knownStacks(home.state);
  const own = stackOf(process.env);
  const others = stacks.filter((stack) => stack !== own);
  if (others.length > 0) {
    throw new Failure(`${home.directory} also holds the state of other stacks: ${others.join(", ")}`, [
      "Destroy and remove them first: ./scripts/pulumi destroy --stack NAME && ./scripts/pulumi stack rm NAME",
      "Or give up their state too: ./scripts/down --force",
    ]);
  }
  if (stacks.length === 0) return;
  const session = await openStack(await openSession(process.env, say), own, {
    create: false,
    lastConfig: true,
    say,
  });
  await waitForOthers(session, say);
  const { exitCode } = await run(session, ["destroy", "--yes", "--skip-preview", "--continue-on-error"]);
  if (exitCode !== 0) {
    throw new Failure(
      "the engine could not destroy all of it, see above",
      ["Run ./scripts/down again when the cause is gone, or ./scripts/down --force to end and remove it anyway."],
      exitCode,
    );
  }
}
